"""A service whose Chroma server is suspended or killed: exact search answers, and the server is used again later."""

import logging
import time
from collections.abc import Callable, Iterator

import httpx
import pytest
from starlette.testclient import TestClient

from index import chroma_server, segment
from index.admin import prune
from index.chroma_server import ChromaServer
from index.errors import ChromaUnavailable
from index.layout import current_name
from index.publishing import named_segments
from service.api.app import create_app
from service.build import build_pipeline
from tests.chroma_server import RunningChroma
from tests.faults.newsdesk import Newsdesk
from tests.faults.vectors import embedder
from tests.samples import settings_for

QUESTION = {"question": "What did the storm cost?"}
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
RECOVERY_S = 30.0
PAUSE_S = 2.0
"""A shorter pause than that of the product, which would make the test wait."""


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChroma]:
    chroma = RunningChroma(tmp_path_factory.mktemp("chroma"))
    yield chroma
    chroma.kill()


@pytest.fixture(scope="module")
def server(chroma: RunningChroma) -> ChromaServer:
    """Return the client of ingests."""
    return ChromaServer(chroma.url)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, server: ChromaServer) -> Newsdesk:
    """Return a desk whose index has its vectors on the server."""
    desk = Newsdesk(tmp_path_factory.mktemp("hosted"), articles=12)
    desk.ingest_here(server=server)
    return desk


@pytest.fixture
def client(desk: Newsdesk, chroma: RunningChroma, monkeypatch: pytest.MonkeyPatch) -> Iterator[TestClient]:
    """Return a client of a service that asks the server, although the index is small."""
    monkeypatch.setattr(segment, "EXACT_ROWS", 0)
    monkeypatch.setattr(chroma_server, "PAUSE_S", PAUSE_S)
    settings = settings_for(desk.data, desk.data, chroma_url=chroma.url, poll_s=0.05, span_reader=False)
    with TestClient(
        create_app(settings, build_pipeline(settings, embedder())), raise_server_exceptions=False
    ) as client:
        yield client


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + RECOVERY_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def passages(client: TestClient) -> list[str]:
    """Return the chunks that answer the question, in rank order; raises AssertionError without an answer."""
    reply = client.post("/v1/ask", json=QUESTION)
    assert reply.status_code == 200, reply.text
    assert reply.json()["citations"]
    return [source["chunk_id"] for source in reply.json()["sources"]]


def trouble(client: TestClient) -> str | None:
    reply = client.get("/readyz")
    assert reply.status_code == 200, reply.text
    found: str | None = reply.json()["trouble"]
    return found


@pytest.mark.parametrize(("leave", "come_back"), [("halt", "resume"), ("kill", "start")])
def test_a_service_without_its_server_answers_from_the_exact_vectors(
    client: TestClient, chroma: RunningChroma, caplog: pytest.LogCaptureFixture, leave: str, come_back: str
) -> None:
    """Without its server every question gets the same passages; /readyz and the log say so until it is used again."""
    before = passages(client)
    assert trouble(client) is None
    getattr(chroma, leave)()
    try:
        with caplog.at_level(logging.WARNING, "dateline"):
            assert passages(client) == before
        assert any("searched exactly" in message and chroma.url in message for message in caplog.messages)
        assert trouble(client) == "vectors_unavailable"
        began = time.monotonic()
        assert passages(client) == before
        # The server is left alone: the question does not wait for its deadline again.
        assert time.monotonic() - began < chroma_server.QUESTION_S
        assert client.get("/healthz").status_code == 200
    finally:
        getattr(chroma, come_back)()
    wait_until(lambda: passages(client) == before and trouble(client) is None)


def test_an_ingest_does_not_wait_for_a_server_that_is_halted(
    desk: Newsdesk, chroma: RunningChroma, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An ingest exits with an error that names the server, and CURRENT does not change."""
    monkeypatch.setattr(chroma_server, "PAGE_S", 2.0)
    desk.change(5)
    before = current_name(desk.data)
    chroma.halt()
    try:
        with pytest.raises(ChromaUnavailable, match=chroma.url):
            desk.ingest_here(server=ChromaServer(chroma.url))
    finally:
        chroma.resume()
    assert current_name(desk.data) == before


def test_no_collection_outlives_its_segment(desk: Newsdesk, chroma: RunningChroma, server: ChromaServer) -> None:
    """The server has one collection for each segment that a generation names."""

    def check() -> None:
        listed = httpx.get(f"{chroma.url}{COLLECTIONS}", trust_env=False).raise_for_status().json()
        assert {each["name"] for each in listed} == {f"dateline-{name}" for name in named_segments(desk.data)}

    desk.change(5)
    before = named_segments(desk.data)
    desk.ingest_here(server=server)
    assert before < named_segments(desk.data)
    check()
    prune(desk.data, 1, server)
    assert not before & named_segments(desk.data)
    check()
