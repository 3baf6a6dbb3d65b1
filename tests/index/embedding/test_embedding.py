from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from numpy.typing import NDArray
from pydantic import SecretStr

from index.embedding import build_embedder, unit
from index.embedding.llama import LlamaIndexEmbedder
from index.embedding.local import LocalEmbedder
from index.embedding.openai import OpenAIEmbedder
from index.errors import ConfigurationError, EmbeddingFailed
from index.settings import IndexSettings

MOCK = "llama_index.core.embeddings.mock_embed_model.MockEmbedding"
numbers = st.floats(min_value=-1e30, max_value=1e30).filter(lambda number: number == 0 or abs(number) > 1e-30)
matrices = arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=8), elements=numbers)


@given(matrices.filter(lambda rows: bool(rows.any(axis=1).all())))
def test_any_finite_rows_become_unit_rows_of_the_same_direction(rows: NDArray[np.float64]) -> None:
    """Finite, non-zero rows become float32 rows of length 1 with the same direction."""
    scaled = unit(rows, *rows.shape)
    assert scaled.dtype == np.float32
    assert np.linalg.norm(scaled, axis=1) == pytest.approx(1, abs=1e-6)
    cosines = (scaled * rows).sum(axis=1) / np.linalg.norm(rows, axis=1)
    assert cosines == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300, 0.0])
def test_a_row_that_has_no_direction_is_refused_by_its_place(bad: float) -> None:
    """NaN, infinity, overflow or a zero vector is an error that names the row."""
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
    """Rows that are too few, too long, ragged, empty, nested or not numbers are an error."""
    with pytest.raises(EmbeddingFailed, match="the embedding model gave"):
        unit(rows, count, dimension)


def test_local_is_the_embedded_model(models: Path, embedder: LocalEmbedder) -> None:
    """`local` is the local model, with its graph in the folder of the settings."""
    built = build_embedder(IndexSettings(embedding_model="local", models=models))
    assert isinstance(built, LocalEmbedder)
    assert (built.name, built.graph) == (embedder.name, embedder.graph)


def test_openai_is_the_service_of_the_settings() -> None:
    """`openai:NAME` is that model of the service, with any characters in its name."""
    settings = IndexSettings(
        embedding_model="openai:org/embed-1.5:latest",
        openai_api_key=SecretStr("given"),
        openai_base_url="http://127.0.0.1:9/v1",
    )
    built = build_embedder(settings)
    assert isinstance(built, OpenAIEmbedder)
    assert built.name == "openai:org/embed-1.5:latest"
    built.close()


def test_a_class_path_is_a_llama_index_embedding() -> None:
    """A class path is that class with the options of the settings."""
    built = build_embedder(IndexSettings(embedding_model=MOCK, embedding_options={"embed_dim": 7}))
    assert isinstance(built, LlamaIndexEmbedder)
    assert built.dimension == 7


@pytest.mark.parametrize("model", ["", "Local", "openai", "openai:", "minilm", "openai/text-embedding-3-small"])
def test_anything_else_is_refused_with_the_three_forms(model: str) -> None:
    """Any other name is an error that quotes it and lists the three valid forms."""
    with pytest.raises(ConfigurationError) as raised:
        build_embedder(IndexSettings(embedding_model=model))
    for part in (repr(model), "DATELINE_EMBEDDING_MODEL", "`local`", "`openai:NAME`", "class path"):
        assert part in str(raised.value)
