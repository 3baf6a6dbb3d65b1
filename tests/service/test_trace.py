"""The trace of an answer: it agrees with the answer and the articles, and tells nothing of others."""

import asyncio
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import pytest

from index.generation import Generation
from index.records import Filters
from service.answer import Answer, to_json
from service.explanation import CANDIDATES, CHECKS, SEARCHES, SENTENCES
from service.pipeline import Pipeline
from service.records import Include, Message, Question
from service.trace import Trace
from tests.samples import ASKED_AT
from tests.scripted_llm import Reply, Script, ScriptedLLM
from tests.service.test_llm_answers import QUESTION, TRUE, hung_up, pipeline_with, reply

TRACE: frozenset[Include] = frozenset(["trace"])
COURIER = Filters(sources=("Varn Sound Courier",))
NOT_COURIER = Filters(exclude_sources=("Varn Sound Courier",), published_after=ASKED_AT.replace(month=2))
QUESTIONS = (
    "When did the Skelhaven library reopen?",
    "What happened on 2 May 2026?",
    "Which is longer, the Ostle Bridge or the ferry strike?",
    "Who is the mayor of Tarnmouth?",
    "How many articles mention the ferry?",
    "What is the recipe for sourdough bread?",
    "Who won last month?",
    "Write me a poem about ferries.",
)


def traced(pipeline: Pipeline, question: Question) -> tuple[Answer, Trace]:
    """Return an answer with its trace."""
    answer = asyncio.run(pipeline.ask(replace(question, include=TRACE)))
    assert answer.trace
    return answer, answer.trace


def agrees(answer: Answer, trace: Trace, generation: Generation, filters: Filters) -> None:
    """Assert that a trace has only articles that pass the filters, with their own words, and what the answer has."""
    passing = generation.allowed_rows(filters)
    assert passing is not None
    allowed = {each.article_id for each in generation.outlets(passing.nonzero()[0])}
    sources = {source.id: source for source in answer.sources}
    assert len(trace.searches) <= SEARCHES
    for search in trace.searches:
        assert len(search.candidates) == min(search.found, CANDIDATES)
        assert [each.score for each in search.candidates] == sorted(
            (each.score for each in search.candidates), reverse=True
        )
        assert {each.article_id for each in search.candidates} <= allowed
        for each in search.candidates:
            assert each.source_id is None or sources[each.source_id].chunk_id == each.chunk_id
    assert len([each for each in trace.sentences if not each.is_quoted]) <= SENTENCES
    assert {each.article_id for each in trace.sentences} <= allowed
    for sentence in trace.sentences:
        article = generation.article(sentence.article_id)
        assert article
        assert article.body[sentence.start_char_index : sentence.end_char_index].startswith(sentence.text.rstrip("…"))
        assert sentence.source_id is None or sources[sentence.source_id].article_id == sentence.article_id
    assert len(trace.checks) <= CHECKS
    for check in trace.checks:
        assert check.result == "withheld" or answer.answer[check.start_index : check.end_index] == check.text
        assert set(check.source_ids) <= sources.keys()
    assert [each.text for each in trace.checks if each.result == "withheld"] == [
        each.text for each in answer.unsupported
    ]
    assert len(to_json(trace)) < 30_000


@pytest.mark.parametrize(("text", "filters"), list(zip(QUESTIONS, cycle([COURIER, NOT_COURIER]), strict=False)))
def test_a_trace_tells_what_the_answer_was_made_of(pipeline: Pipeline, text: str, filters: Filters) -> None:
    """It has articles within the filters only, and is bounded."""
    answer, trace = traced(pipeline, Question(text, filters=filters))

    with pipeline.library.pinned() as generation:
        agrees(answer, trace, generation, filters)
    decided = {"answered": "answered", "partial": "weak"}.get(answer.status, "abstain")
    assert trace.decision.result in (decided, None)
    assert trace.decision.result or not trace.decision.doubts
    assert (trace.question.asked, trace.question.searched) == (text, answer.retrieval.standalone_question)


@pytest.mark.parametrize("text", QUESTIONS[:2])
def test_a_trace_tells_nothing_of_articles_outside_the_bounds_of_the_caller(pipeline: Pipeline, text: str) -> None:
    """Articles that a key may not see are neither among the candidates nor among the sentences."""
    answer, trace = traced(pipeline, Question(text, bounds=COURIER))

    with pipeline.library.pinned() as generation:
        agrees(answer, trace, generation, COURIER)


def test_a_trace_is_made_only_on_request(pipeline: Pipeline) -> None:
    """Without the request the reply is the same apart from it; at the same moment, the trace is the same again."""
    question = Question(QUESTIONS[0])
    answer, trace = traced(pipeline, question)
    plain = asyncio.run(pipeline.ask(question))

    assert traced(pipeline, question)[1] == trace
    assert plain.trace is None
    assert replace(answer, trace=None, id="", timings_ms=plain.timings_ms) == replace(plain, id="")


def test_a_trace_has_the_withheld_sentences_and_the_calls_of_a_model(sample_data: Path, models: Path) -> None:
    """A number that is in no passage ends its check; each call has its tokens, a failed one its code."""
    scripts: list[Script] = [
        Reply(["How much do wages rise under the ferry agreement?"], usage=(50, 9)),
        reply(f"{TRUE} [{{key}}]. Wages rise by 77.7 percent in Varn Sound [{{key}}].", usage=(200, 30)),
        Reply(status=401),
    ]
    asked = Question(QUESTION, messages=(Message("user", "The ferry strike is over?"),), include=TRACE)

    async def both(pipeline: Pipeline) -> list[Answer]:
        answers = [await pipeline.ask(asked), await pipeline.ask(replace(asked, messages=()))]
        await hung_up(pipeline)
        return answers

    with ScriptedLLM(scripts) as llm, pipeline_with(llm, sample_data, models) as made:
        answer, quoted = asyncio.run(both(made))
    trace, refused = answer.trace, quoted.trace
    assert trace
    assert refused
    shown, withheld = trace.checks

    assert [(each.purpose, each.input_tokens, each.failure) for each in trace.model_calls] == [
        ("standalone_question", 50, None),
        ("answer", 200, None),
    ]
    assert (shown.result, shown.is_word_for_word, shown.has_numbers, shown.score) == ("verified", True, None, 1.0)
    assert (withheld.result, withheld.reason) == ("withheld", "number_not_in_source")
    assert (withheld.start_index, withheld.is_word_for_word) == (None, False)
    assert (withheld.has_numbers, withheld.has_dates, withheld.has_names, withheld.score) == (False, None, None, None)
    assert [(each.purpose, each.failure) for each in refused.model_calls] == [("answer", "reader_rejected")]
    assert refused.checks
    assert len(answer.unsupported) == 1
