"""The embedded model: all-MiniLM-L6-v2 on onnxruntime, offline."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from index.embedding import Matrix, Vector
from index.embedding.graph import Precision, prepare
from index.embedding.graph.session import Session
from index.embedding.vectors import unit
from index.embedding.wordpiece import WordPieces

DIMENSION = 384
LIMIT = 256
MOST_THREADS = 8


class LocalEmbedder:
    """Vectors of dimension 384 from the model in the installed package; see `prepare` for the folder `models`.

    A text counts up to its first 256 WordPieces. It gives the same vector whatever it is embedded with. Raises
    ConfigurationError where the package is missing or the folder holds no graph and cannot be written.
    """

    name = "local:all-MiniLM-L6-v2"
    dimension = DIMENSION

    def __init__(self, models: Path, *, precision: Precision = "int8") -> None:
        graph = prepare(models, precision=precision)
        self.graph: str = graph.kind
        self._session = Session(graph.path)
        self._pieces = WordPieces(limit=LIMIT)

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """The vectors of texts, shape (n, 384), on as many threads as there are processors, eight at most."""
        if len(texts) < 2:
            return np.array([self.embed_query(text) for text in texts], np.float32).reshape(-1, DIMENSION)
        return np.stack(list(_threads().map(self.embed_query, texts)))

    def embed_query(self, text: str) -> Vector:
        """The vector of one text, shape (384,), on the caller's thread; raises EmbeddingFailed."""
        vector = self._session.vector(self._pieces.ids(text))
        only: Vector = unit([vector], 1, DIMENSION, tolerance=1e-3)[0]
        return only

    def close(self) -> None:
        """Do nothing: the threads are shared by all embedders of the process."""


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads that all embedders share: new ones for each call would cost more than a short text."""
    return ThreadPoolExecutor(_processors(), thread_name_prefix="embedding")


def _processors() -> int:
    # Those this process may use, where the system tells: a container's share rather than the whole machine.
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(usable, MOST_THREADS)
