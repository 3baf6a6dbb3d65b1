"""The mapper from an answer to a response: what OpenAI's client requires, and the invariants of its stream."""

import json
from dataclasses import replace
from typing import Any

import pytest
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from service.answer import Answer, Started, as_json
from service.api.compat.completion import ReplyForm
from service.api.compat.response import ResponseEvents, response
from service.api.errors import STOPPING, problem_body
from service.records import AnswerWarning, Usage
from tests.service.answers import answer, events_of

FORM = ReplyForm("dateline", "https://ask.news.example")
FORMS = {
    "plain": FORM,
    "with_sources": replace(FORM, model="dateline-with-sources", has_source_list=True),
    "instructed": replace(FORM, warnings=(AnswerWarning("instructions_ignored", "They were not read."),)),
}
ANSWERS = {
    "answered": answer(),
    "abstained": replace(
        answer(), status="not_in_sources", status_reason="low_relevance", answer="Not said.", citations=(), sources=()
    ),
    "interrupted": replace(
        answer(), status="partial", status_reason="interrupted", usage=Usage(120, 24, 1, cost_usd=0.001)
    ),
}
EVENTS: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def read(text: str) -> list[dict[str, Any]]:
    """Return the events of a stream, each with the name of its type."""
    events = []
    for each in text.removesuffix("\n\n").split("\n\n"):
        name, data = each.split("\n")
        events.append(json.loads(data.removeprefix("data: ")))
        assert name == f"event: {events[-1]['type']}"
    return events


def streamed(made: Answer, form: ReplyForm) -> list[dict[str, Any]]:
    writer = ResponseEvents(form)
    return read("".join(map(writer.event, events_of(made))))


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("made", ANSWERS.values(), ids=ANSWERS)
def test_a_stream_adds_up_to_the_response(made: Answer, form: ReplyForm) -> None:
    """The text, the annotations and the details; every event is one that OpenAI's client knows."""
    events, plain = streamed(made, form), as_json(response(made, form))
    message = plain["output"][0]
    (part,) = message["content"]

    for event in events:
        EVENTS.validate_python(event, strict=True)
    Response.model_validate(plain)
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    named = {event["type"]: event for event in events}
    deltas = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    cited = [event["annotation"] for event in events if event["type"] == "response.output_text.annotation.added"]
    assert "".join(deltas) == named["response.output_text.done"]["text"] == part["text"]
    assert cited == part["annotations"]
    assert named["response.content_part.done"]["part"] == part
    assert named["response.output_item.done"]["item"] == message
    assert events[-1]["response"] == plain
    assert {event["item_id"] for event in events if "item_id" in event} == {message["id"]}


def test_the_events_come_in_the_order_that_clients_expect() -> None:
    """Each kind of event in one run, and one event ends the stream."""
    kinds = [event["type"].removeprefix("response.") for event in streamed(answer(), FORM)]

    assert kinds == [
        "created",
        "in_progress",
        "output_item.added",
        "content_part.added",
        *["output_text.delta"] * 2,
        *["output_text.annotation.added"] * 2,
        "output_text.done",
        "content_part.done",
        "output_item.done",
        "completed",
    ]


def test_an_annotation_marks_the_marker() -> None:
    """Not the sentence: the address belongs to the brackets."""
    (part,) = response(answer(), FORM).output[0].content

    assert [part.text[each.start_index : each.end_index] for each in part.annotations] == ["[1]", "[2]"]
    assert all(each.url.startswith("https://ask.news.example/articles/") for each in part.annotations)


def test_a_text_that_was_cut_off_is_incomplete() -> None:
    """Its last event says so as well."""
    made = ANSWERS["interrupted"]

    reply = response(made, FORM)
    assert (reply.status, reply.output[0].status) == ("incomplete", "incomplete")
    assert reply.incomplete_details is not None
    assert streamed(made, FORM)[-1]["type"] == "response.incomplete"
    assert reply.usage is not None
    assert reply.usage.total_tokens == 144


def test_an_error_ends_the_stream_as_a_failed_response() -> None:
    """The response keeps its id; the native error is beside it."""
    writer = ResponseEvents(FORM)
    begun = read(writer.event(Started("ans_1", "2026-05-02T10:00:00Z")))
    (event,) = read(writer.error(problem_body(STOPPING, "req_1")))

    EVENTS.validate_python(event)
    assert event["type"] == "response.failed"
    assert event["response"]["id"] == begun[0]["response"]["id"]
    assert event["response"]["dateline"]["error"]["code"] == "shutting_down"
    assert event["response"]["output"] == []
