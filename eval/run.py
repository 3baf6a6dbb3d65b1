"""A run: every gold question asked of a target. Read `run_offline` first.

The lane `offline` is the gate's: no network, no key, the float32 graph of the embedded model, the extractive reader.
The lane `service` asks a running service, with the language model that it is set up for.
"""

import tempfile
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from eval.dated_target import DatedTarget
from eval.questions import GoldSet
from eval.records import GoldItem, Header, Run
from eval.target import OverHttp, Target, predict
from index.embedding import Embedder
from index.embedding.graph import Precision
from index.embedding.local import LocalEmbedder
from ingest.job import Ingest
from ingest.job import run as ingest
from ingest.progress import Progress
from service.build import build_pipeline
from service.pipeline import Pipeline
from service.prompts import new_fence
from service.readers.chat import Chat
from service.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Order:
    """Which questions to ask: all, or those of these types and ids; a part of them is a subset, which never passes."""

    types: Collection[str] = ()
    ids: Collection[str] = ()
    limit: int | None = None

    def of(self, gold: GoldSet) -> tuple[GoldItem, ...]:
        """The questions to ask."""
        wanted = [
            item
            for item in gold.items
            if (not self.types or item.type in self.types) and (not self.ids or item.id in self.ids)
        ]
        return tuple(wanted[: self.limit])


@dataclass(frozen=True, slots=True)
class Measurement:
    """A run, and how long each question took in milliseconds; times are reported and never compared."""

    run: Run
    latency_ms: dict[str, float]


def run_offline(
    gold: GoldSet, order: Order, models: Path, *, precision: Precision = "fp32", tick: Callable[[], None] = lambda: None
) -> Measurement:
    """Index the corpus in a temporary folder and ask the offline pipeline."""
    embedder = LocalEmbedder(models, precision=precision)
    with corpus_pipeline(gold, embedder, models) as pipeline, DatedTarget(pipeline, gold) as target:
        return measure(gold, order, target, _header(gold, pipeline, embedder), tick)


def run_service(gold: GoldSet, order: Order, url: str) -> Measurement:
    """Ask the service at a URL."""
    return measure(gold, order, OverHttp(url), header_of(gold, lane="service"))


def measure(
    gold: GoldSet, order: Order, target: Target, header: Header, tick: Callable[[], None] = lambda: None
) -> Measurement:
    """Ask a target every question of an order."""
    asked = order.of(gold)
    latency: dict[str, float] = {}
    predictions = []
    for item in asked:
        began = time.perf_counter()
        predictions.append(predict(item, target))
        latency[item.id] = (time.perf_counter() - began) * 1000 / (1 + len(item.paraphrases))
        tick()
    update = {"questions": len(asked), "subset": len(asked) != len(gold.items)}
    return Measurement(Run(header=header.model_copy(update=update), predictions=tuple(predictions)), latency)


@contextmanager
def corpus_pipeline(
    gold: GoldSet,
    embedder: Embedder,
    models: Path,
    *,
    chat: Chat | None = None,
    fence: Callable[[], str] = new_fence,
    **settings: object,
) -> Iterator[Pipeline]:
    """A pipeline on an index of the corpus that lasts as long as the block."""
    with tempfile.TemporaryDirectory(prefix="dateline-eval-") as folder:
        data = Path(folder) / "data"
        ingest(Ingest(gold.corpus_paths, data, "english"), embedder, Progress(quiet=True))
        pipeline = build_pipeline(settings_of(data, models, **settings), embedder, chat, fence)
        try:
            yield pipeline
        finally:
            pipeline.library.close()


def settings_of(data: Path, models: Path, **given: object) -> ServiceSettings:
    """Settings that take nothing from the environment: an evaluation means the same on every machine."""
    fields = ServiceSettings.model_fields.items()
    defaults = {name: field.get_default(call_default_factory=True) for name, field in fields}
    made: ServiceSettings = cast("Any", ServiceSettings)(
        _env_file=None, **{**defaults, "data": data, "models": models, **given}
    )
    return made


def _header(gold: GoldSet, pipeline: Pipeline, embedder: Embedder) -> Header:
    with pipeline.library.pinned() as generation:
        fingerprint = generation.manifest.fingerprint
    return header_of(gold, fingerprint=fingerprint, reader=pipeline.extractive.name, graph=embedder.graph)


def header_of(gold: GoldSet, **fields: Any) -> Header:  # noqa: ANN401 - the fields of Header
    """A header of the offline lane, unless the fields say otherwise."""
    made_of = {"lane": "offline", "fingerprint": "", "questions": len(gold.items), **fields}
    return Header(gold=gold.gold_hash, corpus=gold.corpus_hash, **made_of)
