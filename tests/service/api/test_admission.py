"""Too much at once: refused before any work, with the same status for a stream as for a plain reply."""

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.api.admission import Limits, Places
from service.api.app import create_app
from service.api.service_state import question_threads
from service.build import build_pipeline
from service.settings import ServiceSettings
from tests.service.conftest import settings_for

QUESTION = {"question": "When did the ferry strike end?"}
FEEDBACK = {"answer_id": "a", "question": "q", "answer": "a", "vote": "up"}


@pytest.fixture(scope="module")
def crowded(sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service all of whose places are taken."""
    app = create_app(sample_settings, build_pipeline(sample_settings))
    limits: Limits = app.state.service.limits
    for places in (limits.questions, limits.reading, limits.feedback):
        places.taken = places.limit
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", QUESTION),
        ("/v1/ask", QUESTION | {"stream": True}),
        ("/v1/search", QUESTION),
        ("/v1/feedback", FEEDBACK),
        ("/v1/ask", {"not": "parsed"}),
    ],
)
def test_what_is_sent_beyond_the_places_is_refused(crowded: TestClient, path: str, body: dict[str, object]) -> None:
    """503 with `Retry-After`, before the body is parsed."""
    reply = crowded.post(path, json=body)

    assert reply.status_code == 503
    assert reply.json()["error"]["code"] == "overloaded"
    assert reply.headers["retry-after"] == "1"


@pytest.mark.parametrize("path", ["/", "/articles", "/articles/a", "/v1/articles", "/v1/articles/a"])
def test_what_is_read_beyond_the_places_is_refused(crowded: TestClient, path: str) -> None:
    """Pages and lists have places of their own."""
    assert crowded.get(path).status_code == 503


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/widget.js", "/page.css"])
def test_what_costs_nothing_needs_no_place(crowded: TestClient, path: str) -> None:
    """A monitor is answered however many questions there are."""
    assert crowded.get(path).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_stream_that_cannot_begin_is_an_error_as_any_other(tmp_path: Path, models: Path, stream: bool) -> None:
    """Without an index, and for what no pipeline can do: a status, not an event."""
    settings = settings_for(tmp_path / "none", models)
    with TestClient(create_app(settings, build_pipeline(settings)), raise_server_exceptions=False) as client:
        without_index = client.post("/v1/ask", json=QUESTION | {"stream": stream})
        without_model = client.post("/v1/ask", json=QUESTION | {"stream": stream, "reader": "llm"})

    assert without_index.status_code == 503
    assert without_index.headers["retry-after"] == "1"
    assert without_index.json()["error"]["code"] == "index_unavailable"
    assert without_model.status_code == 422
    assert without_model.json()["error"]["param"] == "reader"


@pytest.mark.parametrize("body", [QUESTION, QUESTION | {"stream": True}, QUESTION | {"reader": "llm"}, {"bad": 1}])
def test_a_place_is_free_again_after_the_reply(client: TestClient, body: dict[str, object]) -> None:
    """Whatever the reply was."""
    for _ in range(3):
        client.post("/v1/ask", json=body)

    assert client.app.state.service.limits.questions.taken == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/v1/ask", "questions"),
        ("POST", "/v1/search", "questions"),
        ("POST", "/v1/feedback", "feedback"),
        ("GET", "/", "reading"),
        ("GET", "/articles/a", "reading"),
        ("GET", "/v1/articles/a", "reading"),
        ("GET", "/healthz", None),
        ("POST", "/nothing", None),
    ],
)
def test_each_kind_of_request_has_its_places(method: str, path: str, kind: str | None) -> None:
    """None where the reply costs next to nothing."""
    limits = Limits(Places(1))

    assert limits.places_for(method, path) is (getattr(limits, kind) if kind else None)


def test_feedback_of_one_client_is_limited(client: TestClient) -> None:
    """429 with `Retry-After`, however wrong the feedback is; questions are not counted."""
    replies = [client.post("/v1/feedback", json={}) for _ in range(25)]

    assert [reply.status_code for reply in replies[:20]] == [422] * 20
    assert replies[-1].status_code == 429
    assert replies[-1].json()["error"]["code"] == "rate_limited"
    assert int(replies[-1].headers["retry-after"]) >= 1
    assert client.post("/v1/ask", json=QUESTION).status_code == 200


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/search", "/v1/feedback"])
@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "", "nonsense"])
def test_a_body_that_does_not_say_it_is_json_is_refused(client: TestClient, path: str, kind: str | None) -> None:
    """415 that names the header, what was found and what is expected."""
    headers = {} if kind is None else {"Content-Type": kind}
    reply = client.post(path, content=json.dumps(QUESTION).encode(), headers=headers)

    assert reply.status_code == 415
    error = reply.json()["error"]
    assert error["code"] == "unsupported_media_type"
    assert "Content-Type" in error["message"]
    assert "application/json" in error["message"]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/ld+json"])
def test_a_body_that_says_it_is_json_is_read(client: TestClient, kind: str) -> None:
    """In any case, with parameters, and of a kind of its own."""
    content = json.dumps(QUESTION).encode()

    assert client.post("/v1/search", content=content, headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_json_may_be_in_any_unicode_encoding(client: TestClient, encoding: str) -> None:
    """As the JSON parser finds out from its first bytes."""
    content = json.dumps(QUESTION).encode(encoding)

    assert client.post("/v1/search", content=content, headers={"Content-Type": "application/json"}).status_code == 200


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 415), ("br", 415), ("identity", 200)])
def test_a_compressed_body_is_refused(client: TestClient, encoding: str, status: int) -> None:
    """Without being unpacked."""
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}

    assert client.post("/v1/search", content=json.dumps(QUESTION).encode(), headers=headers).status_code == status


def test_questions_leave_a_processor_to_the_event_loop(sample_settings: ServiceSettings) -> None:
    """Where they compute; where they wait for another service there is a thread for each."""
    computing = question_threads(sample_settings)
    waiting = settings_for(sample_settings.data, sample_settings.models_folder, chroma_url="http://127.0.0.1:1")

    assert 1 <= computing <= max(1, min(3, len(os.sched_getaffinity(0)) - 1))
    assert question_threads(waiting) == waiting.max_questions
