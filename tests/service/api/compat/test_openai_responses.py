"""The official client of OpenAI's Responses API, unmodified, against the service on loopback."""

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from openai.types.responses import ResponseOutputMessage, ResponseOutputText
from openai.types.responses.response_output_text import AnnotationURLCitation

from service.api.app import create_app
from service.settings import ServiceSettings
from tests.samples import pipeline_of
from tests.service.api.compat.live import Live, served

QUESTION = "How much do wages rise under the ferry agreement?"


@pytest.fixture(scope="module")
def live(sample_settings: ServiceSettings) -> Iterator[Live]:
    """The service with the extractive reader."""
    with served(create_app(sample_settings, pipeline_of(sample_settings))) as live:
        yield live


@pytest.fixture(scope="module")
def client(live: Live) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(api_key="unused", base_url=f"{live.url}/v1", max_retries=0) as client:
        yield client


def test_a_response_with_its_citations(client: openai.OpenAI, live: Live) -> None:
    """The text, the annotations on its markers, and the native fields; options of other services are ignored."""
    reply = client.responses.create(
        model="dateline", input=QUESTION, instructions="Be brief.", temperature=0.2, tools=[{"type": "web_search"}]
    )
    ((part,),) = ([*item.content] for item in reply.output if isinstance(item, ResponseOutputMessage))
    assert isinstance(part, ResponseOutputText)
    extra: Any = (reply.model_extra or {})["dateline"]

    assert reply.status == "completed"
    assert reply.output_text == part.text
    assert part.annotations
    for note in part.annotations:
        assert isinstance(note, AnnotationURLCitation)
        assert part.text[note.start_index : note.end_index] == "[1]"
        assert note.url.startswith(f"{live.url}/articles/ferry-strike-ends?start=")
    assert extra["warnings"][0]["code"] == "instructions_ignored"
    assert extra["citations"][0]["verification"]["status"] == "verified"


def test_a_stream_ends_with_the_response(client: openai.OpenAI) -> None:
    """The helper of the client adds the events up to the same text and annotations."""
    with client.responses.stream(model="dateline", input=[{"role": "user", "content": QUESTION}]) as stream:
        deltas = [event.delta for event in stream if event.type == "response.output_text.delta"]
        final = stream.get_final_response()

    assert "".join(deltas) == final.output_text
    (message,) = final.output
    assert isinstance(message, ResponseOutputMessage)
    assert isinstance(message.content[0], ResponseOutputText)
    assert message.content[0].annotations


def test_a_conversation_is_sent_as_input(client: openai.OpenAI) -> None:
    """A follow-up is understood by the turns before it; items that are no messages are not read."""
    reply = client.responses.create(
        model="dateline",
        input=[
            {"role": "user", "content": [{"type": "input_text", "text": "When did the Skelhaven library reopen?"}]},
            {"type": "function_call_output", "call_id": "c", "output": "{}"},
            {"role": "assistant", "content": "On Saturday, 2 May 2026."},
            {"role": "user", "content": "And who opened it?"},
        ],
    )

    assert (reply.model_extra or {})["dateline"]["sources"][0]["article_id"] == "skelhaven-library-reopens"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"previous_response_id": "resp_1"}, "previous_response_id"),
        ({"conversation": "conv_1"}, "conversation"),
        ({"background": True}, "background"),
        ({"text": {"format": {"type": "json_object"}}}, "text"),
        ({"tool_choice": "required"}, "tool_choice"),
        ({"input": [{"role": "user", "content": [{"type": "input_image", "image_url": "a"}]}]}, "input.0.content.0"),
        ({"input": "x" * 2_001}, "input"),
        ({"input": []}, "input"),
    ],
)
def test_what_would_give_a_false_answer_is_refused(client: openai.OpenAI, given: dict[str, Any], param: str) -> None:
    """With 400, which the client raises as such."""
    with pytest.raises(openai.BadRequestError) as refused:
        client.responses.create(**{"model": "dateline", "input": QUESTION, **given})

    assert refused.value.param == param


def test_no_response_is_kept(client: openai.OpenAI) -> None:
    """A response cannot be fetched later."""
    with pytest.raises(openai.NotFoundError):
        client.responses.retrieve("resp_ans_1")
