"""What holds for every reply, whatever was asked for: its headers, its twin without a body, its readers."""

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.build import build_pipeline
from service.settings import ServiceSettings
from tests.service.conftest import settings_for

PAGES = ("/", "/articles", "/articles/nothing-of-this-name", "/embed", "/docs")
PLACES = (
    *PAGES,
    "/widget.js",
    "/page.css",
    "/nothing",
    "/v1/articles",
    "/v1/articles/none",
    "/healthz",
    "/articles/a/b",
)
NEWS = "https://news.example"


@pytest.mark.parametrize("path", PLACES)
def test_no_reply_is_guessed_at_framed_or_run(client: TestClient, path: str) -> None:
    """Errors and data as well: a type that is meant, a policy that allows nothing more, no address passed on."""
    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors" in headers["content-security-policy"]
    assert "script-src 'unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize("path", PLACES)
def test_the_head_of_a_reply_is_that_of_the_whole(client: TestClient, path: str) -> None:
    """Monitors and checkers of links ask for it; it has no body."""
    whole, head = client.get(path), client.head(path)

    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_what_is_only_sent_has_no_head(client: TestClient) -> None:
    """A question is posted; a head would be a question without one."""
    assert client.head("/v1/ask").status_code == 405


def test_an_error_that_nobody_expected_can_be_read_by_an_allowed_page(sample_settings: ServiceSettings) -> None:
    """Otherwise its widget would tell of a broken connection; a page that is not allowed reads nothing."""
    settings = settings_for(sample_settings.data, sample_settings.models_folder, allowed_origins=NEWS)
    app = create_app(settings, build_pipeline(settings))

    @app.get("/v1/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    with TestClient(app, raise_server_exceptions=False) as client:
        allowed = client.get("/v1/broken", headers={"Origin": NEWS, "X-Request-Id": "mine"})
        foreign = client.get("/v1/broken", headers={"Origin": "https://other.example"})

    assert (allowed.status_code, allowed.json()["error"]["code"]) == (500, "internal")
    assert allowed.headers["access-control-allow-origin"] == NEWS
    assert allowed.headers["x-request-id"] == "mine"
    assert allowed.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in foreign.headers
    assert [reply.headers["vary"] for reply in (allowed, foreign)] == ["Origin", "Origin"]


@pytest.mark.parametrize("offset", ["-1", "x", "", "1e3", "99999999999999999999", "0;drop", "٣"])
def test_a_garbled_place_in_the_list_is_its_beginning(client: TestClient, offset: str) -> None:
    """A reader with a broken link gets a page, not the machine's words."""
    reply = client.get("/articles", params={"offset": offset})

    assert reply.status_code == 200
    assert "<h1>Articles</h1>" in reply.text
    assert "newest first" in reply.text


def test_what_is_said_to_the_frame_is_cut_and_not_refused(client: TestClient) -> None:
    """A title that is far too long still shows the chat."""
    reply = client.get("/embed", params={"title": "a" * 2_100})

    assert reply.status_code == 200
    assert "dateline-chat" in reply.text


@pytest.mark.parametrize(
    ("accepted", "zipped"),
    [("gzip", True), ("br, GZIP;q=0.5", True), ("gzip; q=0", False), ("gzip;q=0.000, br", False), ("x-gzipped", False)],
)
def test_the_script_is_zipped_for_those_who_take_it(client: TestClient, accepted: str, zipped: bool) -> None:
    """`q=0` says no, and names have no case."""
    reply = client.get("/widget.js", headers={"Accept-Encoding": accepted})

    assert ("content-encoding" in reply.headers) == zipped
