"""Answers by a language model: real HTTP on loopback, the real client, and its failures."""

import asyncio
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from service.answer import Answer, AnswerDelta, Completed
from service.pipeline import Pipeline
from service.records import Message, Question
from tests.samples import ASKED_AT, pipeline_of, settings_for
from tests.scripted_llm import Hang, Reply, Request, ScriptedLLM, keys_in

QUESTION = "How much do wages rise under the ferry agreement?"
TRUE = "Under the agreement, wages rise by 4.2 percent on 1 March 2026 and by a further 1.5 percent on 1 January 2027"
ALSO_TRUE = "Benedikt Orlo, a retired judge, led the talks"
CONTEXT = "ferry strike in Varn Sound is over"

Script = Callable[[Request], Reply]


def reply(*pieces: object, **how: object) -> Script:
    """Return a reply with the key of the agreement's passage in place of `{key}`."""

    def script(request: Request) -> Reply:
        key = key_of(request, CONTEXT)
        filled = [piece.replace("{key}", key) if isinstance(piece, str) else piece for piece in pieces]
        return Reply(pieces=filled, **how)  # type: ignore[arg-type]

    return script


def key_of(request: Request, words: str) -> str:
    """Return the prompt's key of the passage with these words."""
    prompt = "\n".join(message["content"] for message in request["messages"])
    before = prompt[: prompt.index(words)]
    return max(keys_in(request), key=before.rfind)


@contextmanager
def pipeline_with(llm: ScriptedLLM, data: Path, models: Path, deadline: float = 10.0) -> Iterator[Pipeline]:
    """Return a pipeline with the scripted model."""
    settings = settings_for(
        data, models, llm_model="scripted", openai_api_key="unused", openai_base_url=llm.url, llm_deadline_s=deadline
    )
    pipeline = replace(pipeline_of(settings), clock=lambda: ASKED_AT)
    yield pipeline
    pipeline.library.close()


def ask(script: Script, data: Path, models: Path, *, deadline: float = 10.0, **question: object) -> Answer:
    """Return the answer of a scripted model, and check its stream."""

    async def collect(pipeline: Pipeline) -> Answer:
        events = [event async for event in pipeline.stream(Question(QUESTION, **question))]  # type: ignore[arg-type]
        await hung_up(pipeline)
        last = events[-1]
        assert isinstance(last, Completed)
        assert last.answer.answer == "".join(event.text for event in events if isinstance(event, AnswerDelta))
        return last.answer

    with ScriptedLLM(script) as llm, pipeline_with(llm, data, models, deadline) as pipeline:
        answer = asyncio.run(collect(pipeline))
        proves_every_sentence(pipeline, answer)
        return answer


async def only(pipeline: Pipeline, question: Question) -> Answer:
    """Return an answer, and close the connections in the loop that opened them."""
    answer = await pipeline.ask(question)
    await hung_up(pipeline)
    return answer


async def hung_up(pipeline: Pipeline) -> None:
    """Close the connections to the model; the index stays open for looking up citations."""
    assert pipeline.chat is not None
    await pipeline.chat.aclose()


def proves_every_sentence(pipeline: Pipeline, answer: Answer) -> None:
    """Each sentence has a citation that covers it, and each citation is a slice of its article."""
    if answer.status == "not_in_sources":
        assert answer.citations == ()
        return
    covered = "".join(answer.answer[c.start_index : c.end_index] for c in dict.fromkeys(answer.citations))
    assert set(re.findall(r"\w{4,}", answer.answer)) <= set(re.findall(r"\w{4,}", covered))
    with pipeline.library.pinned() as generation:
        for citation in answer.citations:
            article = generation.article(citation.article_id)
            assert article is not None
            assert article.body[citation.start_char_index : citation.end_char_index] == citation.cited_text
            place = citation.highlight
            if place:
                assert citation.start_char_index <= place.start_char_index < place.end_char_index
                assert place.end_char_index <= citation.end_char_index
            assert citation.verification.status in ("verified", "partial")


def codes(answer: Answer) -> set[str]:
    """Return the codes of an answer's warnings."""
    return {warning.code for warning in answer.warnings}


def reasons(answer: Answer) -> list[str]:
    """Return the reasons for withheld sentences."""
    return [withheld.reason for withheld in answer.unsupported]


def test_the_words_that_a_model_quotes_are_highlighted(sample_data: Path, models: Path) -> None:
    """A citation has the place of the model's words; one without a quote and a withheld sentence have none."""
    quoted = f'{TRUE} [{{key}}: "rise by 4.2 percent on 1 March 2026"]. '
    answer = ask(
        reply(quoted, ALSO_TRUE + " [{key}]. ", 'Wages rise by 9 percent [{key}: "by 4.2 percent on 1 March"].'),
        sample_data,
        models,
    )
    first, second = answer.citations

    assert first.highlight is not None
    start = first.highlight.start_char_index - first.start_char_index
    end = first.highlight.end_char_index - first.start_char_index
    assert first.cited_text[start:end] == "rise by 4.2 percent on 1 March 2026"
    assert second.highlight is None
    assert reasons(answer) == ["number_not_in_source"]


def test_a_faithful_reply_is_answered_with_verified_citations(sample_data: Path, models: Path) -> None:
    """Two true sentences are verified; usage is counted, and the price of an unknown model is null."""
    answer = ask(reply(TRUE + " [{key}]. ", ALSO_TRUE + " [{key}]."), sample_data, models)

    assert (answer.status, answer.status_reason, answer.verdict) == ("answered", None, "answered")
    assert [citation.verification.status for citation in answer.citations] == ["verified", "verified"]
    assert answer.answer == f"{TRUE} [1]. {ALSO_TRUE} [1]."
    assert answer.usage.llm_calls == 1
    assert answer.usage.input_tokens > 0
    assert answer.usage.cost_usd is None
    assert answer.versions.reader == "llm@1"
    assert answer.versions.model == "scripted"
    assert (answer.versions.prompt or "").startswith("answer@")


def test_a_marker_split_over_chunks_is_one_marker(sample_data: Path, models: Path) -> None:
    """A marker is complete at any split of the stream."""

    def script(request: Request) -> Reply:
        return Reply(pieces=list(f"{TRUE} [{key_of(request, CONTEXT)}]."))

    assert ask(script, sample_data, models).answer == f"{TRUE} [1]."


@pytest.mark.parametrize(
    ("sentence", "reason"),
    [
        (TRUE + " [zz9q].", "invented_marker"),
        (TRUE + " [7].", "invented_marker"),
        (TRUE + ".", "no_marker"),
        ("Under the agreement, wages rise by 7.2 percent on 1 March 2026 [{key}].", "number_not_in_source"),
        ("Under the agreement, wages rise by 4.2 percent on 1 May 2026 [{key}].", "date_not_in_source"),
        ("Perrin Outhwaite, a retired judge, led the talks [{key}].", "name_not_in_source"),
        ("The minister of justice has resigned over the affair [{key}].", "not_in_source"),
    ],
)
def test_an_unsupported_sentence_is_withheld(sample_data: Path, models: Path, sentence: str, reason: str) -> None:
    """A false sentence is withheld with its reason, and the true one is shown."""
    answer = ask(reply(ALSO_TRUE + " [{key}]. ", sentence), sample_data, models)

    assert answer.answer == ALSO_TRUE + " [1]."
    assert reasons(answer) == [reason]
    assert answer.verdict == "withheld"


@pytest.mark.parametrize(
    "mark",
    ["[1]", " [2]", "[2][3]", "[2, 5]", "[2–5]", ",[a]", ",[note 3]", ",[citation needed]", "[^1]"],
)
def test_a_mark_of_the_source_is_no_marker(sample_data: Path, models: Path, mark: str) -> None:
    """A reference mark that the model repeats is neither a citation nor a figure, and is not shown."""
    sentence = ALSO_TRUE.replace(", a retired", f"{mark} a retired" if mark.startswith(",") else f"{mark}, a retired")
    answer = ask(reply(sentence + " [{key}]."), sample_data, models)

    assert [citation.marker for citation in answer.citations] == [1]
    assert re.findall(r"\[[^\]]*\]", answer.answer) == ["[1]"]
    assert answer.unsupported == ()


@pytest.mark.parametrize("sentence", [TRUE + ".", "Wages rise by 99 percent [{key}].", TRUE + " [zz9q]."])
def test_without_a_verified_sentence_the_answer_abstains(sample_data: Path, models: Path, sentence: str) -> None:
    """If no sentence is supported, the answer abstains."""
    answer = ask(reply(sentence), sample_data, models)

    assert (answer.status, answer.status_reason) == ("not_in_sources", "no_verified_support")


def test_the_larger_part_withheld_is_partial(sample_data: Path, models: Path) -> None:
    """A short true sentence beside a long false one is a partial answer."""
    lie = "The union of deckhands won a rise of 19 percent, and 400 of its members will be paid for the days lost"
    answer = ask(reply(ALSO_TRUE + " [{key}]. ", lie + " [{key}]."), sample_data, models)

    assert (answer.status, answer.status_reason) == ("partial", "unsupported_withheld")


def test_a_model_that_says_it_is_not_there_abstains(sample_data: Path, models: Path) -> None:
    """The sentinel is an abstention, not text."""
    answer = ask(reply("NOT_IN", "_SOURCES"), sample_data, models)

    assert (answer.status, answer.status_reason) == ("not_in_sources", "model_abstained")
    assert "NOT_IN" not in answer.answer


def test_a_refusal_abstains(sample_data: Path, models: Path) -> None:
    """A refusal of the model is an abstention."""
    answer = ask(reply(refusal="I cannot help with that."), sample_data, models)

    assert (answer.status, answer.status_reason) == ("not_in_sources", "model_abstained")


def test_mode_markers_shows_unverified_sentences(sample_data: Path, models: Path) -> None:
    """Nothing is withheld, and the citation of a lie is unverified."""
    lie = "Under the agreement, wages rise by 7.2 percent on 1 March 2026"
    with ScriptedLLM(reply(lie + " [{key}].")) as llm, pipeline_with(llm, sample_data, models) as pipeline:
        answer = asyncio.run(only(pipeline, Question(QUESTION, citations="markers")))

    assert answer.answer == lie + " [1]."
    assert [citation.verification.status for citation in answer.citations] == ["unverified"]
    assert (answer.status, answer.verdict) == ("answered", "weak")


def test_mode_off_strips_markers(sample_data: Path, models: Path) -> None:
    """No marker, no citation, nothing checked."""
    with ScriptedLLM(reply(TRUE + " [{key}].")) as llm, pipeline_with(llm, sample_data, models) as pipeline:
        answer = asyncio.run(only(pipeline, Question(QUESTION, citations="off")))

    assert answer.answer == TRUE + "."
    assert answer.citations == ()
    assert (answer.status, answer.verdict) == ("answered", "weak")


def test_the_model_is_asked_in_the_words_of_the_user(sample_data: Path, models: Path) -> None:
    """The articles are searched by the corrected question that asks, and the model reads all that was written."""
    written = "I work on the boats. We could not find out. How much do wgaes rise under the ferry agreeement?"
    with ScriptedLLM(reply(TRUE + " [{key}].")) as llm, pipeline_with(llm, sample_data, models) as pipeline:
        answer = asyncio.run(only(pipeline, Question(written)))

    assert answer.retrieval.standalone_question == QUESTION
    assert written in str(llm.requests[-1])
    assert answer.status == "answered"


def test_an_off_topic_question_never_reaches_the_model(sample_data: Path, models: Path) -> None:
    """Below the off-topic threshold the model is not called."""
    with ScriptedLLM(reply("anything")) as llm, pipeline_with(llm, sample_data, models) as pipeline:
        answer = asyncio.run(only(pipeline, Question("asdf qwer zxcv uiop")))

        assert llm.requests == []
    assert (answer.status, answer.status_reason) == ("not_in_sources", "low_relevance")
    assert answer.usage.llm_calls == 0


def test_a_follow_up_is_made_standalone_first(sample_data: Path, models: Path) -> None:
    """The model rewrites the question, retrieval uses the result, and both calls are counted."""
    scripts: list[Reply | Script] = [Reply(pieces=[QUESTION]), reply(TRUE + " [{key}].")]
    with ScriptedLLM(scripts) as llm, pipeline_with(llm, sample_data, models) as pipeline:
        question = Question("And by how much?", messages=(Message("user", "What ended the ferry strike?"),))
        answer = asyncio.run(only(pipeline, question))

    assert answer.retrieval.standalone_question == QUESTION
    assert answer.usage.llm_calls == 2
    assert answer.status == "answered"


@pytest.mark.parametrize(
    ("said", "question", "warned"),
    [
        ("Hello", "And what did the mediator say of it?", True),
        ("What ended the ferry strike?", "And what did the mediator say of it?", False),
        ("What ended the ferry strike?", "What did Benedikt Orlo do?", False),
    ],
)
def test_a_follow_up_that_was_not_resolved_is_warned_of_where_it_leans(
    sample_data: Path, models: Path, said: str, question: str, warned: bool
) -> None:
    """If the rewrite fails and the model abstains, a follow-up has a warning with advice."""
    scripts: list[Reply | Script] = [Reply(status=400), Reply(pieces=["NOT_IN_SOURCES"])]
    with ScriptedLLM(scripts) as llm, pipeline_with(llm, sample_data, models) as pipeline:
        talk = (Message("user", said),)
        answer = asyncio.run(only(pipeline, Question(question, messages=talk)))

    assert (answer.status_reason, answer.verdict) == ("model_abstained", "none")
    assert codes(answer) == ({"follow_up_not_resolved"} if warned else set())


def test_a_client_that_leaves_ends_the_call(sample_data: Path, models: Path) -> None:
    """Closing the stream closes the connection to the model."""

    async def leave(pipeline: Pipeline) -> None:
        events = pipeline.stream(Question(QUESTION))
        async for event in events:
            if isinstance(event, AnswerDelta):
                break
        await events.aclose()
        await hung_up(pipeline)

    # A sentence is shown while the next one is written; the deadline is far off.
    script = reply(ALSO_TRUE + " [{key}]. Under the", Hang())
    with ScriptedLLM(script) as llm, pipeline_with(llm, sample_data, models, 300.0) as pipeline:
        asyncio.run(leave(pipeline))

        assert llm.wait_for_leaver(30.0)
