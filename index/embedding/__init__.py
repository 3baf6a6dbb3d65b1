"""Texts to unit vectors: the local MiniLM, an OpenAI-compatible service, or any LlamaIndex embedding."""

from collections.abc import Sequence
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from index.errors import ConfigurationError, EmbeddingFailed

if TYPE_CHECKING:
    from index.settings import IndexSettings

Vector = NDArray[np.float32]
"""A unit vector, shape (dimension,)."""

Matrix = NDArray[np.float32]
"""Unit vectors in rows, shape (n, dimension)."""

LOCAL = "local"
OPENAI = "openai:"


class Embedder(Protocol):
    """Texts to unit vectors of one dimension; safe to share between threads."""

    @property
    def name(self) -> str:
        """Return the model's name in the settings and the manifest; models of different names share no vector."""

    @property
    def graph(self) -> str:
        """Return how the model runs if that changes its vectors (`int8`, `fp32`), else `remote`."""

    @property
    def dimension(self) -> int:
        """Return the dimension of the vectors."""

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of texts to be stored, in their order; raises EmbeddingFailed."""

    def embed_query(self, text: str) -> Vector:
        """Return the vector of a question; raises EmbeddingFailed."""

    def close(self) -> None:
        """Close the connections; the embedder must not be used afterwards."""


class RemoteEmbedder:
    """The part of an embedder that asks a service: its dimension is that of the first vectors."""

    graph = "remote"

    def __init__(self, name: str) -> None:
        self.name = name
        self._dimension: int | None = None
        self._probe = Lock()

    @property
    def dimension(self) -> int:
        """Return the dimension of the vectors; the first call may embed a word, and then raise EmbeddingFailed."""
        with self._probe:
            return self._dimension or len(self.embed_query("dimension"))

    def embed_query(self, text: str) -> Vector:
        raise NotImplementedError

    def _unit(self, rows: ArrayLike, count: int) -> Matrix:
        """Return the rows of a reply scaled to length 1, as `unit` does, and learn their dimension."""
        matrix = unit(rows, count, self._dimension)
        self._dimension = matrix.shape[1]
        return matrix


def build_embedder(settings: "IndexSettings", *, load: bool = True) -> Embedder:
    """Return the embedder that the settings name; raises ConfigurationError if it is unknown or cannot start.

    With `load` the local model is loaded at once, so that the first question does not wait for it.
    """
    model = settings.embedding_model
    if model == LOCAL:
        from index.embedding.local import LocalEmbedder

        embedder = LocalEmbedder(settings.models_folder, precision=settings.embedding_graph)
        if load:
            embedder.load()
        return embedder
    if model.startswith(OPENAI) and model != OPENAI:
        from index.embedding.openai import OpenAIEmbedder

        key = settings.openai_api_key
        return OpenAIEmbedder(
            model.removeprefix(OPENAI),
            api_key=key.get_secret_value() if key else None,
            base_url=settings.openai_base_url,
        )
    if "." in model and not model.startswith(OPENAI):
        from index.embedding.llama import LlamaIndexEmbedder

        return LlamaIndexEmbedder(model, settings.embedding_options)
    raise ConfigurationError(
        f"found {model!r} as the embedding model",
        "Set DATELINE_EMBEDDING_MODEL to `local`, to `openai:NAME`, or to the class path of a LlamaIndex embedding.",
    )


def unit(rows: ArrayLike, count: int, dimension: int | None = None) -> Matrix:
    """Return the rows of a service's reply scaled to length 1, float32, shape (count, dimension).

    A `dimension` of None accepts any above 0. Raises EmbeddingFailed for another shape and for a row with NaN, infinity
    or only zeros.
    """
    try:
        numbers = np.asarray(rows, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise EmbeddingFailed(f"the embedding model gave something other than rows of numbers: {error}") from error
    if numbers.ndim != 2 or len(numbers) != count or numbers.shape[1] != (dimension or numbers.shape[1] or -1):
        raise EmbeddingFailed(
            f"the embedding model gave numbers of shape {numbers.shape}, expected ({count}, {dimension or 'any'})",
            "Check DATELINE_EMBEDDING_MODEL: it must name the embedding model that the index was built with.",
        )
    with np.errstate(over="ignore"):
        lengths = np.linalg.norm(numbers, axis=1)
    valid = np.isfinite(lengths) & (lengths > 0)
    if not valid.all():
        row = int(np.argmin(valid))
        raise EmbeddingFailed(
            f"the embedding model gave a vector of length {lengths[row]:g} for text {row + 1} of {count},"
            " expected a finite length above 0"
        )
    scaled: Matrix = (numbers / lengths[:, np.newaxis]).astype(np.float32)
    return scaled
