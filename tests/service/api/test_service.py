"""The service as a whole: limits, readiness, new generations, pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from index.embedding.local import LocalEmbedder
from ingest.job import Ingest, run
from ingest.progress import Progress
from service.api.admission import Places
from service.api.app import create_app
from service.api.body_limit import LIMIT
from service.api.error_page import NO_ARTICLES
from service.build import build_pipeline
from service.errors import Overloaded
from tests.service.conftest import settings_for


def ingest(folder: Path, data: Path, embedder: LocalEmbedder) -> None:
    run(Ingest((folder,), data, "english"), embedder, Progress(quiet=True))


@pytest.fixture
def bare(tmp_path: Path, models: Path) -> Iterator[tuple[TestClient, Path]]:
    """A service without an index, and its data folder."""
    data = tmp_path / "data"
    settings = settings_for(data, models, poll_s=0.05)
    with TestClient(create_app(settings, build_pipeline(settings)), raise_server_exceptions=False) as client:
        yield client, data


def test_without_an_index_the_service_is_alive_but_not_ready(
    bare: tuple[TestClient, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Asking is a 503, never an answer without articles; the folder and the command are for the log."""
    client, data = bare

    assert client.get("/healthz").status_code == 200
    for reply in (
        client.get("/readyz"),
        client.post("/v1/ask", json={"question": "anything"}),
        client.get("/v1/articles"),
    ):
        assert reply.status_code == 503
        assert reply.json()["error"]["code"] == "index_unavailable"
        assert "dateline ingest" not in reply.text
        assert str(data) not in reply.text
    assert "dateline ingest" in caplog.text
    assert str(data) in caplog.text


def test_without_an_index_the_pages_say_so(bare: tuple[TestClient, Path]) -> None:
    """The home page is shown and says that there is nothing to answer from; the articles are a 503 in words."""
    client, _ = bare
    home, *others = [client.get(path, headers={"Accept": "text/html"}) for path in ("/", "/articles", "/articles/a")]

    assert home.status_code == 200
    assert NO_ARTICLES in home.text
    for page in others:
        assert page.status_code == 503
        assert "There are no articles to show" in page.text


def test_a_new_generation_is_served_without_a_restart(
    bare: tuple[TestClient, Path], tmp_path: Path, embedder: LocalEmbedder
) -> None:
    """First ingest makes it ready; the next one is picked up, and the old text is gone."""
    client, data = bare
    articles = tmp_path / "articles"
    articles.mkdir()
    (articles / "harbour.txt").write_text("The harbour of Skelmore opened on 4 May 2025. It cost 12 million euros.\n")
    ingest(articles, data, embedder)
    first = _ready(client, None)
    (articles / "harbour.txt").write_text("The harbour of Skelmore opened on 9 June 2025. It cost 15 million euros.\n")
    ingest(articles, data, embedder)
    _ready(client, first)
    answer = client.post("/v1/ask", json={"question": "When did the harbour of Skelmore open?"}).json()

    assert "9 June 2025" in answer["answer"]
    assert "4 May 2025" not in str(answer)


def _ready(client: TestClient, but_not: str | None) -> str:
    """The generation that the service is ready with, once it is another one."""
    import time

    for _ in range(200):
        reply = client.get("/readyz")
        if reply.status_code == 200 and reply.json()["generation"] != but_not:
            return str(reply.json()["generation"])
        time.sleep(0.05)
    raise AssertionError("the new generation was not picked up within ten seconds")


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(client: TestClient, *, chunked: bool) -> None:
    """413, whether or not its length was declared."""
    body = b" " * (LIMIT + 1)
    content = iter([body[: LIMIT // 2], body[LIMIT // 2 :]]) if chunked else body
    reply = client.post("/v1/ask", content=content, headers={"Content-Type": "application/json"})

    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == "too_large"


def test_a_body_within_the_limit_is_read(client: TestClient) -> None:
    """White space up to the limit is JSON like any other."""
    content = b'{"question": "ferry"}' + b" " * (LIMIT - 30)

    assert client.post("/v1/search", content=content, headers={"Content-Type": "application/json"}).status_code == 200


def test_more_questions_than_places_are_turned_away() -> None:
    """A place is free again when its question ends."""
    places = Places(limit=1)

    with places.place(), pytest.raises(Overloaded), places.place():
        pass
    with places.place():
        pass


@pytest.mark.parametrize(
    "path", ["/", "/embed", "/articles", "/articles/sound-cup-final", "/page.js", "/page.css", "/icon.svg"]
)
def test_the_page_is_served_under_a_strict_policy(client: TestClient, path: str) -> None:
    """No script, style or request of another origin, and no inline script."""
    reply = client.get(path)

    assert reply.status_code == 200
    policy = reply.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "require-trusted-types-for 'script'; trusted-types 'none'" in policy
    assert "<script>" not in reply.text
    assert " style=" not in reply.text
    assert reply.headers["x-content-type-options"] == "nosniff"
    assert reply.headers["referrer-policy"] == "no-referrer"


def test_what_is_not_there_is_not_found_in_the_one_shape(client: TestClient) -> None:
    """Also for a wrong method."""
    assert client.get("/v1/nothing").json()["error"]["code"] == "not_found"
    assert client.get("/v1/ask").json()["error"]["code"] == "method_not_allowed"
