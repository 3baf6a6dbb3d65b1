"""Runs: selected questions, and saved answers."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from eval.gold import GoldSet, read_gold
from eval.records import Turn
from eval.run import (
    Live,
    PipelineTarget,
    Selection,
    ask_all,
    corpus_pipeline,
    default_settings,
    header_of,
    predict,
    run_service,
)
from eval.score import score
from service.answer import Answer
from service.pipeline import Pipeline
from service.records import Question
from tests.eval.pieces import gold_of, item, saying, unanswerable
from tests.eval.selftest.replies import Reply
from tests.eval.small_gold import write_gold
from tests.fakes import HashedEmbedder
from tests.service.answers import answer

RIGHT = saying("Ines Corrand cut the ribbon.")
GOLD = gold_of(item(id="when-001", type="when"), unanswerable(), item(id="who-001"), item(id="who-002"))


class Counting:
    """A target with one answer that records the questions."""

    def __init__(self) -> None:
        self.asked: list[Sequence[Turn]] = []

    def ask(self, turns: Sequence[Turn], as_of: str | None) -> dict[str, Any]:
        self.asked.append(turns)
        return RIGHT


@pytest.mark.parametrize(
    ("selection", "ids"),
    [
        (Selection(), ["when-001", "unanswerable-001", "who-001", "who-002"]),
        (Selection(types=("who",)), ["who-001", "who-002"]),
        (Selection(types=("who", "when")), ["when-001", "who-001", "who-002"]),
        (Selection(ids=("who-002", "when-001")), ["when-001", "who-002"]),
        (Selection(types=("who",), ids=("when-001", "who-001")), ["who-001"]),
        (Selection(types=("who",), limit=1), ["who-001"]),
        (Selection(limit=0), []),
        (Selection(limit=99), ["when-001", "unanswerable-001", "who-001", "who-002"]),
        (Selection(ids=("where-001",)), []),
    ],
)
def test_a_selection_chooses_questions(selection: Selection, ids: list[str]) -> None:
    """Types and ids must both match; the limit applies afterwards, in the order of the gold set."""
    assert [one.id for one in selection.items_of(GOLD)] == ids


def test_a_part_of_the_questions_is_a_subset() -> None:
    """The header has the number of questions, and whether they are a subset."""
    whole = ask_all(GOLD, Selection(), Counting(), header_of(GOLD)).run.header
    part = ask_all(GOLD, Selection(types=("who",)), Counting(), header_of(GOLD)).run.header
    assert (whole.questions, whole.subset, part.questions, part.subset) == (4, False, 2, True)
    assert (whole.lane, whole.gold, whole.corpus) == ("offline", GOLD.gold_hash, GOLD.corpus_hash)


def test_every_question_has_a_prediction_and_a_time() -> None:
    """Each question and each of its paraphrases is asked once."""
    target = Counting()
    gold = gold_of(item(paraphrases=["By whom?", "Who did?"]), unanswerable())
    measured = ask_all(gold, Selection(), target, header_of(gold))
    assert [turns[-1].content for turns in target.asked] == [
        "Who cut the ribbon?",
        "By whom?",
        "Who did?",
        "Who swept it?",
    ]
    assert [(one.id, len(one.paraphrased)) for one in measured.run.predictions] == [
        ("who-001", 2),
        ("unanswerable-001", 0),
    ]
    assert set(measured.latency_ms) == {"who-001", "unanswerable-001"}
    assert all(time >= 0 for time in measured.latency_ms.values())


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> GoldSet:
    """Return three questions on three articles."""
    return read_gold(write_gold(tmp_path_factory.mktemp("run")))


def test_the_pipeline_is_asked_in_this_process(gold: GoldSet, tmp_path: Path) -> None:
    """The corpus is indexed, each question is answered, and the run is the same on any day."""
    runs = []
    for day in (datetime(1999, 7, 1, tzinfo=UTC), datetime(2044, 7, 1, tzinfo=UTC)):
        with corpus_pipeline(gold, HashedEmbedder(), tmp_path) as pipeline, asyncio.Runner() as loop:
            later = replace(pipeline, clock=partial(datetime.astimezone, day))
            target = PipelineTarget(later, gold, loop)
            runs.append(ask_all(gold, Selection(), target, header_of(gold)).run)
    assert runs[0] == runs[1]
    assert all(one.error is None for one in runs[0].predictions)
    lamp = next(grade for grade in score(gold, runs[0]) if grade.id == "lamp-001")
    assert lamp.figures["recall@5"] == 1.0
    assert lamp.figures["quote_exactness"] == 1.0


@dataclass(frozen=True)
class Clocked:
    """A pipeline with one answer that keeps the moment of each question, and the moment that it is limited to."""

    moments: list[datetime | None]
    clock: Callable[[], datetime] = datetime.now

    async def ask(self, question: Question) -> Answer:
        self.moments.extend((self.clock(), question.as_of))
        return answer()


@pytest.mark.parametrize("asked_at", ["2026-03-01", "2026-03-01T00:00:00", "2026-03-01T01:00:00+01:00"])
@pytest.mark.parametrize("as_of", [None, "2026-02-01T12:00:00Z"])
def test_a_question_is_asked_on_its_day(asked_at: str, as_of: str | None) -> None:
    """A day without a time or a zone is in UTC; `as_of` reaches the pipeline."""
    moments: list[datetime | None] = []
    asked = item(asked_at=asked_at, as_of=as_of)
    with asyncio.Runner() as loop:
        predict(asked, PipelineTarget(cast("Pipeline", Clocked(moments)), gold_of(asked), loop))

    assert moments == [datetime(2026, 3, 1, tzinfo=UTC), as_of and datetime(2026, 2, 1, 12, tzinfo=UTC)]


def test_settings_take_nothing_from_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A key and a model in the developer's environment change nothing."""
    for name in ("OPENAI_API_KEY", "DATELINE_LLM_MODEL", "DATELINE_EMBEDDING_MODEL", "DATELINE_PORT"):
        monkeypatch.setenv(name, "7777")
    settings = default_settings(tmp_path, tmp_path)
    assert (settings.llm_model, settings.openai_api_key, settings.embedding_model) == (None, None, "local")
    assert settings.data == settings.models == tmp_path


def test_a_service_that_does_not_listen_gives_errors(gold: GoldSet) -> None:
    """A closed port gives errors in the lane `service`."""
    measured = run_service(gold, Selection(limit=1), Live("http://127.0.0.1:1"))
    assert measured.run.header.lane == "service"
    assert str(measured.run.predictions[0].error).startswith("URLError")
    reply: Reply | None = measured.run.predictions[0].reply
    assert reply is None
