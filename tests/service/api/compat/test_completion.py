"""The mapper from an answer to a chat completion: golden files, and the invariants of its stream."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from service.answer import Answer, as_json
from service.api.compat.completion import ChatChunks, OpenWebUiChunks, ReplyForm, completion
from service.api.errors import STOPPING, problem_body
from service.records import AnswerWarning, StatusReason, Usage
from tests.service.answers import answer, events_of
from tests.service.api.compat.chunks import joined, read_chunks

GOLDEN = Path(__file__).with_name("golden")
FORM = ReplyForm("dateline", "https://ask.news.example")
ABSTENTION = "The articles do not say."
FORMS = {
    "plain": FORM,
    "with_sources": replace(FORM, model="dateline-with-sources", has_source_list=True, has_usage=True),
    "instructed": replace(FORM, warnings=(AnswerWarning("instructions_ignored", "They were not read."),)),
}


def abstention() -> Answer:
    return replace(
        answer(), status="not_in_sources", status_reason="low_relevance", answer=ABSTENTION, citations=(), sources=()
    )


def of_model(reason: StatusReason | None = None) -> Answer:
    return replace(
        answer(), status="partial" if reason else "answered", status_reason=reason, usage=Usage(120, 24, 1, 0.001)
    )


def abridged(value: Any) -> Any:  # noqa: ANN401 - JSON values
    """Return JSON values in which the details of the answer are only named: they are those of the native reply."""
    if isinstance(value, list | tuple):
        return [abridged(each) for each in value]
    if isinstance(value, dict):
        return {name: list(each) if name == "dateline" else abridged(each) for name, each in value.items()}
    return value


def streamed(made: Answer, form: ReplyForm, chunks: type[ChatChunks] = ChatChunks) -> list[dict[str, Any]]:
    writer = chunks(form)
    return read_chunks("".join(writer.event(event) for event in events_of(made)))


CASES = {
    "answered": (answer(), "plain"),
    "abstained": (abstention(), "instructed"),
    "with_sources": (of_model(), "with_sources"),
}


@pytest.mark.parametrize("name", CASES)
def test_a_completion_is_as_the_golden_file(name: str) -> None:
    """Complete, in chunks, and in chunks for Open WebUI."""
    made, form = CASES[name]
    shown = {
        "plain": as_json(completion(made, FORMS[form])),
        "chunks": streamed(made, FORMS[form]),
        "open_webui": streamed(made, FORMS[form], OpenWebUiChunks),
    }
    golden = json.loads((GOLDEN / f"{name}.json").read_text(encoding="utf-8"))

    assert abridged(shown) == golden


@pytest.mark.parametrize("made", [answer(), abstention(), of_model("interrupted")])
@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_chunks_add_up_to_the_completion(made: Answer, form: ReplyForm) -> None:
    """The text, the annotations, the reason to finish, the usage and the details of the answer."""
    chunks, plain = streamed(made, form), as_json(completion(made, form))
    choice, last = plain["choices"][0], [chunk for chunk in chunks if chunk["choices"]][-1]
    message = joined(chunks)

    assert message["content"] == choice["message"]["content"]
    assert message["content"].startswith(made.answer)
    assert message.get("annotations", []) == choice["message"]["annotations"]
    assert last["choices"][0]["finish_reason"] == choice["finish_reason"]
    assert last["dateline"] == plain["dateline"]
    assert [chunk["usage"] for chunk in chunks if "usage" in chunk] == [plain["usage"]] * form.has_usage
    assert {chunk["id"] for chunk in chunks} == {plain["id"]} == {f"chatcmpl-{made.id}"}


def test_the_chunk_that_finishes_has_all_annotations_and_no_text() -> None:
    """LobeChat reads them only there."""
    chunks = streamed(answer(), FORM)
    deltas = [chunk["choices"][0]["delta"] for chunk in chunks]

    assert deltas[0] == {"role": "assistant", "content": "", "refusal": None}
    assert set(deltas[-1]) == {"annotations"}
    assert [set(delta) for delta in deltas[1:-1]] == [{"content"}] * 2


@pytest.mark.parametrize(
    ("made", "reason"),
    [(of_model("interrupted"), "length"), (of_model("weak_evidence"), "stop"), (abstention(), "stop")],
)
def test_only_a_text_that_was_cut_off_has_the_reason_length(made: Answer, reason: str) -> None:
    """An abstention is an ordinary text, not a refusal."""
    choice = completion(made, FORM).choices[0]

    assert (choice.finish_reason, choice.message.refusal, choice.message.content) == (reason, None, made.answer)


def test_open_webui_gets_quotes_in_place_of_annotations() -> None:
    """One source for each marker, in order of first use, before the text is finished."""
    chunks = streamed(answer(), FORM, OpenWebUiChunks)
    sources = [chunk["event"] for chunk in chunks if "event" in chunk]

    assert [source["data"]["document"] for source in sources] == [
        ["The pier has reopened."],
        ["A ticket costs 4 crowns."],
    ]
    assert [source["data"]["source"]["name"] for source in sources] == ["Pier, part 1", "Pier, part 2"]
    assert "annotations" not in joined(chunks)


def test_an_error_in_a_stream_has_no_name_and_no_end_mark() -> None:
    """The official client raises it."""
    text = ChatChunks(FORM).error(problem_body(STOPPING, "req_1"))

    assert json.loads(text.removeprefix("data: "))["error"]["code"] == "shutting_down"
