"""A service whose Chroma server is suspended or killed: it reports this, answers filtered questions, and recovers."""

import time
from collections.abc import Callable, Iterator
from contextlib import closing

import httpx
import pytest
from index.dense.server import ChromaServer
from index.retention import prune
from starlette.testclient import TestClient

from index.errors import ChromaUnavailable
from index.layout import current_name
from service.api.app import create_app
from service.build import build_pipeline
from tests.chroma_server import RunningChroma
from tests.faults.newsdesk import SOURCES, Newsdesk
from tests.faults.vectors import CLASS_PATH
from tests.samples import settings_for

QUESTION = {"question": "What did the storm cost?"}
FILTERED = {**QUESTION, "filters": {"sources": [SOURCES[1]]}}
COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"
RECOVERY_S = 30.0


@pytest.fixture(scope="module")
def chroma(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChroma]:
    chroma = RunningChroma(tmp_path_factory.mktemp("chroma"))
    yield chroma
    chroma.kill()


@pytest.fixture(scope="module")
def server(chroma: RunningChroma) -> Iterator[ChromaServer]:
    """Return the client of ingests."""
    with closing(ChromaServer(chroma.url)) as server:
        yield server


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory, server: ChromaServer) -> Newsdesk:
    """Return a desk whose index has its vectors on the server."""
    desk = Newsdesk(tmp_path_factory.mktemp("hosted"), articles=12)
    desk.ingest_here(server=server)
    return desk


@pytest.fixture
def client(desk: Newsdesk, chroma: RunningChroma) -> Iterator[TestClient]:
    """Return a client of a service on that index."""
    settings = settings_for(desk.data, desk.data, embedding_model=CLASS_PATH, chroma_url=chroma.url, poll_s=0.05)
    pipeline = build_pipeline(settings)
    with TestClient(create_app(settings, pipeline), raise_server_exceptions=False) as client:
        yield client
    # The service's own connections end with its process.
    assert pipeline.library._server is not None
    pipeline.library._server.close()


def status_and_code(client: TestClient, path: str = "/readyz") -> tuple[int, str | None]:
    reply = client.get(path)
    return reply.status_code, reply.json().get("error", {}).get("code")


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + RECOVERY_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("leave", "come_back"), [("halt", "resume"), ("kill", "start")])
def test_a_service_without_its_server_says_so_and_recovers(
    client: TestClient, chroma: RunningChroma, leave: str, come_back: str
) -> None:
    """Questions that need the server get 503 until it is back; filtered ones are answered."""
    assert client.post("/v1/ask", json=QUESTION).json()["citations"]
    getattr(chroma, leave)()
    try:
        refused = client.post("/v1/ask", json=QUESTION)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "index_unavailable")
        assert client.post("/v1/ask", json=FILTERED).json()["citations"]
        assert status_and_code(client) == (503, "index_unavailable")
        assert client.get("/healthz").status_code == 200
    finally:
        getattr(chroma, come_back)()
    wait_until(lambda: client.post("/v1/ask", json=QUESTION).status_code == 200)
    wait_until(lambda: status_and_code(client) == (200, None))


def test_an_ingest_does_not_wait_for_a_server_that_is_halted(desk: Newsdesk, chroma: RunningChroma) -> None:
    """An ingest exits with an error that names the server, and CURRENT does not change."""
    desk.change(5)
    before = current_name(desk.data)
    chroma.halt()
    try:
        with closing(ChromaServer(chroma.url)) as server, pytest.raises(ChromaUnavailable, match=chroma.url):
            desk.ingest_here(server=server)
    finally:
        chroma.resume()
    assert current_name(desk.data) == before


def test_no_collection_outlives_its_generation(desk: Newsdesk, chroma: RunningChroma, server: ChromaServer) -> None:
    """The server has a collection for each generation, and after a prune only that of the current one."""

    def collections() -> int:
        return len(httpx.get(f"{chroma.url}{COLLECTIONS}", trust_env=False).raise_for_status().json())

    desk.change(5)
    desk.ingest_here(server=server)
    assert collections() == 2
    prune(desk.data, 1, server)
    assert collections() == 1
