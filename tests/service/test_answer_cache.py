"""Kept answers: the same answer to the same question, and to no other one."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

from index.admin import take_down
from index.records import Filters
from service.answer import Answer, Completed, Event, Started
from service.answer_cache import AnswerCache
from service.answer_run import AnswerRun
from service.api.app import create_app
from service.build import build_pipeline
from service.pipeline import Pipeline
from service.records import Message, Question, Usage
from tests.fakes import HashedEmbedder, built, newsroom
from tests.samples import settings_for
from tests.scripted_llm import Cut, Reply, Request, ScriptedLLM
from tests.service.test_llm_answers import ALSO_TRUE, QUESTION, TRUE, hung_up, pipeline_with
from tests.service.test_llm_answers import reply as said

ASKED = Question("Why was the Ostle Bridge closed?")
SIZE = 3


def caching(pipeline: Pipeline, size: int = SIZE) -> Pipeline:
    """Return the pipeline with a cache of its own."""
    return replace(pipeline, cache=AnswerCache(size, pipeline.configuration))


def streamed(pipeline: Pipeline, *questions: Question) -> list[list[Event]]:
    """Return the events of questions that are asked one after another."""

    async def ask() -> list[list[Event]]:
        events = [[event async for event in pipeline.stream(question)] for question in questions]
        if pipeline.chat:
            await hung_up(pipeline)
        return events

    return asyncio.run(ask())


def answers(pipeline: Pipeline, *questions: Question) -> list[Answer]:
    """Return the answers to questions that are asked one after another."""
    last = [events[-1] for events in streamed(pipeline, *questions)]
    return [event.answer for event in last if isinstance(event, Completed)]


def same(answer: Answer) -> Answer:
    """Return an answer without what each reply has of its own."""
    return replace(
        answer, id="", created_at="", usage=Usage(), timings_ms=type(answer.timings_ms)(), cached=False, permalink=None
    )


@pytest.mark.parametrize("text", [ASKED.text, "Who is the prime minister of France?", "How many articles are there?"])
def test_the_same_question_gets_the_same_events(pipeline: Pipeline, text: str) -> None:
    """In the same order, with an id and times of its own, and marked."""
    first, again = streamed(caching(pipeline), Question(text), Question(text))
    assert [event.type for event in first] == [event.type for event in again]
    assert first[1:-1] == again[1:-1]
    assert isinstance(first[0], Started)
    assert isinstance(again[0], Started)
    assert isinstance(first[-1], Completed)
    assert isinstance(again[-1], Completed)
    assert again[0].id == again[-1].answer.id != first[0].id
    assert same(first[-1].answer) == same(again[-1].answer)
    assert (first[-1].answer.cached, again[-1].answer.cached) == (False, True)
    assert again[-1].answer.timings_ms.read == 0


def test_a_kept_answer_costs_nothing(sample_data: Path, models: Path) -> None:
    """The model is not asked again, and the reply says so; a fresh answer asks it, and is kept instead."""
    spent: list[Usage] = []
    with ScriptedLLM(said(f"{TRUE} [{{key}}].")) as llm, pipeline_with(llm, sample_data, models) as pipeline:
        counting = replace(caching(pipeline), spent=lambda _, usage: spent.append(usage))
        asked = Question(QUESTION)
        found = answers(counting, asked, asked, replace(asked, fresh=True), asked)
        assert len(llm.requests) == len(spent) == 2
    assert [answer.cached for answer in found] == [False, True, False, True]
    assert [answer.usage.llm_calls for answer in found] == [1, 0, 1, 0]
    assert {answer.answer for answer in found} == {f"{TRUE} [1]."}


def test_a_kept_trace_tells_how_the_answer_was_made(sample_data: Path, models: Path) -> None:
    """It has the calls of the model that wrote the answer; without the request there is none."""
    asked = Question(QUESTION)
    with ScriptedLLM(said(f"{TRUE} [{{key}}].")) as llm, pipeline_with(llm, sample_data, models) as pipeline:
        traced = replace(asked, include=frozenset({"trace"}))
        first, again, plain = answers(caching(pipeline), traced, traced, asked)
        assert len(llm.requests) == 2
    assert (first.cached, again.cached, plain.cached) == (False, True, False)
    assert first.trace == again.trace
    assert again.trace
    assert [call.purpose for call in again.trace.model_calls] == ["answer"]
    assert plain.trace is None


FOLLOW_UP = Question("And by how much?", messages=(Message("user", "How much do ferry wages rise?"),))
BAD: dict[str, tuple[Question, Sequence[Callable[[Request], Reply]]]] = {
    "interrupted": (Question(QUESTION), [said(f"{ALSO_TRUE} [{{key}}]. Then", Cut())]),
    "truncated": (Question(QUESTION), [said(f"{ALSO_TRUE} [{{key}}]. Then", finish="length")]),
    "quoted instead": (Question(QUESTION), [said(status=400)]),
    "an empty reply": (Question(QUESTION), [said()]),
    "a refusal": (Question(QUESTION), [said(refusal="No.")]),
    "a rewrite that failed": (FOLLOW_UP, [lambda _: Reply(status=400), said(f"{TRUE} [{{key}}].")]),
    "cut on request": (
        Question(QUESTION, max_tokens=5),
        [said(f"{ALSO_TRUE} [{{key}}]. ", f"{TRUE} [{{key}}].")],
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_an_answer_that_another_run_would_better_is_not_kept(sample_data: Path, models: Path, name: str) -> None:
    """With a failure of the model, or a limit of this request."""
    question, replies = BAD[name]
    with ScriptedLLM(replies) as llm, pipeline_with(llm, sample_data, models) as pipeline:
        cached = caching(pipeline)
        answers(cached, question)
        assert len(llm.requests) == len(replies)
    assert cached.cache is not None
    assert cached.cache.count == 0


NAMES = st.lists(st.sampled_from(["Courier", "Echo"]), max_size=2, unique=True).map(tuple)
MOMENTS = st.none() | st.sampled_from([datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)])
FILTERS = st.builds(Filters, sources=NAMES, tags=NAMES, article_ids=NAMES, published_after=MOMENTS)
QUESTIONS = st.builds(
    Question,
    text=st.sampled_from(["Who won?", "Who won", "who won?"]),
    messages=st.lists(st.builds(Message, role=st.sampled_from(["user", "assistant"]), content=st.just("a")), max_size=1)
    .map(tuple),
    filters=FILTERS,
    top_k=st.sampled_from([7, 8]),
    mode=st.sampled_from(["hybrid", "dense"]),
    reader=st.sampled_from(["auto", "extractive"]),
    citations=st.sampled_from(["verified", "off"]),
    as_of=MOMENTS,
    include=st.frozensets(st.sampled_from(["text", "trace"])),
    bounds=FILTERS,
    max_tokens=st.sampled_from([None, 9]),
)  # fmt: skip


def run_of(
    question: Question, generation: str = "g1", created: datetime = datetime(2026, 5, 1, tzinfo=UTC)
) -> AnswerRun:
    """Return a run of a question on a generation with this name."""
    return AnswerRun(question, SimpleNamespace(name=generation), None, created)  # type: ignore[arg-type]


@given(kept=QUESTIONS, asked=QUESTIONS)
def test_only_an_equal_request_is_served(kept: Question, asked: Question, answer: Answer) -> None:
    """Every field of a question counts, and the bounds of its caller."""
    cache = AnswerCache(1, ())
    assert cache.get(run_of(kept)) is None
    cache.put(run_of(kept), answer, [])
    assert cache.get(run_of(kept)) is not None
    assert (cache.get(run_of(asked)) is not None) == (asked == kept)
    assert cache.get(run_of(replace(kept, fresh=True))) is None


@pytest.fixture(scope="module")
def answer(pipeline: Pipeline) -> Answer:
    """Return an answer."""
    return answers(pipeline, ASKED)[0]


def test_an_answer_below_a_limit_is_not_kept(answer: Answer) -> None:
    """A run warns of what kept it from its best, such as a budget that is used up."""
    cache, run = AnswerCache(9, ()), run_of(ASKED)
    run.warn("budget_exhausted", "The budget is used up.")
    cache.put(run, answer, [])
    assert cache.count == 0


def test_another_index_day_or_configuration_is_another_answer(answer: Answer) -> None:
    """An answer speaks of its day: hours later it still does, and on the next day none is left."""
    cache, run = AnswerCache(9, ("model", 1)), run_of(ASKED)
    assert cache.get(run) is None
    cache.put(run, answer, [])
    assert cache.get(run_of(ASKED, created=run.created + timedelta(hours=5))) is not None
    assert cache.get(run_of(ASKED, generation="g2")) is None
    other = AnswerCache(9, ("model", 2))
    other._kept, other._day = cache._kept, cache._day
    assert other.get(run) is None
    assert cache.count == 1
    assert cache.get(run_of(ASKED, created=run.created + timedelta(days=1))) is None
    assert cache.count == 0


@given(asked=st.lists(st.integers(0, 5), max_size=30), size=st.integers(0, 4))
def test_the_last_answers_are_kept(asked: list[int], size: int, answer: Answer) -> None:
    """As many as the size says, those that were used last; a size of 0 keeps none."""
    cache, recent = AnswerCache(size, ()), list[int]()
    for number in asked:
        run = run_of(Question(str(number)))
        assert (cache.get(run) is not None) == (number in recent)
        cache.put(run, answer, [])
        recent = [*(each for each in recent if each != number), number][-size:] if size else []
        assert cache.count == len(recent)


def served(folder: Path) -> tuple[TestClient, Any]:
    """Return a client of a service on invented articles, and its cache."""
    settings = settings_for(folder, folder / "models", answer_cache=SIZE, poll_s=0.05)
    app = create_app(settings, build_pipeline(settings, HashedEmbedder()))
    return TestClient(app, raise_server_exceptions=False), app.state.service.pipeline.cache


def test_a_takedown_forgets_what_was_kept(tmp_path: Path) -> None:
    """Also of other articles; a client may ask for a fresh answer before that."""
    built(tmp_path, newsroom(6), HashedEmbedder())
    client, cache = served(tmp_path)
    body = {"question": "What did the ferry cost?"}
    with client:
        first, again, fresh = (
            client.post("/v1/ask", json=body, headers=headers).json()
            for headers in ({}, {}, {"Cache-Control": "no-cache"})
        )
        assert [first["cached"], again["cached"], fresh["cached"]] == [False, True, False]
        assert first["id"] != again["id"]
        assert client.get(again["permalink"]).status_code == 200
        assert cache.count == 1
        take_down(tmp_path, [first["sources"][0]["article_id"]])
        until = time.monotonic() + 60
        while client.get("/readyz").json()["generation"] == first["versions"]["generation"] or cache.count:
            assert time.monotonic() < until, "the cache was not cleared within a minute"
            time.sleep(0.02)
        after = client.post("/v1/ask", json=body).json()
    assert not after["cached"]
    assert first["sources"][0]["article_id"] not in {source["article_id"] for source in after["sources"]}


def test_an_answer_from_a_replaced_index_is_not_kept(tmp_path: Path) -> None:
    """It would stay after the cache was cleared."""
    built(tmp_path, newsroom(6), HashedEmbedder())
    settings = settings_for(tmp_path, tmp_path / "models")
    pipeline = caching(build_pipeline(settings, HashedEmbedder()))
    ingested: list[bool] = []

    async def ask() -> None:
        async for event in pipeline.stream(Question("What did the ferry cost?")):
            if isinstance(event, Started):
                built(tmp_path, newsroom(7), HashedEmbedder())
                ingested.append(pipeline.library.refresh())

    asyncio.run(ask())
    assert ingested == [True]
    assert pipeline.cache is not None
    assert pipeline.cache.count == 0
    pipeline.library.close()
