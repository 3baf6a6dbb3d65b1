"""The ONNX graph of the embedded model: made once from the weights of its package, then found on disk."""

import hashlib
import logging
import shutil
import time
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from index.embedding.minilm import WEIGHTS, model_file, weights_digest
from index.errors import ConfigurationError

BUILDER = 1
"""Raised by every change of how graphs are made, so that a changed one gets files of its own."""

CLOSE_ENOUGH = 0.98
"""The smallest cosine with float32 at which a graph of integers is used."""

STALE_SECONDS = 3600

Precision = Literal["int8", "fp32"]
Kind = Literal["int8", "int8-reduced", "fp32"]

LARGEST: dict[Kind, int] = {"int8": 127, "int8-reduced": 64}
"""Weights up to 64 cost some exactness; processors without VNNI overflow where they multiply larger ones."""

_logger = logging.getLogger(__name__)


class Graph(NamedTuple):
    """A graph on disk, how its weights are kept, and its smallest cosine with float32 on the fixed texts."""

    path: Path
    kind: Kind
    cosine: float


class _Record(BaseModel):
    """What `<name>-<precision>.json` says of the graph beside it."""

    file: str
    blake2b: str
    kind: Kind
    min_cosine: float


def prepare(models: Path, *, precision: Precision = "int8", close_enough: float = CLOSE_ENOUGH) -> Graph:
    """The graph in the folder `models`, made there in a second or two where there is none or a damaged one.

    With `int8` it is the first of int8, int8-reduced (7 bits) and fp32 whose smallest cosine with float32, measured on
    this machine and the fixed texts, is `close_enough`. Processes may prepare the same folder at once. Raises
    ConfigurationError where the model package is missing, and where there is no whole graph and none can be written.
    """
    name = _name()
    record = models / f"{name}-{precision}.json"
    try:
        return _found(record)
    except FileNotFoundError as error:
        reason = f"there is no {Path(error.filename).name}"
    except (OSError, ValueError) as error:
        reason = str(error)
        _logger.warning("The embedding graph is made anew: %s", reason)
    try:
        return _made(name, record, precision, close_enough)
    except OSError as error:
        raise ConfigurationError(
            f"{models} holds no usable graph of the embedding model ({reason}), and none can be written there: {error}",
            "Let DATELINE_MODELS name a folder that this process may write (250 MB), or one that holds the graph.",
        ) from error


def _name() -> str:
    made_of = hashlib.sha256(f"{weights_digest()} {BUILDER}".encode())
    return f"all-MiniLM-L6-v2-{made_of.hexdigest()[:12]}"


def _found(path: Path) -> Graph:
    try:
        record = _Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path.name} is damaged") from error
    graph = path.with_name(record.file)
    if _digest(graph) != record.blake2b:
        raise ValueError(f"{graph.name} is damaged")
    return Graph(graph, record.kind, record.min_cosine)


def _made(name: str, target: Path, precision: Precision, close_enough: float) -> Graph:
    """Make the graph and its record in a folder of their own, then move them into place, the record last."""
    models = target.parent
    models.mkdir(parents=True, exist_ok=True)
    _sweep(models)
    with TemporaryDirectory(prefix=".building-", dir=models) as folder:
        staging = Path(folder)
        made = _exact(staging) if precision == "fp32" else _close(staging, close_enough)
        graph = made._replace(path=models / f"{name}-{made.kind}.onnx")
        record = _Record(file=graph.path.name, blake2b=_digest(made.path), kind=graph.kind, min_cosine=graph.cosine)
        written = staging / "record.json"
        written.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        made.path.replace(graph.path)
        written.replace(target)
    return graph


def _exact(staging: Path) -> Graph:
    from index.embedding.graph.network import write_network

    path = staging / "fp32.onnx"
    write_network(model_file(WEIGHTS), path)
    return Graph(path, "fp32", 1.0)


def _close(staging: Path, close_enough: float) -> Graph:
    from index.embedding.graph.closeness import closeness
    from index.embedding.graph.network import write_network

    exact = _exact(staging)
    for kind, largest in LARGEST.items():
        path = staging / f"{kind}.onnx"
        write_network(model_file(WEIGHTS), path, largest=largest)
        cosine = closeness(exact.path, path)
        if cosine >= close_enough:
            return Graph(path, kind, cosine)
        _logger.warning("On this machine %s is too coarse: its smallest cosine with float32 is %.3f", kind, cosine)
    return exact


def _digest(path: Path) -> str:
    with path.open("rb") as graph:
        return hashlib.file_digest(graph, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _sweep(models: Path) -> None:
    """Remove what builds that were killed left behind."""
    for staging in models.glob(".building-*"):
        with suppress(FileNotFoundError):
            if staging.stat().st_mtime < time.time() - STALE_SECONDS:
                shutil.rmtree(staging, ignore_errors=True)
