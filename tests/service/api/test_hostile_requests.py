"""Requests as a hostile client sends them: each is refused with its code, at little cost."""

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

CHAT, RESPONSES, ASK = "/v1/chat/completions", "/v1/responses", "/v1/ask"
SURROGATE = "who \ud800 pays"
QUESTION = "How much do wages rise?"


def chat(**changes: Any) -> str:  # noqa: ANN401 - any JSON value
    return json.dumps({"model": "dateline", "messages": [{"role": "user", "content": QUESTION}], **changes})


def response(**changes: Any) -> str:  # noqa: ANN401 - any JSON value
    return json.dumps({"model": "dateline", "input": QUESTION, **changes})


def ask(**changes: Any) -> str:  # noqa: ANN401 - any JSON value
    return json.dumps({"question": QUESTION, **changes})


def nested(depth: int) -> str:
    return "[" * depth + "]" * depth


def of_user(content: Any) -> list[dict[str, Any]]:  # noqa: ANN401 - any JSON value
    return [{"role": "user", "content": content}]


FIELDS = {str(number): 1 for number in range(60_000)}
REFUSED: list[tuple[str, str, str, int, str]] = [
    ("a deep body", CHAT, f'{{"model": "dateline", "messages": {nested(100_000)}}}', 400, "bad_request"),
    ("a deep input", RESPONSES, f'{{"model": "dateline", "input": {nested(100_000)}}}', 400, "bad_request"),
    ("a deep message", CHAT, chat(messages=of_user(json.loads(nested(400)))), 400, "invalid_request"),
    ("a lone surrogate", CHAT, chat(messages=of_user(SURROGATE)), 400, "invalid_request"),
    ("a lone surrogate in a part", CHAT, chat(messages=of_user([{"text": SURROGATE}])), 400, "invalid_request"),
    ("a lone surrogate as input", RESPONSES, response(input=SURROGATE, stream=True), 400, "invalid_request"),
    ("a lone surrogate as question", ASK, ask(question=SURROGATE), 422, "invalid_request"),
    ("a lone surrogate as model", CHAT, chat(model=SURROGATE), 404, "model_not_found"),
    ("n as text", CHAT, chat(n="1"), 400, "invalid_request"),
    ("n with a fraction", CHAT, chat(n=1.5), 400, "invalid_request"),
    ("n of 400 digits", CHAT, chat(n=10**400), 400, "unsupported_value"),
    ("a number of 5,000 digits", ASK, f'{{"question": "x", "top_k": {"9" * 5_000}}}', 400, "bad_request"),
    ("no number", ASK, '{"question": "x", "top_k": NaN}', 422, "invalid_request"),
    ("top_k as text", ASK, ask(top_k="8"), 422, "invalid_request"),
    ("top_k as true", ASK, ask(top_k=True), 422, "invalid_request"),
    ("stream as text", CHAT, chat(stream="yes"), 400, "invalid_request"),
    ("stream as a number", RESPONSES, response(stream=1), 400, "invalid_request"),
    ("stream as text for ask", ASK, ask(stream="no"), 422, "invalid_request"),
    ("an infinite limit", CHAT, chat(max_tokens=float("inf")), 400, "invalid_request"),
    ("options as text", CHAT, chat(dateline="x"), 400, "invalid_request"),
    ("options as list", RESPONSES, response(dateline=[]), 400, "invalid_request"),
    ("an option as text", CHAT, chat(dateline={"source_list": "no"}), 400, "invalid_request"),
    ("no object", CHAT, "null", 400, "invalid_request"),
    ("no bytes", RESPONSES, "", 400, "invalid_request"),
    ("NUL", ASK, "\0", 400, "invalid_json"),
]


@pytest.mark.parametrize(
    ("path", "body", "status", "code"), [each[1:] for each in REFUSED], ids=[e[0] for e in REFUSED]
)
def test_a_hostile_body_is_refused(client: TestClient, path: str, body: str, status: int, code: str) -> None:
    """With the code of its fault, in a short reply."""
    reply = client.post(path, content=body, headers={"Content-Type": "application/json"})

    assert (reply.status_code, reply.json()["error"]["code"]) == (status, code)
    assert len(reply.content) < 1_000


LONG: list[tuple[str, str, str, str | None]] = [
    ("messages that are none", CHAT, chat(messages=[1] * 300_000), "messages"),
    ("empty items", RESPONSES, response(input=[{}] * 200_000), "input"),
    ("many messages", CHAT, chat(messages=of_user("x") * 20_000), "messages"),
    ("many parts", CHAT, chat(messages=of_user([{}] * 200_000)), "messages"),
    ("many unknown fields", ASK, ask(**FIELDS), None),
    ("many unknown filters", ASK, ask(filters=FIELDS), "filters"),
]


@pytest.mark.parametrize(("path", "body", "param"), [each[1:] for each in LONG], ids=[e[0] for e in LONG])
def test_a_long_list_is_refused_before_its_entries_are_read(
    client: TestClient, path: str, body: str, param: str | None
) -> None:
    """The fault is that of the list, not of its first entry: each fault costs, and there may be 300,000."""
    reply = client.post(path, content=body, headers={"Content-Type": "application/json"})

    assert reply.status_code == (422 if path == ASK else 400)
    assert reply.json()["error"]["param"] == param


@pytest.mark.parametrize("path", [CHAT, RESPONSES, ASK])
def test_control_characters_are_text(client: TestClient, path: str) -> None:
    """A question with NUL is answered."""
    text = "Who \0 pays?"
    body = {CHAT: chat(messages=of_user(text)), RESPONSES: response(input=text), ASK: ask(question=text)}[path]

    assert client.post(path, content=body, headers={"Content-Type": "application/json"}).status_code == 200
