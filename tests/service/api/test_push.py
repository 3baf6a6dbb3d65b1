"""Pushed articles: who may push, what is accepted, and what a push's state says."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.testclient import TestClient

from index.library import Library
from index.spool import Spool, writer_lock
from ingest.load import article as ingested
from ingest.load.pushed import ORIGIN
from service.api import push
from service.api.app import create_app
from service.settings import ServiceSettings
from tests.samples import pipeline_of

SECRET = "correct-horse-battery"
ALLOWED = {"Authorization": f"Bearer {SECRET}"}
ARTICLE: dict[str, Any] = {"title": "Bridge closes", "body": "The bridge closes on Monday.", "tags": ["bridges"]}
ROUTES = [
    ("PUT", "/v1/articles/a"),
    ("DELETE", "/v1/articles/a"),
    ("POST", "/v1/articles:batch"),
    ("GET", "/v1/articles/a/push"),
]


@contextmanager
def service(settings: ServiceSettings, data: Path, secret: str | None = SECRET) -> Iterator[TestClient]:
    """A service on an empty data folder."""
    there = settings.model_copy(update={"data": data, "push_secret": SecretStr(secret) if secret else None})
    pipeline = replace(pipeline_of(settings), library=Library(data, "local"))
    with TestClient(create_app(there, pipeline), raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def client(sample_settings: ServiceSettings, tmp_path: Path) -> Iterator[TestClient]:
    """A client of a service beside a live writer."""
    with service(sample_settings, tmp_path) as client, writer_lock(tmp_path):
        yield client


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize("given", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {SECRET}"}])
def test_without_the_secret_nothing_is_read(client: TestClient, method: str, path: str, given: dict[str, str]) -> None:
    """The body is not looked at, so that a stranger cannot send 30 MB."""
    reply = client.request(method, path, headers=given, content=b"{" * 2_000_000)

    assert (reply.status_code, reply.json()["error"]["code"]) == (401, "invalid_api_key")
    assert reply.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_without_the_setting_every_push_is_refused(
    sample_settings: ServiceSettings, tmp_path: Path, method: str, path: str
) -> None:
    """An empty token does not equal a secret that is not set."""
    with service(sample_settings, tmp_path, None) as client:
        reply = client.request(method, path, headers={"Authorization": "Bearer "})

    assert (reply.status_code, reply.json()["error"]["code"]) == (403, "push_off")


def test_without_a_writer_nothing_is_accepted(sample_settings: ServiceSettings, tmp_path: Path) -> None:
    """The CMS is told to try again."""
    with service(sample_settings, tmp_path) as client:
        reply = client.put("/v1/articles/a", headers=ALLOWED, json=ARTICLE)

    assert (reply.status_code, reply.json()["error"]["code"]) == (503, "no_writer")
    assert "Retry-After" in reply.headers
    assert Spool(tmp_path).entries() == []


def test_the_same_push_twice_is_accepted_once(client: TestClient, tmp_path: Path) -> None:
    """Both replies are the same, and so is the state until the writer has been there."""
    first, second = (client.put("/v1/articles/a", headers=ALLOWED, json=ARTICLE) for _ in range(2))
    state = client.get("/v1/articles/a/push", headers=ALLOWED)

    assert first.status_code == second.status_code == 202
    assert first.json() == second.json() == state.json()
    assert (state.json()["state"], state.json()["action"]) == ("pending", "put")
    assert len(Spool(tmp_path).entries()) == 1


def test_a_rejected_push_says_why(client: TestClient, tmp_path: Path) -> None:
    """The reason is the writer's."""
    Spool(tmp_path).reject("a", "0" * 16, "its text is empty")

    state = client.get("/v1/articles/a/push", headers=ALLOWED).json()

    assert (state["state"], state["reason"]) == ("rejected", "its text is empty")
    assert client.get("/v1/articles/b/push", headers=ALLOWED).json()["error"]["code"] == "push_not_found"


@pytest.mark.parametrize(
    ("change", "param"),
    [
        ({"body": None}, None),
        ({"html": "<p>The bridge closes.</p>"}, None),
        ({"body": "…"}, None),
        ({"body": "é" * 2_600_000}, None),
        ({"published_at": "yesterday"}, "published_at"),
        ({"published_at": "2999-01-01"}, "published_at"),
        ({"body": 5}, "body"),
        ({"url": "javascript:alert(1)"}, "url"),
        ({"url": "https://bank.example@evil.example/"}, "url"),
        ({"title": "x" * 2_001}, "title"),
        ({"status": "draft"}, "status"),
    ],
)
def test_a_field_that_is_not_valid_is_named(
    client: TestClient, tmp_path: Path, change: dict[str, Any], param: str | None
) -> None:
    """Nothing is accepted."""
    reply = client.put("/v1/articles/a", headers=ALLOWED, json=ARTICLE | change)

    assert (reply.status_code, reply.json()["error"]["param"]) == (422, param)
    assert Spool(tmp_path).entries() == []


@pytest.mark.parametrize("article_id", ["...", "a b", "x" * 201])
def test_an_id_is_as_ingest_wants_it(client: TestClient, article_id: str) -> None:
    """Dots alone would be another address in a browser."""
    reply = client.put(f"/v1/articles/{article_id}", headers=ALLOWED, json=ARTICLE)

    assert (reply.status_code, reply.json()["error"]["param"]) == (422, "article_id")
    assert repr(article_id)[:200] in reply.json()["error"]["message"]


def test_a_batch_is_accepted_as_a_whole(client: TestClient, tmp_path: Path) -> None:
    """One item that is not valid refuses all; its place is named."""
    good = {"articles": [{"id": "a", **ARTICLE}, {"id": "b", "delete": True}]}
    bad = {"articles": [*good["articles"], {"id": "c"}]}

    refused = client.post("/v1/articles:batch", headers=ALLOWED, json=bad)
    assert (refused.status_code, refused.json()["error"]["param"]) == (422, "articles.2")
    assert Spool(tmp_path).entries() == []

    accepted = client.post("/v1/articles:batch", headers=ALLOWED, json=good)
    assert accepted.status_code == 202
    assert [(item["id"], item["action"]) for item in accepted.json()["articles"]] == [("a", "put"), ("b", "delete")]
    assert [entry.article_id for entry in Spool(tmp_path).entries()] == ["a", "b"]


def test_pages_of_other_origins_cannot_push(sample_settings: ServiceSettings, tmp_path: Path) -> None:
    """A page that may ask may not push, even if it knew the secret."""
    allowed = sample_settings.model_copy(update={"allowed_origins": ("https://news.example",)})
    asked = {"Origin": "https://news.example", "Access-Control-Request-Headers": "authorization, content-type"}
    with service(allowed, tmp_path) as client:
        for method, path in ROUTES:
            preflight = client.options(path, headers=asked | {"Access-Control-Request-Method": method})
            reply = client.request(method, path, headers=asked | ALLOWED, json=ARTICLE)
            shared = "access-control-allow-origin" in reply.headers
            assert preflight.is_client_error
            assert shared == (method in ("PUT", "DELETE")), "their path is that of an article"


def test_the_limits_are_those_of_ingest() -> None:
    """What is accepted here is not rejected there."""
    assert (push.TEXT_BYTES, push.LINE) == (ingested.BODY_LIMIT, ingested.LINE_LIMIT)
    assert push.ORIGIN == ORIGIN
