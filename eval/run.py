"""A run: ask a target the gold questions. Read `run_offline` first.

The lane `offline` is the gate's: no network, no key, the float32 graph of the local model, the extractive reader.
The lane `service` asks a running service, with the language model that it is configured with.
"""

import asyncio
import json
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from http.client import HTTPException
from itertools import product
from pathlib import Path
from statistics import fmean
from typing import Any

from pydantic import SecretStr

from eval.errors import GoldInvalid
from eval.gold import GoldSet
from eval.records import GoldItem, Header, Prediction, Run, Turn
from eval.target import NO_CAP, Cap, CappedTarget, HttpTarget, RunStopped, Target
from index.embedding import Embedder
from index.embedding.graph import Precision
from index.embedding.local import LocalEmbedder
from index.errors import DatelineError
from index.records import parse_moment
from ingest.job import Ingest
from ingest.job import run as ingest
from ingest.report import Progress
from service.answer import to_json
from service.build import build_pipeline
from service.pipeline import Pipeline
from service.readers.extractive import EXTRACTIVE
from service.records import Message, Question
from service.settings import ServiceSettings

NOT_ASKED = "not asked"
"""The error of a question that a stopped run did not reach."""


@dataclass(frozen=True, slots=True)
class Selection:
    """The questions to ask: all, or those of these types and ids. A part of them is a subset, which cannot pass."""

    types: Collection[str] = ()
    ids: Collection[str] = ()
    limit: int | None = None

    def items_of(self, gold: GoldSet) -> tuple[GoldItem, ...]:
        """Return the selected questions of a gold set."""
        typed = [item for item in gold.items if not self.types or item.type in self.types]
        return tuple(item for item in typed if not self.ids or item.id in self.ids)[: self.limit]


@dataclass(frozen=True, slots=True)
class TimedRun:
    """A run and the milliseconds that each question took; times are reported and never compared."""

    run: Run
    latency_ms: dict[str, float]


class PipelineTarget:
    """The pipeline in this process; a run is the same on any day.

    Each question is asked on the day that its gold names, by default on the first day of the year after the newest
    article.
    """

    def __init__(self, pipeline: Pipeline, gold: GoldSet, loop: asyncio.Runner) -> None:
        self._pipeline = pipeline
        self._loop = loop
        dates = [article.published_at for article in gold.articles.values() if article.published_at]
        self._default_day = datetime(max(dates).year + 1 if dates else 2001, 1, 1, tzinfo=UTC)
        self._days = {
            (turns, item.as_of): day
            for item in gold.items
            if (day := _day_of(item))
            for turns in (item.turns, *_paraphrases(item))
        }

    def ask(self, turns: Sequence[Turn], as_of: str | None) -> dict[str, Any]:
        """Return the reply as the service would send it."""
        day = self._days.get((tuple(turns), as_of), self._default_day)
        messages = tuple(Message(turn.role, turn.content) for turn in turns[:-1])
        question = Question(turns[-1].content, messages=messages, as_of=parse_moment(as_of) if as_of else None)
        answer = self._loop.run(replace(self._pipeline, clock=lambda: day).ask(question))
        reply: dict[str, Any] = json.loads(to_json(answer))
        return reply


def run_offline(gold: GoldSet, selection: Selection, models: Path, *, precision: Precision = "fp32") -> TimedRun:
    """Index the corpus in a temporary folder and ask the offline pipeline."""
    embedder = LocalEmbedder(models, precision=precision)
    with corpus_pipeline(gold, embedder, models) as pipeline, asyncio.Runner() as loop:
        with pipeline.library.pinned() as generation:
            fingerprint = generation.manifest.fingerprint
        header = header_of(gold, fingerprint=fingerprint, reader=EXTRACTIVE, graph=embedder.graph)
        return ask_all(gold, selection, PipelineTarget(pipeline, gold, loop), header)


@dataclass(frozen=True, slots=True)
class Live:
    """How a running service is asked: its address, the key, how often each question, and the most it may cost."""

    url: str
    key: SecretStr | None = None
    repeats: int = 1
    cap: Cap = NO_CAP


def run_service(gold: GoldSet, selection: Selection, live: Live) -> TimedRun:
    """Ask a running service; the header names the readers and models that answered."""
    target = CappedTarget(HttpTarget(live.url, live.key), live.cap)
    measured = ask_all(gold, selection, target, header_of(gold, lane="service"), live.repeats)
    header = measured.run.header.model_copy(update=_served_by(measured.run))
    return replace(measured, run=measured.run.model_copy(update={"header": header}))


def ask_all(gold: GoldSet, selection: Selection, target: Target, header: Header, repeats: int = 1) -> TimedRun:
    """Ask a target each selected question, and then all of them again; paraphrases are asked the first time only.

    If the run is stopped, the rest is not asked: a question that was never asked has an error.
    """
    items = selection.items_of(gold)
    asked: dict[str, list[Prediction]] = {item.id: [] for item in items}
    latency: dict[str, list[float]] = {item.id: [] for item in items}
    stopped = None
    try:
        for number, item in product(range(repeats), items):
            once = item if number == 0 else item.model_copy(update={"paraphrases": ()})
            began = time.perf_counter()
            asked[item.id].append(predict(once, target))
            latency[item.id].append((time.perf_counter() - began) * 1000 / (1 + len(once.paraphrases)))
    except RunStopped as reason:
        stopped = str(reason)
    predictions = tuple(_with_repeats(id_, attempts) for id_, attempts in asked.items())
    update = {"questions": len(items), "subset": len(items) != len(gold.items), "repeats": repeats, "stopped": stopped}
    run = Run(header=header.model_copy(update=update), predictions=predictions)
    return TimedRun(run, {id_: fmean(times) for id_, times in latency.items() if times})


def _with_repeats(id_: str, attempts: list[Prediction]) -> Prediction:
    if not attempts:
        return Prediction(id=id_, error=NOT_ASKED)
    return attempts[0].model_copy(update={"repeats": tuple(attempts[1:])})


def replies_of(run: Run) -> Iterator[dict[str, Any]]:
    """Yield all replies of a run, those to repeats and paraphrases as well."""
    for prediction in run.predictions:
        for attempt in prediction.attempts:
            yield from attempt.paraphrased if attempt.reply is None else (attempt.reply, *attempt.paraphrased)


def missing_of(run: Run) -> dict[str, int]:
    """Return how often each question was not asked, for those that were asked less often than they should be."""
    asked = {each.id: 0 if each.error == NOT_ASKED else len(each.attempts) for each in run.predictions}
    return {id_: run.header.repeats - count for id_, count in asked.items() if count < run.header.repeats}


def _served_by(run: Run) -> dict[str, str | None]:
    """Return the names of the readers and of the models in the replies of a run."""
    versions = [reply["versions"] for reply in replies_of(run)]
    readers, models = (
        ", ".join(sorted({each[name] for each in versions if each[name]})) for name in ("reader", "model")
    )
    return {"reader": readers, "model": models or None}


def predict(item: GoldItem, target: Target) -> Prediction:
    """Ask a question and its paraphrases; a failure of one is the prediction's error."""
    try:
        reply, *others = [reproducible(target.ask(turns, item.as_of)) for turns in (item.turns, *_paraphrases(item))]
    except (DatelineError, OSError, HTTPException, ValueError) as error:
        return Prediction(id=item.id, error=f"{type(error).__name__}: {error}")
    return Prediction(id=item.id, reply=reply, paraphrased=tuple(others))


def reproducible(reply: dict[str, Any]) -> dict[str, Any]:
    """Return a reply without the fields that differ from run to run: ids, times and the generation's name."""
    kept = {name: value for name, value in reply.items() if name not in ("id", "created_at", "timings_ms")}
    for part, name in (("freshness", "index_updated_at"), ("versions", "generation")):
        kept[part] = {key: value for key, value in reply[part].items() if key != name}
    return kept


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
    return ServiceSettings.model_construct(data=data, models=models)


def header_of(gold: GoldSet, **fields: Any) -> Header:  # noqa: ANN401 - the fields of Header
    """Return a header for a gold set, of the offline lane unless the fields name another."""
    made_of = {"lane": "offline", "fingerprint": "", "questions": len(gold.items), **fields}
    return Header(gold=gold.gold_hash, corpus=gold.corpus_hash, **made_of)


def _paraphrases(item: GoldItem) -> list[tuple[Turn, ...]]:
    """Return the turns of a question once for each paraphrase, with the paraphrase as the last turn."""
    return [(*item.turns[:-1], Turn(role="user", content=other)) for other in item.paraphrases]


def _day_of(item: GoldItem) -> datetime | None:
    try:
        return parse_moment(item.asked_at) if item.asked_at else None
    except ValueError as error:
        raise GoldInvalid(f"{item.id}: asked_at is {item.asked_at!r}, expected an ISO 8601 date") from error
