"""Pages of other hosts: who may ask, and what they are told."""

from collections.abc import Iterator

import pytest
from pydantic import ValidationError
from starlette.testclient import TestClient

from service.api.app import create_app
from service.build import build_pipeline
from service.settings import ServiceSettings
from tests.service.conftest import settings_for

JSON = {"Content-Type": "application/json"}
NEWS, LOCAL = "https://news.example", "http://localhost:3000"
ASKING = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.fixture(scope="module")
def open_client(sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service that two other origins may ask."""
    settings = settings_for(sample_settings.data, sample_settings.models_folder, allowed_origins=f"{NEWS}, {LOCAL}")
    with TestClient(create_app(settings, build_pipeline(settings)), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("origin", [NEWS, LOCAL])
def test_an_allowed_page_may_ask(open_client: TestClient, origin: str) -> None:
    """The preflight says what it may send, and the reply that it may be read; cookies are never asked for."""
    preflight = open_client.options("/v1/ask", headers={"Origin": origin, **ASKING})
    reply = open_client.post("/v1/search", json={"question": "ferry"}, headers={"Origin": origin})

    assert preflight.status_code == 204
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    for each in (preflight, reply):
        assert each.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in each.headers
        assert "Origin" in each.headers["vary"]
    assert "X-Request-Id" in reply.headers["access-control-expose-headers"]


@pytest.mark.parametrize(
    "origin",
    [
        "https://news.example.evil.example",
        "https://evil-news.example",
        "https://sub.news.example",
        "http://news.example",
        "https://news.example:8443",
        "https://news.example/",
        "HTTPS://NEWS.EXAMPLE",
        "null",
        "*",
        "",
    ],
)
def test_any_other_page_may_not(open_client: TestClient, origin: str) -> None:
    """However alike its name is: the comparison is exact."""
    preflight = open_client.options("/v1/ask", headers={"Origin": origin, **ASKING})
    reply = open_client.post("/v1/search", json={"question": "ferry"}, headers={"Origin": origin})

    assert preflight.status_code == 403
    assert preflight.json()["error"]["code"] == "origin_not_allowed"
    assert "DATELINE" not in preflight.text
    for each in (preflight, reply):
        assert "access-control-allow-origin" not in each.headers
        assert "Origin" in each.headers["vary"]


def test_what_a_page_may_send_without_a_preflight_is_no_question(open_client: TestClient) -> None:
    """A form's types of body are refused, so that no page can ask behind its reader's back."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        headers = {"Origin": "https://evil.example", "Content-Type": kind}
        assert open_client.post("/v1/ask", content=b'{"question": "ferry"}', headers=headers).status_code == 415


def test_an_error_can_be_read_by_an_allowed_page(open_client: TestClient) -> None:
    """Otherwise its widget could not say what is wrong."""
    for reply in (
        open_client.post("/v1/ask", json={}, headers={"Origin": NEWS}),
        open_client.post("/v1/ask", content=b" " * 1_000_001, headers=JSON | {"Origin": NEWS}),
        open_client.get("/v1/articles/none", headers={"Origin": NEWS}),
    ):
        assert reply.status_code in (404, 413, 422)
        assert reply.headers["access-control-allow-origin"] == NEWS


@pytest.mark.parametrize("path", ["/", "/articles", "/readyz", "/docs"])
def test_pages_and_the_rest_stay_with_their_own_origin(open_client: TestClient, path: str) -> None:
    """Only `/v1/…` and the script are for others."""
    assert "access-control-allow-origin" not in open_client.get(path, headers={"Origin": NEWS}).headers
    assert open_client.get("/widget.js", headers={"Origin": NEWS}).headers["access-control-allow-origin"] == NEWS


def test_a_stream_can_be_read_by_an_allowed_page(open_client: TestClient) -> None:
    """Its headers are those of any other reply."""
    reply = open_client.post("/v1/ask", json={"question": "ferry strike", "stream": True}, headers={"Origin": NEWS})

    assert reply.headers["access-control-allow-origin"] == NEWS
    assert "event: answer.completed" in reply.text


def test_the_frame_may_be_framed_by_the_allowed_origins(open_client: TestClient) -> None:
    """And the other pages by nobody."""
    assert f"frame-ancestors 'self' {NEWS} {LOCAL};" in open_client.get("/embed").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in open_client.get("/").headers["content-security-policy"]


def test_without_the_setting_nobody_else_may_ask(client: TestClient) -> None:
    """Which is the default."""
    assert client.options("/v1/ask", headers={"Origin": NEWS, **ASKING}).status_code == 403


@pytest.mark.parametrize(
    "nonsense",
    [
        "*",
        "https://*.news.example",
        "news.example",
        "https://news.example/",
        "https://news.example/path",
        "https://News.example",
        "https://news.example; script-src *",
        "https://user@news.example",
        "https://news.example:0",
        "https://news.example:99999",
        "null",
        "ftp://news.example",
        "https://news.example https://other.example",
    ],
)
def test_an_origin_that_no_browser_sends_is_refused(sample_settings: ServiceSettings, nonsense: str) -> None:
    """By name, with an example of one that is right."""
    with pytest.raises(ValidationError, match=r"https://news\.example or http://localhost:3000"):
        settings_for(sample_settings.data, sample_settings.models_folder, allowed_origins=nonsense)


def test_the_usual_port_is_left_out(sample_settings: ServiceSettings) -> None:
    """As browsers do; what is expected is said."""
    with pytest.raises(ValidationError, match=r"expected https://news\.example$|expected https://news\.example "):
        settings_for(sample_settings.data, sample_settings.models_folder, allowed_origins="https://news.example:443")
