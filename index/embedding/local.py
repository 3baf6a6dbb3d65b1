"""The local model: all-MiniLM-L6-v2 on onnxruntime, offline."""

import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from index.embedding import Matrix, Vector
from index.embedding.graph import Network, Precision, network_name, prepare
from index.embedding.minilm import WEIGHTS, load_session, load_tokenizer, model_file, weights_digest
from index.errors import EmbeddingFailed

DIMENSION = 384
MOST_THREADS = 8
TOLERANCE = 1e-3
"""Largest difference from 1 of the length of a vector that the graph computes in 8 bits."""


class LocalEmbedder:
    """Vectors of dimension 384 from the model in the installed package; see `prepare` for the folder `models`.

    The first 256 WordPieces of a text count. Its vector does not depend on the texts embedded with it. Raises
    ConfigurationError if the package is missing, or the folder has no graph and is not writable.
    """

    name = "local:all-MiniLM-L6-v2"
    dimension = DIMENSION

    def __init__(self, models: Path, *, precision: Precision = "int8") -> None:
        graph = prepare(models, minilm(), precision=precision)
        self.graph: str = graph.kind
        self._session = load_session(graph.path)
        self._tokenizer = load_tokenizer()

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of texts, shape (n, 384), computed on one thread a processor, eight at most."""
        if len(texts) < 2:
            return np.array([self.embed_query(text) for text in texts], np.float32).reshape(-1, DIMENSION)
        return np.stack(list(shared_threads().map(self.embed_query, texts)))

    def embed_query(self, text: str) -> Vector:
        """Return the vector of one text, shape (384,), computed on the caller's thread; raises EmbeddingFailed."""
        # Half a surrogate pair, as a JSON escape can leave it, has no UTF-8 form and would be a TypeError.
        pieces = self._tokenizer.encode(text.encode("utf-8", "replace").decode())
        # One text a run: int8 scales its input by the largest value of the run, so neighbours would change the vector.
        ids = np.array([pieces.ids], np.int64)
        rows = self._session.run(["vectors"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})
        numbers = rows[0][0].astype(np.float64)
        length = np.linalg.norm(numbers, axis=0)
        # A comparison with NaN is False.
        if not abs(length - 1) <= TOLERANCE:
            raise EmbeddingFailed(f"the local model gave a vector of length {length:g}, expected 1")
        vector: Vector = (numbers / length).astype(np.float32)
        return vector

    def close(self) -> None:
        """Do nothing: the threads are shared by all embedders of the process."""


def texts_per_second(models: Path, precision: Precision) -> tuple[str, float]:
    """Return the graph that a precision gives on this machine, and how many chunks it embeds a second."""
    embedder, text = LocalEmbedder(models, precision=precision), " ".join(["The council voted on Tuesday."] * 20)
    texts = [text] * 32
    embedder.embed_texts(texts)
    began = time.perf_counter()
    for _ in range(3):
        embedder.embed_texts(texts)
    return embedder.graph, 3 * len(texts) / (time.perf_counter() - began)


@cache
def shared_threads() -> ThreadPoolExecutor:
    """Return the threads that all networks share: creating threads for a call costs more than a short text."""
    # A container may use fewer processors than the machine has.
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return ThreadPoolExecutor(min(processors, MOST_THREADS), thread_name_prefix="embedding")


def minilm() -> Network:
    """Return the network of the embedder, as `prepare` builds it."""
    return Network(network_name("all-MiniLM-L6-v2", weights_digest()), _write, _outputs)


def _write(target: Path, largest: int | None) -> None:
    from index.embedding.network import write_network

    write_network(model_file(WEIGHTS), target, largest=largest)


def _outputs(graph: Path, texts: Sequence[str]) -> Matrix:
    """Return the vectors that a graph computes of texts, shape (texts, 384)."""
    session, tokenizer = load_session(graph), load_tokenizer()
    rows: list[Matrix] = []
    for text in texts:
        ids = np.array([tokenizer.encode(text).ids], np.int64)
        rows.append(session.run(["vectors"], {"input_ids": ids, "attention_mask": np.ones_like(ids)})[0])
    return np.concatenate(rows)
