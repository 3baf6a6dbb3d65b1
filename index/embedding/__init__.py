"""Texts to unit vectors: the embedded MiniLM, an OpenAI-compatible service, or any LlamaIndex embedding."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]
"""A unit vector, shape (dimension,)."""

Matrix = NDArray[np.float32]
"""Unit vectors, one a row, shape (n, dimension)."""


class Embedder(Protocol):
    """Texts to unit vectors of one dimension; safe to share between threads."""

    @property
    def name(self) -> str:
        """The model as settings and the manifest name it; two names never share a vector."""

    @property
    def graph(self) -> str:
        """How the model is run where that matters to its vectors (`int8`, `fp32`), else `remote`."""

    @property
    def dimension(self) -> int:
        """How many numbers a vector has."""

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """The vectors of texts to be stored, in their order; raises EmbeddingFailed."""

    def embed_query(self, text: str) -> Vector:
        """The vector of a question; raises EmbeddingFailed."""

    def close(self) -> None:
        """Let go of connections; the embedder must not be used afterwards."""
