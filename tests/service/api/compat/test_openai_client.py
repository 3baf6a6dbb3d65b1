"""The official client of OpenAI, unmodified, against the service on loopback; and the stream of any model's text."""

import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.api.app import create_app
from service.api.compat.chat_request import ChatRequest
from service.api.compat.errors import Refusal
from service.api.compat.models import MODELS
from tests.samples import pipeline_of, settings_for
from tests.scripted_llm import Hang, Reply, Request, ScriptedLLM, keys_in
from tests.service.api.compat.chunks import joined, read_chunks
from tests.service.api.compat.live import Live, served
from tests.service.api.events import read_events

QUESTION = "How much do wages rise under the ferry agreement?"
RISE = "Under the agreement, wages rise by 4.2 percent on 1 March 2026 and by a further 1.5 percent on 1 January 2027"
JUDGE = "Benedikt Orlo, a retired judge, led the talks"
ASKED: Any = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": QUESTION}]


class Model:
    """The scripted model's next reply, with `{key}` for the key of the passage on the agreement.

    Texts are sent in parts of `width` characters.
    """

    def __init__(self) -> None:
        self.pieces: list[str | Hang] = []
        self.width = 1_000

    def __call__(self, request: Request) -> Reply:
        prompt = request["messages"][-1]["content"]
        before = prompt[: prompt.index("ferry strike in Varn Sound is over")]
        key = max(keys_in(request), key=before.rfind)
        return Reply([part for piece in self.pieces for part in self._parts(piece, key)])

    def _parts(self, piece: str | Hang, key: str) -> list[str | Hang]:
        if isinstance(piece, Hang):
            return [piece]
        text = piece.replace("{key}", key)
        return [text[start : start + self.width] for start in range(0, len(text), self.width)]


@pytest.fixture(scope="module")
def model() -> Model:
    return Model()


@pytest.fixture(scope="module")
def llm(model: Model) -> Iterator[ScriptedLLM]:
    with ScriptedLLM(model) as llm:
        yield llm


@pytest.fixture(scope="module")
def live(sample_data: Path, models: Path, llm: ScriptedLLM) -> Iterator[Live]:
    """The service with the scripted model."""
    given = settings_for(
        sample_data, models, llm_model="scripted", openai_api_key="unused", openai_base_url=llm.url, llm_deadline_s=30
    )
    with served(create_app(given, pipeline_of(given))) as live:
        yield live


def client_of(live: Live, http_client: httpx2.Client | None = None, max_retries: int = 2) -> openai.OpenAI:
    return openai.OpenAI(api_key="unused", base_url=f"{live.url}/v1", http_client=http_client, max_retries=max_retries)


@pytest.fixture(scope="module")
def client(live: Live) -> Iterator[openai.OpenAI]:
    with client_of(live, max_retries=0) as client:
        yield client


def test_an_answer_with_its_citations(client: openai.OpenAI, live: Live) -> None:
    """The annotations are those of OpenAI, and what it has no field for is kept."""
    reply = client.chat.completions.create(
        model="dateline-extractive", messages=ASKED, temperature=0.7, seed=1, user="reader@example.com"
    )
    message, extra = reply.choices[0].message, reply.model_extra or {}
    notes = [note.url_citation for note in message.annotations or []]

    assert reply.choices[0].finish_reason == "stop"
    assert message.content
    assert notes
    assert {message.content[note.start_index : note.end_index] for note in notes} == {
        f"[{citation['marker']}]" for citation in extra["dateline"]["citations"]
    }
    assert all(note.url.startswith(f"{live.url}/articles/") for note in notes)
    assert [warning["code"] for warning in extra["dateline"]["warnings"]][:1] == ["instructions_ignored"]


def test_the_page_of_an_annotation_marks_the_quote(client: openai.OpenAI) -> None:
    """Its address leads to the words that the citation quotes."""
    reply = client.chat.completions.create(model="dateline-extractive", messages=ASKED)
    note = (reply.choices[0].message.annotations or [])[0].url_citation
    page = httpx2.get(note.url)

    assert page.status_code == 200
    assert "<mark" in page.text
    assert note.title in page.text


def test_a_stream_of_a_model(client: openai.OpenAI, model: Model) -> None:
    """Sentences as chunks, then the annotations, then the usage."""
    model.pieces = [f"{RISE} [{{key}}]. ", f"{JUDGE} [{{key}}]."]
    chunks = list(
        client.chat.completions.create(
            model="dateline-llm", messages=ASKED, stream=True, stream_options={"include_usage": True}
        )
    )
    text = "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices)

    assert text == f"{RISE} [1]. {JUDGE} [1]."
    assert [chunk.choices[0].finish_reason for chunk in chunks if chunk.choices][-1] == "stop"
    assert chunks[-1].usage is not None
    assert (chunks[-1].usage.prompt_tokens, chunks[-1].usage.completion_tokens) == (120, 24)


def test_the_helper_for_streams_collects_the_message(client: openai.OpenAI, model: Model) -> None:
    """With the annotations of the last chunk."""
    model.pieces = [f"{RISE} [{{key}}]."]
    with client.chat.completions.stream(model="dateline", messages=ASKED) as stream:
        final = stream.get_final_completion()
    message: Any = final.choices[0].message

    assert message.content == f"{RISE} [1]."
    assert [note.url_citation.end_index for note in message.annotations] == [len(RISE) + 4]


def test_a_limit_of_tokens_cuts_a_models_answer_after_a_sentence(client: openai.OpenAI, model: Model) -> None:
    """It has at least one, and the reason to finish says so; quotes are not cut."""
    model.pieces = [f"{RISE} [{{key}}]. ", f"{JUDGE} [{{key}}]."]
    for limit, text, reason in ((1, f"{RISE} [1].", "length"), (900, f"{RISE} [1]. {JUDGE} [1].", "stop")):
        reply = client.chat.completions.create(model="dateline-llm", messages=ASKED, max_completion_tokens=limit)
        assert (reply.choices[0].message.content, reply.choices[0].finish_reason) == (text, reason)
        warnings = [warning["code"] for warning in (reply.model_extra or {})["dateline"]["warnings"]]
        assert ("max_tokens" in warnings) == (reason == "length")
        assert reply.usage
        assert reply.usage.completion_tokens
    quoted = client.chat.completions.create(model="dateline-extractive", messages=ASKED, max_tokens=1)
    assert quoted.choices[0].finish_reason == "stop"


def test_an_abstention_is_an_ordinary_answer(client: openai.OpenAI) -> None:
    """No refusal, no annotations."""
    reply = client.chat.completions.create(
        model="dateline-extractive", messages=[{"role": "user", "content": "How do I boil an egg?"}]
    )
    message = reply.choices[0].message

    assert (reply.choices[0].finish_reason, message.refusal, message.annotations) == ("stop", None, [])
    assert (reply.model_extra or {})["dateline"]["status"] == "not_in_sources"
    assert message.content


def test_a_list_of_sources_for_clients_without_annotations(client: openai.OpenAI) -> None:
    """By the model's name, or by our option; the offsets stay."""
    named = client.chat.completions.create(model="dateline-with-sources", messages=ASKED, extra_body={
        "dateline": {"reader": "extractive"}})  # fmt: skip
    chosen = client.chat.completions.create(
        model="dateline-extractive", messages=ASKED, extra_body={"dateline": {"source_list": True, "top_k": 8}}
    )
    text = named.choices[0].message.content or ""

    assert "\n\n[1] " in text
    assert text == chosen.choices[0].message.content
    assert named.choices[0].message.annotations == chosen.choices[0].message.annotations


def test_filters_are_part_of_our_extension(client: openai.OpenAI) -> None:
    """They limit the articles that answer."""
    reply = client.chat.completions.create(
        model="dateline-extractive", messages=ASKED, extra_body={"dateline": {"filters": {"sources": ["Elsewhere"]}}}
    )

    assert (reply.model_extra or {})["dateline"]["status_reason"] == "outside_filters"


def test_models_are_listed(client: openai.OpenAI) -> None:
    """Chat programs test the connection with it; the model for chores is only answered."""
    listed = list(client.models.list())

    assert [each.id for each in listed] == ["dateline", "dateline-extractive", "dateline-llm", "dateline-with-sources"]
    assert client.models.retrieve("dateline") == listed[0]
    assert client.models.retrieve("dateline-chores").owned_by == "dateline"
    assert listed[0].created > 1_700_000_000
    with pytest.raises(openai.NotFoundError) as caught:
        client.models.retrieve("gpt-9")
    assert caught.value.code == "model_not_found"


PICTURE = [{"type": "image_url", "image_url": {"url": "https://pics.example/1.png"}}]
REFUSED: list[tuple[dict[str, Any], str, str]] = [
    ({"messages": [{"role": "user", "content": PICTURE}]}, "unsupported_value", "messages.0.content.0"),
    ({"messages": [{"role": "user", "content": "x" * 2001}]}, "context_length_exceeded", "messages"),
    ({"messages": "Why?"}, "invalid_request", "messages"),
    ({"n": 2}, "unsupported_value", "n"),
    ({"response_format": {"type": "json_object"}}, "unsupported_value", "response_format"),
    ({"tools": [], "tool_choice": "required"}, "unsupported_value", "tool_choice"),
    ({"modalities": ["text", "audio"]}, "unsupported_value", "modalities"),
    ({"audio": {"voice": "alloy", "format": "wav"}}, "unsupported_value", "audio"),
    ({"extra_body": {"dateline": {"filter": {}}}}, "invalid_request", "dateline.filter"),
]


@pytest.mark.parametrize(("changes", "code", "param"), REFUSED, ids=[f"{code}: {param}" for _, code, param in REFUSED])
def test_what_would_give_a_false_answer_is_refused(
    client: openai.OpenAI, changes: dict[str, Any], code: str, param: str
) -> None:
    """As a bad request with a code and the field."""
    with pytest.raises(openai.BadRequestError) as caught:
        client.chat.completions.create(**{"model": "dateline", "messages": ASKED, **changes})

    assert (caught.value.code, caught.value.param, caught.value.type) == (code, param, "invalid_request_error")


def test_an_unknown_model_is_not_found(client: openai.OpenAI) -> None:
    """The error names those that exist."""
    with pytest.raises(openai.NotFoundError) as caught:
        client.chat.completions.create(model="gpt-9", messages=ASKED)

    assert caught.value.code == "model_not_found"
    assert "dateline-with-sources" in caught.value.message


def test_an_overload_is_retried(live: Live) -> None:
    """The official client itself does so, and gets an answer."""
    slots, seen = live.state.limits.questions, []
    limit, slots.limit = slots.limit, 0

    def note(response: httpx2.Response) -> None:
        seen.append(response.status_code)
        slots.limit = limit

    http = openai.DefaultHttpx2Client(event_hooks={"response": [note]})
    with client_of(live, http_client=http) as client:
        reply = client.chat.completions.create(model="dateline-extractive", messages=ASKED)

    assert seen == [503, 200]
    assert reply.choices


def test_a_missing_index_is_not_retried(tmp_path: Path, models: Path) -> None:
    """The next second changes nothing; the model list, which tests the connection, says so too."""
    given, seen = settings_for(tmp_path, models), []
    http = openai.DefaultHttpx2Client(event_hooks={"response": [lambda response: seen.append(response.status_code)]})
    with served(create_app(given, pipeline_of(given))) as live, client_of(live, http_client=http) as client:
        for stream in (False, True):
            with pytest.raises(openai.InternalServerError) as caught:
                client.chat.completions.create(model="dateline", messages=ASKED, stream=stream)
            assert caught.value.code == "index_unavailable"
        with pytest.raises(openai.InternalServerError):
            client.models.list()

    assert seen == [503] * 3


def test_a_stream_that_ends_early_stops_the_model(sample_data: Path, models: Path) -> None:
    """The client leaves; or the service stops, which the client raises as an error."""
    model = Model()
    model.pieces = [f"{RISE} [{{key}}]. And so on ", Hang()]
    for is_leaving in (True, False):
        with ScriptedLLM(model) as llm:
            given = settings_for(sample_data, models, llm_model="a", openai_api_key="unused", openai_base_url=llm.url)
            with served(create_app(given, pipeline_of(given))) as live, client_of(live) as client:
                stream = client.chat.completions.create(model="dateline", messages=ASKED, stream=True)
                assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", f"{RISE} [1]."]
                if is_leaving:
                    stream.close()
                else:
                    live.call(live.state.stopping.set)
                    with pytest.raises(openai.APIError) as caught:
                        list(stream)
                    assert caught.value.code == "shutting_down"
                assert llm.wait_for_leaver(20)


SENTENCES = st.sampled_from([RISE, JUDGE, "Wages rise by 99 percent", "Orlo said [2] as well", "NOT_IN_SOURCES"])
MARKS = st.sampled_from([" [{key}]", " [{key}][{key}]", " [zzzz]", " [1]", ""])


@dataclass(frozen=True, slots=True)
class Streamed:
    """A complete stream: its text, what it marks with which address, its last event, and how many events end it."""

    text: str
    marks: list[tuple[str, str]]
    last: dict[str, Any]
    ends: int


def of_ask(text: str) -> Streamed:
    """Return a stream of `/v1/ask`; its citations have no address."""
    events = read_events(text)
    said = "".join(event.data["text"] for event in events if event.name == "answer.delta")
    ends = [event for event in events if event.name in ("answer.completed", "error")]
    cited = [event.data["citation"] for event in events if event.name == "citation.added"]
    marks = [(f"[{each['marker']}]", each["article_id"]) for each in cited]
    assert [event.id for event in events] == list(range(len(events)))
    return Streamed(said, marks, events[-1].data, len(ends))


def of_chat(text: str) -> Streamed:
    """Return a stream of `/v1/chat/completions`."""
    chunks = read_chunks(text)
    message, ends = joined(chunks), [chunk for chunk in chunks if chunk["choices"][0]["finish_reason"]]
    notes = [note["url_citation"] for note in message.get("annotations", [])]
    return Streamed(message["content"], _marks(message["content"], notes), chunks[-1]["dateline"], len(ends))


def of_responses(text: str) -> Streamed:
    """Return a stream of `/v1/responses`."""
    events = [json.loads(line.removeprefix("data: ")) for line in text.splitlines() if line.startswith("data: ")]
    said = "".join(event["delta"] for event in events if event["type"] == "response.output_text.delta")
    notes = [event["annotation"] for event in events if event["type"].endswith("annotation.added")]
    ends = [event for event in events if event["type"] in ENDS]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return Streamed(said, _marks(said, notes), events[-1]["response"]["dateline"], len(ends))


def _marks(text: str, notes: list[dict[str, Any]]) -> list[tuple[str, str]]:
    return [(text[note["start_index"] : note["end_index"]], note["url"]) for note in notes]


ENDS = [f"response.{end}" for end in ("completed", "incomplete", "failed")]
SURFACES: list[tuple[str, dict[str, Any], Callable[[str], Streamed]]] = [
    ("/v1/ask", {"question": QUESTION}, of_ask),
    ("/v1/chat/completions", {"model": "dateline", "messages": ASKED}, of_chat),
    ("/v1/responses", {"model": "dateline", "input": QUESTION}, of_responses),
]


@settings(max_examples=10)
@given(st.lists(st.tuples(SENTENCES | st.text(max_size=20), MARKS), max_size=4), st.integers(3, 40))
def test_the_stream_of_any_text_of_a_model(live: Live, model: Model, said: list[tuple[str, str]], width: int) -> None:
    """On every surface it adds up to the plain answer, marks exactly the markers, and ends once."""
    model.pieces, model.width = [" ".join(f"{sentence}{mark}." for sentence, mark in said)], width
    plain = httpx2.post(f"{live.url}/v1/ask", json={"question": QUESTION}, timeout=30).json()
    for path, body, read in SURFACES:
        reply = httpx2.post(f"{live.url}{path}", json={**body, "stream": True}, timeout=30)
        stream = read(reply.text)

        assert reply.headers["content-type"].startswith("text/event-stream")
        assert (stream.text, stream.ends) == (plain["answer"], 1)
        assert stream.last["citations"] == plain["citations"]
        assert stream.last["status"] == plain["status"]
        assert {mark for mark, _ in stream.marks} == {f"[{citation['marker']}]" for citation in plain["citations"]}
        assert len(set(stream.marks)) == len({mark for mark, _ in stream.marks})


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.sampled_from(["text", "required", "function", "auto", "title"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "function", "name", "parameters", "json_schema", "schema"]), inner)
    ),
    max_leaves=6,
)
ODD = ("response_format", "tools", "tool_choice", "functions", "function_call", "modalities", "audio", "logit_bias")


@given(st.dictionaries(st.sampled_from(ODD), JSON_VALUES))
def test_odd_values_never_fail_the_service(odd: dict[str, Any]) -> None:
    """A request is a chore, a question or refused."""
    request = ChatRequest.model_validate({"model": "dateline", "messages": ASKED, **odd})
    with suppress(Refusal):
        chore = request.chore(MODELS[0])
        assert chore is None or chore.reply
