"""What makes numbers from a model usable as vectors: the right shape, all finite, length 1."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from index.embedding import Matrix
from index.errors import EmbeddingFailed

UNIT_TOLERANCE = 1e-4
"""How far from 1 the length of a stored vector may be."""


def are_unit(vectors: Matrix) -> NDArray[np.bool_]:
    """For each row, whether it is a finite vector of length 1; shape (n,)."""
    # A comparison with NaN is False.
    near: NDArray[np.bool_] = np.abs(np.linalg.norm(vectors, axis=1) - 1) < UNIT_TOLERANCE
    return near


def unit(rows: ArrayLike, count: int, dimension: int | None = None, tolerance: float | None = None) -> Matrix:
    """The rows scaled to length 1, float32, shape (count, dimension).

    A `dimension` of None accepts any above 0. With a `tolerance`, a row must be of length 1 already, give or take that
    much. Raises EmbeddingFailed for another shape and for a row with NaN, infinity or nothing but zeros.
    """
    numbers = _numbers(rows)
    if numbers.ndim != 2 or len(numbers) != count or numbers.shape[1] != (dimension or numbers.shape[1] or -1):
        raise EmbeddingFailed(
            f"the embedding model gave numbers of shape {numbers.shape}, expected ({count}, {dimension or 'any'})",
            "Check that the embedding model of the settings is one, and the one the index was built with.",
        )
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(numbers, axis=1)
    usable = np.isfinite(lengths) & (lengths > 0)
    if tolerance is not None:
        usable &= np.abs(lengths - 1) <= tolerance
    if not usable.all():
        row = int(np.argmin(usable))
        raise EmbeddingFailed(
            f"the embedding model gave a vector of length {lengths[row]:g} for text {row + 1} of {count},"
            f" expected {'a finite one above 0' if tolerance is None else '1'}"
        )
    scaled: Matrix = (numbers / lengths[:, np.newaxis]).astype(np.float32)
    return scaled


def _numbers(rows: ArrayLike) -> NDArray[np.float64]:
    try:
        return np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EmbeddingFailed(f"the embedding model gave something else than rows of numbers: {error}") from error
