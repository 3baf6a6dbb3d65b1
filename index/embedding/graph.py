"""ONNX graphs on disk: built once from the weights of a network, then read."""

import hashlib
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal, NamedTuple

import numpy as np
from pydantic import BaseModel, ValidationError

from index.embedding import Matrix
from index.errors import ConfigurationError

BUILDER = 2
"""Version of the builder: a changed builder writes files of other names."""

CLOSE_ENOUGH = 0.98
"""Smallest cosine with float32 at which a graph in 8 bits is used."""

STALE_SECONDS = 3600

Precision = Literal["int8", "int8-reduced", "fp32"]
Kind = Precision

LARGEST: dict[Kind, int] = {"int8": 127, "int8-reduced": 64}
"""Largest weight of each kind: up to 64 is less exact, but processors without VNNI overflow on larger ones."""

_logger = logging.getLogger(__name__)

TEXTS = Path(__file__).with_name("graph_texts.txt")
"""Texts for the comparison of graphs, one on each line."""


@dataclass(frozen=True, slots=True)
class Network:
    """A network whose graph can be built: its file name, its writer, and its outputs for the fixed texts.

    `write` takes a path and the largest integer of the weights, or None for float32. `outputs` takes the path of a
    graph and the fixed texts and returns one row of numbers for each comparison; None if only float32 is used.
    """

    name: str
    write: Callable[[Path, int | None], None]
    outputs: Callable[[Path, Sequence[str]], Matrix] | None = None


class Graph(NamedTuple):
    """A graph on disk, the format of its weights, and its smallest cosine with float32 on the fixed texts."""

    path: Path
    kind: Kind
    cosine: float


class _Record(BaseModel):
    """The contents of `<name>-<precision>.json`, which describes the graph beside it."""

    file: str
    blake2b: str
    kind: Kind
    min_cosine: float


def prepare(
    models: Path, network: Network, *, precision: Precision = "int8", close_enough: float = CLOSE_ENOUGH
) -> Graph:
    """Return the graph of a network in the folder `models`; build it there if it is missing or corrupt.

    With `int8` it is the first of int8, int8-reduced (7 bits) and fp32 whose smallest cosine with float32, measured on
    this machine and the fixed texts, is `close_enough`; with `int8-reduced` int8 is left out. Building takes a second
    or two. Processes may prepare the same folder at once. Raises ConfigurationError if the model package is missing, or
    the folder has no valid graph and is not writable.
    """
    record = models / f"{network.name}-{precision}.json"
    try:
        return _read(record)
    except FileNotFoundError as error:
        reason = f"{Path(error.filename).name} is missing"
    except (OSError, ValueError) as error:
        reason = str(error)
        _logger.warning("The graph is built again: %s", reason)
    try:
        return _build(network, record, precision, close_enough)
    except OSError as error:
        raise ConfigurationError(
            f"{models} has no valid graph of {network.name} ({reason}), and it cannot be written: {error}",
            "Set DATELINE_MODELS to a folder that this process may write (250 MB), or to one that has the graph.",
        ) from error


def network_name(model: str, *digests: str) -> str:
    """Return the file name of a network that is built from weights with these digests."""
    made_of = hashlib.sha256(" ".join((*digests, str(BUILDER))).encode())
    return f"{model}-{made_of.hexdigest()[:12]}"


def _read(path: Path) -> Graph:
    try:
        record = _Record.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise ValueError(f"{path.name} is corrupt") from error
    graph = path.with_name(record.file)
    if _digest(graph) != record.blake2b:
        raise ValueError(f"{graph.name} is corrupt")
    return Graph(graph, record.kind, record.min_cosine)


def _build(network: Network, target: Path, precision: Precision, close_enough: float) -> Graph:
    """Write the graph and its record in a temporary folder, then move them into place, the record last."""
    models = target.parent
    models.mkdir(parents=True, exist_ok=True)
    _sweep(models)
    with TemporaryDirectory(prefix=".building-", dir=models) as folder:
        staging = Path(folder)
        exact = Graph(staging / "fp32.onnx", "fp32", 1.0)
        network.write(exact.path, None)
        if precision == "fp32" or network.outputs is None:
            made = exact
        else:
            made = _close(network, network.outputs, exact, precision, close_enough)
        graph = made._replace(path=models / f"{network.name}-{made.kind}.onnx")
        record = _Record(file=graph.path.name, blake2b=_digest(made.path), kind=graph.kind, min_cosine=graph.cosine)
        written = staging / "record.json"
        written.write_text(record.model_dump_json(indent=2) + "\n", encoding="utf-8")
        made.path.replace(graph.path)
        written.replace(target)
    return graph


def _close(
    network: Network,
    outputs: Callable[[Path, Sequence[str]], Matrix],
    exact: Graph,
    precision: Precision,
    close_enough: float,
) -> Graph:
    """Return the first graph of integers whose outputs are close enough to the exact ones, else the exact graph."""
    texts = TEXTS.read_text(encoding="utf-8").splitlines()
    expected = outputs(exact.path, texts)
    for kind, largest in LARGEST.items():
        if precision == "int8-reduced" and kind == "int8":
            continue
        path = exact.path.with_name(f"{kind}.onnx")
        network.write(path, largest)
        found = outputs(path, texts)
        lengths = np.linalg.norm(expected, axis=1) * np.linalg.norm(found, axis=1)
        cosine = float(((expected * found).sum(axis=1) / lengths).min())
        if cosine >= close_enough:
            return Graph(path, kind, cosine)
        refused = "The %s graph of %s is not used on this machine: its smallest cosine with float32 is %.3f"
        _logger.warning(refused, kind, network.name, cosine)
    return exact


def _digest(path: Path) -> str:
    with path.open("rb") as graph:
        return hashlib.file_digest(graph, lambda: hashlib.blake2b(digest_size=16)).hexdigest()


def _sweep(models: Path) -> None:
    """Remove the folders of builds that were killed."""
    for staging in models.glob(".building-*"):
        with suppress(FileNotFoundError):
            if staging.stat().st_mtime < time.time() - STALE_SECONDS:
                shutil.rmtree(staging, ignore_errors=True)
