"""An embedding job: shards of texts and their vectors, in a folder or an object store that all machines reach.

texts/SHARD         up to 2,000 texts, sorted by key; SHARD is the SHA-256 of the object: of model, graph and texts
vectors/SHARD       the vectors of these texts, in their order
plans/DIGEST.json   the shards of a plan, with model, graph and dimension; created last

Objects are created once and never changed, so a second writer of an object is harmless.
"""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ValidationError

from index.embedding import Embedder, Matrix
from index.errors import ConfigurationError, EmbeddingFailed
from index.replicas.store import Store
from index.vectors import are_unit
from ingest.errors import ShardInvalid

SHARD_TEXTS = 2_000
"""Texts of a shard: what a killed worker repeats, half a minute on two processors."""

PLANS = "plans/"
TEXTS = "texts/"
VECTORS = "vectors/"

FLOATS = np.dtype("<f4")


class JobModel(NamedTuple):
    """The model, graph and dimension of a job's vectors."""

    name: str
    graph: str
    dimension: int


class _Plan(BaseModel):
    """The contents of `plans/DIGEST.json`."""

    model: str
    graph: str
    dimension: int
    shards: tuple[str, ...]


class _VectorsHeader(BaseModel):
    """The first line of the vectors of a shard; `sha256` is that of the numbers after it."""

    shard: str
    model: str
    graph: str
    dimension: int
    count: int
    sha256: str
    machine: dict[str, str]


class Job:
    """An embedding job; `place` is a folder, or the address of an object store.

    Raises ConfigurationError if the folder does not exist, unless it is to be created, or the address is invalid.
    """

    def __init__(self, place: str, *, create: bool = False, store: Store | None = None) -> None:
        self.place = place
        if "://" not in place and not create and not Path(place).is_dir():
            raise self._without_plan()
        self._store = store or Store(place if "://" in place else Path(place).absolute().as_uri())
        self._plans: dict[str, _Plan] = {}

    @property
    def url(self) -> str:
        """Return the address of the job, which is the same on all machines."""
        return self._store.url

    def refresh(self) -> None:
        """Read the plans that are not known yet; raises ConfigurationError if they are of different models."""
        for name in self._store.names(PLANS):
            if name not in self._plans:
                self._plans[name] = self._read_plan(name)
        models = {_model_of(plan) for plan in self._plans.values()}
        if len(models) > 1:
            listed = " and ".join(sorted(f"{model.name} ({model.graph})" for model in models))
            raise ConfigurationError(
                f"{self.place} has plans for {listed}", "Use one job for each model: plan again in another folder."
            )

    @property
    def model(self) -> JobModel | None:
        """Return the model of the plans; None without a plan."""
        return next((_model_of(plan) for plan in self._plans.values()), None)

    @property
    def shards(self) -> list[str]:
        """Return the names of the shards of all plans, sorted."""
        return sorted({shard for plan in self._plans.values() for shard in plan.shards})

    def planned_model(self) -> JobModel:
        """Return the model of the plans; raises ConfigurationError without a plan."""
        if not self._plans:
            self.refresh()
        if self.model is None:
            raise self._without_plan()
        return self.model

    def add_plan(self, model: JobModel, shards: Sequence[str]) -> None:
        """Create a plan."""
        plan = _Plan(model=model.name, graph=model.graph, dimension=model.dimension, shards=tuple(sorted(shards)))
        content = plan.model_dump_json().encode()
        self._store.create(f"{PLANS}{hashlib.sha256(content).hexdigest()}.json", content)
        self.refresh()

    def add_texts(self, name: str, graph: str, texts: Sequence[str]) -> tuple[str, bool]:
        """Create a shard of texts for a model's name and graph; return its name, and whether it was not there."""
        # As ASCII: half a surrogate pair, which has no UTF-8 form, is a valid JSON escape.
        lines = [json.dumps({"model": name, "graph": graph}), *map(json.dumps, texts)]
        content = "\n".join(lines).encode()
        shard = hashlib.sha256(content).hexdigest()
        return shard, self._store.create(f"{TEXTS}{shard}", content)

    def texts(self, shard: str) -> list[str]:
        """Return the texts of a shard; raises ShardInvalid if they are missing or corrupt."""
        content = self._store.read(f"{TEXTS}{shard}")
        if content is None:
            raise ShardInvalid(
                f"{TEXTS}{shard} of {self.place} is missing",
                "Plan the same articles again, which writes it again; or delete the job and plan a new one.",
            )
        if hashlib.sha256(content).hexdigest() != shard:
            raise ShardInvalid(
                f"{TEXTS}{shard} of {self.place} is corrupt: its SHA-256 is not its name",
                "Delete this object, then plan the same articles again, which writes it again.",
            )
        return [json.loads(line) for line in content.decode().split("\n")[1:]]

    def has_texts(self) -> set[str]:
        """Return the names of the shards whose texts are there."""
        return {name.removeprefix(TEXTS) for name in self._store.names(TEXTS)}

    def embedded(self) -> set[str]:
        """Return the names of the shards whose vectors are there."""
        return {name.removeprefix(VECTORS) for name in self._store.names(VECTORS)}

    def add_vectors(self, shard: str, count: int, vectors: Matrix) -> bool:
        """Create the vectors of a shard with `count` texts; return False if they were there.

        Raises EmbeddingFailed, and writes nothing, unless they are unit vectors of the job's dimension.
        """
        model = self.planned_model()
        if vectors.shape != (count, model.dimension) or not are_unit(vectors).all():
            raise EmbeddingFailed(
                f"the embedding model gave vectors of shape {vectors.shape} for shard {shard}, expected {count} unit"
                f" vectors of dimension {model.dimension}",
                "Check whether it is still the model of the plan.",
            )
        numbers = np.ascontiguousarray(vectors, FLOATS).tobytes()
        header = _VectorsHeader(
            shard=shard,
            model=model.name,
            graph=model.graph,
            dimension=model.dimension,
            count=count,
            sha256=hashlib.sha256(numbers).hexdigest(),
            machine=this_machine(),
        )
        return self._store.create(f"{VECTORS}{shard}", header.model_dump_json().encode() + b"\n" + numbers)

    def vectors(self, shard: str, count: int) -> Matrix:
        """Return the vectors of a shard with `count` texts; raises ShardInvalid unless every check passes."""
        model = self.planned_model()
        content = self._store.read(f"{VECTORS}{shard}")
        if content is None:
            raise self.refused(shard, "are missing")
        line, _, numbers = content.partition(b"\n")
        try:
            header = _VectorsHeader.model_validate_json(line)
        except ValidationError as error:
            raise self.refused(shard, "are corrupt: their header cannot be read") from error
        found = JobModel(header.model, header.graph, header.dimension)
        if found != model or header.shard != shard:
            raise self.refused(shard, f"are of {found.name} ({found.graph}), dimension {found.dimension}")
        if header.count != count or len(numbers) != count * model.dimension * FLOATS.itemsize:
            raise self.refused(shard, f"are {header.count} in {len(numbers)} bytes, expected {count}")
        if hashlib.sha256(numbers).hexdigest() != header.sha256:
            raise self.refused(shard, "are corrupt: their SHA-256 is not the one of their header")
        vectors: Matrix = np.frombuffer(numbers, FLOATS).reshape(count, model.dimension)
        if not are_unit(vectors).all():
            raise self.refused(shard, "are not all of length 1")
        return vectors

    def machine_of(self, shard: str) -> str:
        """Return what is known of the machine that embedded a shard."""
        content = self._store.read(f"{VECTORS}{shard}") or b""
        try:
            machine = _VectorsHeader.model_validate_json(content.partition(b"\n")[0]).machine
        except ValidationError:
            return "unknown"
        return ", ".join(f"{name} {value}" for name, value in machine.items())

    def refused(self, shard: str, reason: str) -> ShardInvalid:
        """Return the error for vectors of a shard that are not used."""
        return ShardInvalid(
            f"the vectors of {self.place}: {VECTORS}{shard} {reason}",
            "Delete this object, run `dateline embed work` again, then take the job in.",
        )

    def check(self, embedder: Embedder) -> None:
        """Read the plans; raise ConfigurationError unless an embedder has their model, graph and dimension."""
        self.refresh()
        model, graph = self.planned_model(), embedder.graph
        if embedder.name != model.name:
            raise ConfigurationError(
                f"the job's texts are for {model.name}, the settings say {embedder.name}",
                "Set DATELINE_EMBEDDING_MODEL and DATELINE_EMBEDDING_OPTIONS as on the machine of the plan.",
            )
        if graph != model.graph:
            raise ConfigurationError(
                f"the job's vectors are of the graph {model.graph}, this machine computes with {graph}",
                f"Set DATELINE_EMBEDDING_GRAPH={model.graph}. If it is set, this processor cannot compute that graph:"
                " use one like that of the plan, or plan in another folder with DATELINE_EMBEDDING_GRAPH=int8-reduced.",
            )
        if embedder.dimension != model.dimension:
            raise ConfigurationError(
                f"the job's vectors have dimension {model.dimension}, those of {embedder.name} {embedder.dimension}",
                "Check that the embedding service has the same model as at the time of the plan.",
            )

    def _without_plan(self) -> ConfigurationError:
        return ConfigurationError(
            f"{self.place} has no plan of an embedding job",
            "Check --job, or run `dateline embed plan PATH --job JOB` first.",
        )

    def _read_plan(self, name: str) -> _Plan:
        try:
            return _Plan.model_validate_json(self._store.read(name) or b"")
        except ValidationError as error:
            raise ShardInvalid(
                f"{name} of {self.place} is corrupt", "Delete this object, then plan the same articles again."
            ) from error


def _model_of(plan: _Plan) -> JobModel:
    return JobModel(plan.model, plan.graph, plan.dimension)


@cache
def this_machine() -> dict[str, str]:
    """Return the processor, its features that matter for vectors, and the version of the runtime."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    fields = {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    flags = [flag for flag in fields.get("flags", "").split() if flag.startswith(("avx", "amx", "fma"))]
    return {
        "processor": fields.get("model name", "unknown"),
        "features": " ".join(flags),
        "onnxruntime": metadata.version("onnxruntime"),
    }
