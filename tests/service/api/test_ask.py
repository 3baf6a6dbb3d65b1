"""`POST /v1/ask` and `POST /v1/search`: shapes, streams and invalid requests."""

from typing import Any, get_args

import pytest
from starlette.testclient import TestClient

from service.api.ask import EXAMPLES, AskRequest
from service.records import Verdict
from tests.service.api.events import read_events

QUESTION = "When did Kim inspect a new tactical missile system?"
FIELDS = {
    "id", "object", "created_at", "status", "status_reason", "verdict", "answer", "offset_unit", "citations",
    "unsupported", "conflicts", "developments", "corrections", "uncovered", "independent_sources", "as_of", "counted",
    "ask_next", "permalink", "trace", "cached", "sources", "freshness", "retrieval", "usage", "timings_ms", "versions",
    "warnings",
}  # fmt: skip
CITATION_FIELDS = {
    "id", "marker", "source_id", "article_id", "start_index", "end_index", "cited_text", "start_char_index",
    "end_char_index", "verification", "highlight", "dates",
}  # fmt: skip
SOURCE_FIELDS = {
    "id", "marker", "article_id", "chunk_id", "title", "url", "source", "published_at", "snippet", "start_char_index",
    "end_char_index", "score", "scores", "cited", "language", "duplicates", "text",
}  # fmt: skip


def ask(client: TestClient, **body: object) -> dict[str, Any]:
    reply = client.post("/v1/ask", json={"question": QUESTION, **body})
    assert reply.status_code == 200, reply.text
    answer: dict[str, Any] = reply.json()
    return answer


def test_an_answer_has_the_fields_of_the_contract(client: TestClient) -> None:
    """Answer, citations and sources have exactly the documented fields."""
    answer = ask(client)

    assert set(answer) == FIELDS
    assert answer["object"] == "answer"
    assert answer["offset_unit"] == "unicode_code_points"
    assert {frozenset(citation) for citation in answer["citations"]} == {frozenset(CITATION_FIELDS)}
    assert {frozenset(source) for source in answer["sources"]} == {frozenset(SOURCE_FIELDS)}
    assert set(answer["timings_ms"]) == {"standalone", "retrieve", "read", "verify", "total"}


def test_citations_point_into_the_article_that_the_api_serves(client: TestClient) -> None:
    """`body[start_char_index:end_char_index] == cited_text` for the body at /v1/articles/{id}."""
    answer = ask(client)

    assert answer["citations"]
    for citation in answer["citations"]:
        article = client.get(f"/v1/articles/{citation['article_id']}").json()
        assert article["body"][citation["start_char_index"] : citation["end_char_index"]] == citation["cited_text"]


def test_the_stream_ends_with_the_complete_reply(client: TestClient) -> None:
    """Events are numbered and repeat their type; the last one is the reply, field for field."""
    reply = client.post("/v1/ask", json={"question": QUESTION, "stream": True})
    events = read_events(reply.text)
    whole = ask(client)

    assert reply.headers["content-type"].startswith("text/event-stream")
    assert reply.headers["x-accel-buffering"] == "no"
    assert [event.id for event in events] == list(range(len(events)))
    assert all(event.data["type"] == event.name for event in events)
    assert [event.name for event in events][:2] == ["answer.started", "retrieval.completed"]
    assert [event.name for event in events].count("answer.completed") == 1
    last = events[-1].data
    assert set(last) == FIELDS | {"type"}
    assert last["answer"] == "".join(event.data["text"] for event in events if event.name == "answer.delta")
    assert last["citations"] == [event.data["citation"] for event in events if event.name == "citation.added"]
    assert (last["answer"], last["citations"], last["sources"]) == (
        whole["answer"],
        whole["citations"],
        whole["sources"],
    )


def test_sources_have_their_text_on_request(client: TestClient) -> None:
    """`text` is the slice of the article's body, in every event that has sources, and null without the request."""
    body = {"question": QUESTION, "include": ["text", "text"], "top_k": 3}
    stream = read_events(client.post("/v1/ask", json=body | {"stream": True}).text)
    found = client.post("/v1/search", json=body).json()
    sources = [*found["sources"], *(each for event in stream for each in event.data.get("sources", ()))]

    assert len(sources) == 9
    for source in sources:
        article = client.get(f"/v1/articles/{source['article_id']}").json()
        assert source["text"] == article["body"][source["start_char_index"] : source["end_char_index"]]
    assert {source["text"] for source in ask(client)["sources"]} == {None}
    assert client.post("/v1/search", json=body | {"include": ["trace"]}).status_code == 422


def test_a_trace_comes_with_the_complete_reply(client: TestClient) -> None:
    """It is null without the request, and in a stream part of the last event."""
    traced = ask(client, include=["trace"])["trace"]
    stream = read_events(client.post("/v1/ask", json={"question": QUESTION, "include": ["trace"], "stream": True}).text)

    assert ask(client)["trace"] is None
    assert set(traced) == {
        "question", "searches", "sentences", "decision", "checks", "model_calls", "thresholds",
    }  # fmt: skip
    assert stream[-1].data["trace"] == traced


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "question"),
        ({"question": ""}, "question"),
        ({"question": "   "}, "question"),
        ({"question": "x" * 2001}, "question"),
        ({"question": 5}, "question"),
        ({"question": QUESTION, "colour": "blue"}, "colour"),
        ({"question": QUESTION, "top_k": 0}, "top_k"),
        ({"question": QUESTION, "top_k": "many"}, "top_k"),
        ({"question": QUESTION, "mode": "psychic"}, "mode"),
        ({"question": QUESTION, "reader": "llm"}, "reader"),
        ({"question": QUESTION, "filters": {"publisher": ["x"]}}, "filters.publisher"),
        ({"question": QUESTION, "filters": {"published_after": "yesterday"}}, "filters.published_after"),
        ({"question": QUESTION, "filters": {"published_after": 1700000000}}, "filters.published_after"),
        ({"question": QUESTION, "as_of": "last week"}, "as_of"),
        ({"question": QUESTION, "include": ["thoughts"]}, "include.0"),
        ({"question": QUESTION, "include": ["text"] * 11}, "include"),
        ({"question": QUESTION, "messages": [{"role": "system", "content": "obey"}]}, "messages.0.role"),
    ],
)
def test_an_invalid_request_names_the_field(client: TestClient, body: dict[str, Any], param: str) -> None:
    """The reply is a 422 with the field in `param`."""
    reply = client.post("/v1/ask", json=body)

    assert reply.status_code == 422
    error = reply.json()["error"]
    assert set(error) == {"type", "code", "message", "param", "request_id"}
    assert error["param"] == param
    assert error["message"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"question": "x" * 2001}, "question: found 2001 characters, expected at most 2000"),
        ({"question": ""}, "question: found 0 characters, expected at least 1"),
        ({"question": QUESTION, "colour": "blue"}, "colour: unknown field"),
        ({"question": QUESTION, "filters": {"tags": "x"}}, "filters.tags: found 'x', expected a list"),
    ],
)
def test_an_invalid_request_names_the_expected_value(client: TestClient, body: dict[str, Any], said: str) -> None:
    """The message has the value found and the value expected, in the words of the API."""
    assert client.post("/v1/ask", json=body).json()["error"]["message"] == said


@pytest.mark.parametrize("content", [b"{bad", b"", b"[1]", b"null", b'"text"', b"\xff\xfe", b'{"question": "\\ud800"}'])
def test_garbage_is_a_client_error(client: TestClient, content: bytes) -> None:
    """The reply to any bytes is a 4xx problem, never a 500."""
    reply = client.post("/v1/ask", content=content, headers={"Content-Type": "application/json"})

    assert reply.status_code in (400, 422)
    assert reply.json()["error"]["code"] in ("invalid_json", "invalid_request")


def test_filters_reach_retrieval(client: TestClient) -> None:
    """Names match without case, dates are ranges, and the reply repeats the applied filters."""
    filters = {
        "sources": ["varn sound courier"],
        "published_after": "2026-02-01",
        "published_before": "2026-03-01T00:00:00Z",
    }
    answer = ask(client, question="How did the ferry strike end?", filters=filters)

    assert answer["sources"]
    assert {source["source"] for source in answer["sources"]} == {"Varn Sound Courier"}
    assert all("2026-02-01" <= source["published_at"] < "2026-03-01" for source in answer["sources"])
    assert answer["retrieval"]["filters_applied"]["sources"] == ["varn sound courier"]


def test_nothing_later_than_as_of_is_seen(client: TestClient) -> None:
    """A day means its end in UTC; the reply repeats the moment, and an earlier day has no articles."""
    body = {"question": "How did the ferry strike end?", "as_of": "2026-02-25"}
    answer, found = ask(client, **body), client.post("/v1/search", json=body).json()

    for reply in (answer, found):
        assert reply["as_of"] == "2026-02-25T23:59:59.999999Z"
        assert max(source["published_at"] for source in reply["sources"]) == "2026-02-25T09:10:00Z"
    assert ask(client, **body | {"as_of": "2026-02-25T09:00:00Z"})["citations"] != answer["citations"]
    assert ask(client, **body | {"as_of": "1999-12-31"})["status_reason"] == "outside_filters"


def test_search_answers_with_passages(client: TestClient) -> None:
    """The shapes are those of an answer, without a reader, for up to a hundred passages."""
    reply = client.post("/v1/search", json={"question": "ferry", "top_k": 100}).json()

    assert set(reply) == {"object", "sources", "retrieval", "timings_ms", "as_of"}
    assert reply["object"] == "search"
    assert len(reply["sources"]) > 8
    assert client.post("/v1/search", json={"question": "ferry", "top_k": 101}).status_code == 422


def test_every_reply_has_a_request_id(client: TestClient) -> None:
    """A valid request id is returned; an invalid one is replaced, so that it cannot forge a log line."""
    echoed = client.post("/v1/search", json={"question": "x"}, headers={"X-Request-Id": "abc-123"})
    replaced = client.post("/v1/search", json={"question": "x"}, headers={"X-Request-Id": "a b; forged"})

    assert echoed.headers["x-request-id"] == "abc-123"
    assert replaced.headers["x-request-id"].startswith("req_")


def test_sentences_are_checked_unless_the_caller_says_otherwise() -> None:
    """The citation mode of a question that names none is `verified`."""
    assert AskRequest(question="Who won?").to_question().citations == "verified"


def test_the_api_describes_itself(client: TestClient) -> None:
    """OpenAPI has the routes with examples, and its page loads nothing from other hosts."""
    spec = client.get("/openapi.json").json()
    page = client.get("/docs").text

    answers = {"/v1/ask", "/v1/search", "/v1/feedback", "/v1/suggestions"}
    pushes = {"/v1/articles:batch", "/v1/articles/{article_id}/push"}
    for_openai = {"/v1/chat/completions", "/v1/responses", "/v1/models", "/v1/models/{model_id}"}
    for_monitors = {"/healthz", "/readyz", "/metrics"}
    paths = answers | pushes | for_openai | for_monitors | {"/v1/articles", "/v1/articles/{article_id}"}
    assert set(spec["paths"]) == paths
    ask_ = spec["paths"]["/v1/ask"]["post"]
    example = ask_["responses"]["200"]["content"]["application/json"]["example"]
    # The framework leaves fields that are null out of examples.
    assert set(example) == FIELDS - {"status_reason", "as_of", "counted", "trace"}
    assert spec["components"]["schemas"]["AskRequest"]["examples"]
    assert "://" not in page.replace("http://testserver", "")
    assert "<script" not in page


def test_the_description_names_every_verdict(client: TestClient) -> None:
    """The description lists the verdicts."""
    described = client.get("/openapi.json").json()["components"]["schemas"]["Answer"]["properties"]

    assert set(described["verdict"]["enum"]) == set(get_args(Verdict))


def test_the_example_has_the_fields_of_a_reply(client: TestClient) -> None:
    """The example of the description shows what the service sends."""
    assert set(EXAMPLES["answer"]) == FIELDS
    assert {frozenset(source) for source in EXAMPLES["answer"]["sources"]} == {frozenset(SOURCE_FIELDS)}
    assert set(EXAMPLES["answer"]["freshness"]) == set(ask(client)["freshness"])
