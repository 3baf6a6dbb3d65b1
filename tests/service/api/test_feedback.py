"""`POST /v1/feedback`: stored and invalid feedback."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.feedback import FILE, FeedbackEntry, FeedbackStore
from service.settings import ServiceSettings
from tests.samples import pipeline_of

SENT: dict[str, Any] = {
    "answer_id": "ans_1",
    "question": "When did the ferries sail again?",
    "answer": "The ferries sailed again on Wednesday morning [1].",
    "citations": [{"article_id": "ferry-strike-ends", "cited_text": "The ferries sailed again on Wednesday morning."}],
    "vote": "down",
    "reasons": ["outdated", "outdated", "other"],
    "comment": "They have stopped again.",
}


@contextmanager
def service(settings: ServiceSettings, data: Path, limit: int = 10) -> Iterator[TestClient]:
    """A service on the sample index with another folder for feedback."""
    there = settings.model_copy(update={"data": data, "feedback_limit": limit})
    with TestClient(create_app(there, pipeline_of(settings)), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder for feedback."""
    return tmp_path_factory.mktemp("feedback")


@pytest.fixture(scope="module")
def client(sample_settings: ServiceSettings, data: Path) -> Iterator[TestClient]:
    """A client of a service that takes feedback."""
    with service(sample_settings, data) as client:
        yield client


def entries(data: Path) -> list[FeedbackEntry]:
    return FeedbackStore(data, 10).entries()


def test_feedback_is_stored_as_it_was_sent(client: TestClient, data: Path) -> None:
    """The reply is 201 with the id; a repeated reason counts once."""
    reply = client.post("/v1/feedback", json=SENT)

    assert reply.status_code == 201
    assert reply.json() == {"id": entries(data)[-1].id, "object": "feedback"}
    assert reply.json()["id"].startswith("fb_")
    stored = entries(data)[-1].feedback
    assert (stored.question, stored.answer, stored.vote) == (SENT["question"], SENT["answer"], "down")
    assert stored.reasons == ("outdated", "other")
    assert stored.citations[0].article_id == "ferry-strike-ends"


def test_an_answers_own_citations_can_be_sent_back(client: TestClient, data: Path) -> None:
    """Citations of `/v1/ask` are valid feedback, field for field; asking alone stores nothing."""
    before = len(entries(data))
    answer = client.post("/v1/ask", json={"question": "How much do wages rise under the ferry agreement?"}).json()
    assert len(entries(data)) == before
    sent = {"answer_id": answer["id"], "question": "How much?", "answer": answer["answer"], "vote": "up"}

    place = {"start_char_index": 0, "end_char_index": 3}
    reply = client.post(
        "/v1/feedback", json={**sent, "citations": [{**cited, "highlight": place} for cited in answer["citations"]]}
    )

    assert reply.status_code == 201, reply.text
    stored = entries(data)[-1].feedback.citations
    assert [cited.cited_text for cited in stored] == [cited["cited_text"] for cited in answer["citations"]]


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"vote": "sideways"}, "vote"),
        ({"vote": None}, "vote"),
        ({"reasons": ["rude"]}, "reasons.0"),
        ({"answer_id": ""}, "answer_id"),
        ({"answer_id": "x" * 201}, "answer_id"),
        ({"question": " "}, "question"),
        ({"answer": "x" * 20_001}, "answer"),
        ({"comment": "x" * 2_001}, "comment"),
        ({"citations": [{"article_id": "a"}]}, "citations.0.cited_text"),
        ({"citations": [{"article_id": "a", "cited_text": "b"}] * 101}, "citations"),
        (
            {"citations": [{"article_id": "a", "cited_text": "b", "start_char_index": -1}]},
            "citations.0.start_char_index",
        ),
        ({"citations": [{"article_id": "a", "cited_text": "x" * 5000}] * 11}, None),
        ({"messages": [{"role": "system", "content": "obey"}]}, "messages.0.role"),
        ({"email": "reader@example.org"}, "email"),
    ],
)
def test_invalid_feedback_names_the_field(
    client: TestClient, data: Path, change: dict[str, Any], param: str | None
) -> None:
    """The reply is a 422, and nothing is stored."""
    before = len(entries(data))
    reply = client.post("/v1/feedback", json={**SENT, **change})

    assert reply.status_code == 422
    assert reply.json()["error"]["param"] == param
    assert len(entries(data)) == before


def test_feedback_beyond_the_limit_is_refused(sample_settings: ServiceSettings, tmp_path: Path) -> None:
    """The reply is 507 `feedback_full`, which no retry fixes; stored feedback stays."""
    with service(sample_settings, tmp_path, limit=1) as client:
        first, second = (client.post("/v1/feedback", json=SENT) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 507)
    assert second.json()["error"]["code"] == "feedback_full"
    assert "retry-after" not in second.headers
    assert [entry.id for entry in entries(tmp_path)] == [first.json()["id"]]


def test_a_folder_without_write_access_affects_feedback_only(sample_settings: ServiceSettings, tmp_path: Path) -> None:
    """Feedback is a 503 `feedback_unavailable`, and questions are answered."""
    (tmp_path / FILE).mkdir()
    with service(sample_settings, tmp_path) as client:
        refused = client.post("/v1/feedback", json=SENT)
        answered = client.post("/v1/ask", json={"question": SENT["question"]})

    assert refused.status_code == 503
    assert refused.json()["error"]["code"] == "feedback_unavailable"
    assert answered.status_code == 200


def test_a_service_deletes_feedback_of_the_retention_age(sample_settings: ServiceSettings, tmp_path: Path) -> None:
    """Old entries go at its start; newer ones stay."""
    store = FeedbackStore(tmp_path, 10)
    with service(sample_settings, tmp_path) as client:
        old, new = (client.post("/v1/feedback", json=SENT).json()["id"] for _ in range(2))
    with closing(sqlite3.connect(tmp_path / FILE)) as connection, connection:
        connection.execute("UPDATE feedback SET created_at = '2020-01-01T00:00:00Z' WHERE id = ?", (old,))
    settings = sample_settings.model_copy(update={"data": tmp_path, "retention_days": 30})
    app = create_app(settings, pipeline_of(sample_settings))
    deleted = threading.Event()
    delete_older = app.state.service.feedback.delete_older

    def delete(age: timedelta) -> int:
        count: int = delete_older(age)
        deleted.set()
        return count

    app.state.service.feedback.delete_older = delete
    with TestClient(app):
        assert deleted.wait(30)

    assert [entry.id for entry in store.entries()] == [new]
