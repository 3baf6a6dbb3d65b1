"""A run: ask a target the gold questions. Read `run_offline` first.

The lane `offline` is the gate's: no network, no key, the float32 graph of the local model, the extractive reader.
The lane `service` asks a running service, with the language model that it is configured with.
"""

import asyncio
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from eval.gold import GoldSet
from eval.records import GoldItem, Header, Run
from eval.target import HttpTarget, PipelineTarget, Target, predict
from index.embedding import Embedder
from index.embedding.graph import Precision
from index.embedding.local import LocalEmbedder
from ingest.job import Ingest
from ingest.job import run as ingest
from ingest.progress import Progress
from service.build import build_pipeline
from service.pipeline import Pipeline
from service.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Selection:
    """The questions to ask: all, or those of these types and ids. A part of them is a subset, which cannot pass."""

    types: Collection[str] = ()
    ids: Collection[str] = ()
    limit: int | None = None

    def items_of(self, gold: GoldSet) -> tuple[GoldItem, ...]:
        """Return the selected questions of a gold set."""
        selected = [
            item
            for item in gold.items
            if (not self.types or item.type in self.types) and (not self.ids or item.id in self.ids)
        ]
        return tuple(selected[: self.limit])


@dataclass(frozen=True, slots=True)
class TimedRun:
    """A run and the milliseconds that each question took; times are reported and never compared."""

    run: Run
    latency_ms: dict[str, float]


def run_offline(gold: GoldSet, selection: Selection, models: Path, *, precision: Precision = "fp32") -> TimedRun:
    """Index the corpus in a temporary folder and ask the offline pipeline."""
    embedder = LocalEmbedder(models, precision=precision)
    with corpus_pipeline(gold, embedder, models) as pipeline, asyncio.Runner() as loop:
        with pipeline.library.pinned() as generation:
            fingerprint = generation.manifest.fingerprint
        header = header_of(gold, fingerprint=fingerprint, reader=pipeline.extractive.name, graph=embedder.graph)
        return ask_all(gold, selection, PipelineTarget(pipeline, gold, loop), header)


def run_service(gold: GoldSet, selection: Selection, url: str) -> TimedRun:
    """Ask the service at a URL."""
    return ask_all(gold, selection, HttpTarget(url), header_of(gold, lane="service"))


def ask_all(gold: GoldSet, selection: Selection, target: Target, header: Header) -> TimedRun:
    """Ask a target each selected question."""
    items = selection.items_of(gold)
    latency: dict[str, float] = {}
    predictions = []
    for item in items:
        began = time.perf_counter()
        predictions.append(predict(item, target))
        latency[item.id] = (time.perf_counter() - began) * 1000 / (1 + len(item.paraphrases))
    update = {"questions": len(items), "subset": len(items) != len(gold.items)}
    return TimedRun(Run(header=header.model_copy(update=update), predictions=tuple(predictions)), latency)


@contextmanager
def corpus_pipeline(gold: GoldSet, embedder: Embedder, models: Path) -> Iterator[Pipeline]:
    """Build a pipeline on a temporary index of the corpus, and close it at the end of the block."""
    with tempfile.TemporaryDirectory(prefix="dateline-eval-") as folder:
        data = Path(folder) / "data"
        ingest(Ingest(gold.corpus_paths, data, "english"), embedder, Progress(quiet=True))
        pipeline = build_pipeline(default_settings(data, models), embedder)
        try:
            yield pipeline
        finally:
            pipeline.library.close()


def default_settings(data: Path, models: Path) -> ServiceSettings:
    """Return default settings that ignore the environment, so that a run is the same on every machine."""
    fields = ServiceSettings.model_fields.items()
    values = {name: field.get_default(call_default_factory=True) for name, field in fields}
    values |= {"data": data, "models": models}
    return cast("ServiceSettings", cast("Any", ServiceSettings)(_env_file=None, **values))


def header_of(gold: GoldSet, **fields: Any) -> Header:  # noqa: ANN401 - the fields of Header
    """Return a header for a gold set, of the offline lane unless the fields name another."""
    made_of = {"lane": "offline", "fingerprint": "", "questions": len(gold.items), **fields}
    return Header(gold=gold.gold_hash, corpus=gold.corpus_hash, **made_of)
