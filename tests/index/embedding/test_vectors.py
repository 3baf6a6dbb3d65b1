import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray

from index.embedding.vectors import unit
from index.errors import EmbeddingFailed

numbers = st.floats(min_value=-1e30, max_value=1e30).filter(lambda number: number == 0 or abs(number) > 1e-30)
matrices = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=numbers)


@given(matrices.filter(lambda rows: bool(rows.any(axis=1).all())))
def test_any_finite_rows_become_unit_rows_of_the_same_direction(rows: NDArray[np.float64]) -> None:
    """Any finite rows but zeros become float32 rows of length 1 that point where they pointed."""
    scaled = unit(rows, *rows.shape)
    assert scaled.dtype == np.float32
    assert np.linalg.norm(scaled, axis=1) == pytest.approx(1, abs=1e-6)
    cosines = (scaled * rows).sum(axis=1) / np.linalg.norm(rows, axis=1)
    assert cosines == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300, 0.0])
def test_a_row_that_has_no_direction_is_refused_by_its_place(bad: float) -> None:
    """NaN, infinity, an overflow or nothing but zeros in one row is refused, and the row is named."""
    with pytest.raises(EmbeddingFailed, match="text 2 of 3"):
        unit([[1.0, 2.0], [bad, bad], [3.0, 4.0]], 3)


@pytest.mark.parametrize(
    ("rows", "count", "dimension"),
    [
        ([[1.0, 2.0]], 2, 2),
        ([[1.0, 2.0]], 1, 3),
        ([1.0, 2.0], 2, None),
        ([[[1.0]]], 1, None),
        ([[]], 1, None),
        ([[1.0], [1.0, 2.0]], 2, None),
        ([["one"]], 1, None),
        ([[None]], 1, None),
    ],
)
def test_rows_of_another_shape_are_refused(rows: list[list[float]], count: int, dimension: int | None) -> None:
    """Rows too few, too long, ragged, empty, nested or not of numbers are refused."""
    with pytest.raises(EmbeddingFailed, match="the embedding model gave"):
        unit(rows, count, dimension)


def test_with_a_tolerance_a_row_must_be_of_length_one_already() -> None:
    """With a tolerance, a row a little off length 1 passes and one further off is refused."""
    assert unit([[1.0005, 0.0]], 1, tolerance=1e-3).tolist() == [[1.0, 0.0]]
    with pytest.raises(EmbeddingFailed, match=r"length 1\.01 for text 1 of 1"):
        unit([[1.01, 0.0]], 1, tolerance=1e-3)
