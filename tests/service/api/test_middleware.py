"""Headers, hosts, origins and bodies of requests and replies."""

import json
from collections.abc import Iterator

import pytest
from openai import OpenAI
from pydantic import ValidationError
from starlette.testclient import TestClient

from service.api.app import create_app
from service.api.middleware import BODY_BYTES, allowed_hosts
from service.settings import ServiceSettings
from tests.samples import client_of, pipeline_of, settings_for

PAGES = ("/", "/articles", "/articles/nothing-of-this-name", "/embed", "/docs")
PATHS = (
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
JSON = {"Content-Type": "application/json"}
QUESTION = {"question": "When did the ferry strike end?"}
ASKING = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}


@pytest.mark.parametrize("path", PATHS)
def test_every_reply_has_security_headers(client: TestClient, path: str) -> None:
    """Errors and data have them too."""
    headers = client.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert "default-src 'none'" in headers["content-security-policy"]
    assert "frame-ancestors" in headers["content-security-policy"]
    assert "script-src 'unsafe" not in headers["content-security-policy"]


@pytest.mark.parametrize("path", PATHS)
def test_head_is_get_without_a_body(client: TestClient, path: str) -> None:
    """Monitors and link checkers send HEAD."""
    whole, head = client.get(path), client.head(path)

    assert (head.status_code, head.content) == (whole.status_code, b"")
    assert head.headers["content-type"] == whole.headers["content-type"]


def test_a_path_for_post_has_no_head(client: TestClient) -> None:
    """HEAD on a question is a 405."""
    assert client.head("/v1/ask").status_code == 405


def test_an_unexpected_error_can_be_read_by_an_allowed_page(sample_settings: ServiceSettings) -> None:
    """Without the headers its widget would report a broken connection; another page reads nothing."""
    settings = settings_for(sample_settings.data, sample_settings.models_folder, allowed_origins=NEWS)
    app = create_app(settings, pipeline_of(settings))

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


def settings(sample: ServiceSettings, **more: object) -> ServiceSettings:
    return settings_for(sample.data, sample.models_folder, allow_anonymous=True, **more)


def test_loopback_is_always_allowed(sample_settings: ServiceSettings) -> None:
    """By default nothing else is."""
    assert allowed_hosts(settings(sample_settings, allowed_hosts="")) == {"127.0.0.1", "::1", "localhost"}


def test_names_are_allowed_by_setting(sample_settings: ServiceSettings) -> None:
    """They are the address it binds, the host of its public URL and a list, without case and ports."""
    given = settings(
        sample_settings,
        host="News.internal",
        public_url="https://Ask.News.example:8443/",
        allowed_hosts="other.example, 192.0.2.7",
    )

    assert allowed_hosts(given) > {"news.internal", "ask.news.example", "other.example", "192.0.2.7"}


@pytest.mark.parametrize(
    ("host", "asked", "status"),
    [
        ("0.0.0.0", "192.0.2.1:8000", 200),
        ("::", "[2001:db8::1]", 200),
        ("0.0.0.0", "evil.example", 421),
        ("127.0.0.1", "192.0.2.1", 421),
    ],
)
def test_a_service_on_all_addresses_answers_to_all_addresses(
    sample_settings: ServiceSettings, host: str, asked: str, status: int
) -> None:
    """Only a name can be pointed here by its owner; an address cannot."""
    given = settings(sample_settings, host=host)
    with client_of(given) as client:
        assert client.get("/v1/articles", headers={"Host": asked}).status_code == status


@pytest.mark.parametrize("name", ["https://news.example", "news.example:80", "*", "*.news.example", "a b"])
def test_an_allowed_host_is_only_a_name(sample_settings: ServiceSettings, name: str) -> None:
    """The error has an example."""
    with pytest.raises(ValidationError, match=r"ask\.news\.example"):
        settings(sample_settings, allowed_hosts=name)


@pytest.mark.parametrize("url", ["news.example", "ftp://news.example", "https://news.example/path", "https://"])
def test_a_public_address_is_a_scheme_and_a_host(sample_settings: ServiceSettings, url: str) -> None:
    """The pages are at the root of a host."""
    with pytest.raises(ValidationError, match="without a path"):
        settings(sample_settings, public_url=url)


def test_the_page_shows_the_public_address(sample_settings: ServiceSettings) -> None:
    """It does not show the name by which a proxy asks."""
    given = settings(sample_settings, public_url="https://ask.news.example/")
    with client_of(given) as client:
        page = client.get("/developers").text

    assert "https://ask.news.example/widget.js" in page
    assert "testserver" not in page


NEWS, LOCAL = "https://news.example", "http://localhost:3000"


@pytest.fixture(scope="module")
def open_client(sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service that two other origins may ask."""
    settings = settings_for(sample_settings.data, sample_settings.models_folder, allowed_origins=f"{NEWS}, {LOCAL}")
    with client_of(settings) as client:
        yield client


@pytest.mark.parametrize("origin", [NEWS, LOCAL])
def test_an_allowed_page_may_ask(open_client: TestClient, origin: str) -> None:
    """The preflight lists the headers it may send, the reply can be read, and cookies are not allowed."""
    preflight = open_client.options("/v1/ask", headers={"Origin": origin, **ASKING})
    reply = open_client.post("/v1/search", json={"question": "ferry"}, headers={"Origin": origin})

    assert preflight.status_code == 200
    assert "POST" in preflight.headers["access-control-allow-methods"]
    assert "content-type" in preflight.headers["access-control-allow-headers"].lower()
    for each in (preflight, reply):
        assert each.headers["access-control-allow-origin"] == origin
        assert "access-control-allow-credentials" not in each.headers
        assert "Origin" in each.headers["vary"]
    assert "X-Request-Id" in reply.headers["access-control-expose-headers"]


def test_an_allowed_page_may_ask_with_the_client_of_openai(open_client: TestClient) -> None:
    """It sends a key, and headers of its own."""
    with OpenAI(api_key="unused", base_url="http://testserver/v1") as openai:
        sent = {name.lower() for name in openai.default_headers} - {"accept", "user-agent"}
    names = ", ".join(["authorization", "x-stainless-retry-count", "x-stainless-timeout", *sorted(sent)])
    wanted = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": names}

    assert "x-stainless-lang" in sent
    for path in ("/v1/chat/completions", "/v1/responses", "/v1/models", "/openwebui/v1/chat/completions"):
        assert open_client.options(path, headers={"Origin": NEWS, **wanted}).status_code == 200


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
    """Origins are compared exactly."""
    preflight = open_client.options("/v1/ask", headers={"Origin": origin, **ASKING})
    reply = open_client.post("/v1/search", json={"question": "ferry"}, headers={"Origin": origin})

    assert preflight.status_code == 403
    assert preflight.json()["error"]["code"] == "origin_not_allowed"
    assert "DATELINE" not in preflight.text
    for each in (preflight, reply):
        assert "access-control-allow-origin" not in each.headers
        assert "Origin" in each.headers["vary"]


def test_a_body_that_needs_no_preflight_is_refused(open_client: TestClient) -> None:
    """A page cannot ask with the types of a form."""
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        headers = {"Origin": "https://evil.example", "Content-Type": kind}
        assert open_client.post("/v1/ask", content=b'{"question": "ferry"}', headers=headers).status_code == 415


def test_an_error_can_be_read_by_an_allowed_page(open_client: TestClient) -> None:
    """Its widget shows the error."""
    for reply in (
        open_client.post("/v1/ask", json={}, headers={"Origin": NEWS}),
        open_client.post("/v1/ask", content=b" " * 1_000_001, headers=JSON | {"Origin": NEWS}),
        open_client.get("/v1/articles/none", headers={"Origin": NEWS}),
    ):
        assert reply.status_code in (404, 413, 422)
        assert reply.headers["access-control-allow-origin"] == NEWS


@pytest.mark.parametrize("path", ["/", "/articles", "/readyz", "/docs"])
def test_other_paths_stay_with_their_own_origin(open_client: TestClient, path: str) -> None:
    """Only `/v1/…` and the script are shared."""
    assert "access-control-allow-origin" not in open_client.get(path, headers={"Origin": NEWS}).headers
    assert open_client.get("/widget.js", headers={"Origin": NEWS}).headers["access-control-allow-origin"] == NEWS


def test_a_stream_can_be_read_by_an_allowed_page(open_client: TestClient) -> None:
    """Its headers are those of any other reply."""
    reply = open_client.post("/v1/ask", json={"question": "ferry strike", "stream": True}, headers={"Origin": NEWS})

    assert reply.headers["access-control-allow-origin"] == NEWS
    assert "event: answer.completed" in reply.text


def test_the_allowed_origins_may_frame_the_chat(open_client: TestClient) -> None:
    """Other pages cannot be framed."""
    assert f"frame-ancestors 'self' {NEWS} {LOCAL};" in open_client.get("/embed").headers["content-security-policy"]
    assert "frame-ancestors 'none'" in open_client.get("/").headers["content-security-policy"]


def test_by_default_no_other_origin_may_ask(client: TestClient) -> None:
    """The preflight is refused."""
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
    """The error has an example of a valid origin."""
    with pytest.raises(ValidationError, match=r"https://news\.example or http://localhost:3000"):
        settings_for(sample_settings.data, sample_settings.models_folder, allowed_origins=nonsense)


def test_the_default_port_is_refused(sample_settings: ServiceSettings) -> None:
    """Browsers leave it out; the error has the expected origin."""
    with pytest.raises(ValidationError, match=r"expected https://news\.example$|expected https://news\.example "):
        settings_for(sample_settings.data, sample_settings.models_folder, allowed_origins="https://news.example:443")


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/search", "/v1/feedback"])
@pytest.mark.parametrize("kind", [None, "text/plain", "application/x-www-form-urlencoded", "", "nonsense"])
def test_a_body_without_the_type_of_json_is_refused(client: TestClient, path: str, kind: str | None) -> None:
    """The reply is a 415 that names the header, the value found and the one expected."""
    headers = {} if kind is None else {"Content-Type": kind}
    reply = client.post(path, content=json.dumps(QUESTION).encode(), headers=headers)

    assert reply.status_code == 415
    error = reply.json()["error"]
    assert error["code"] == "unsupported_media_type"
    assert "Content-Type" in error["message"]
    assert "application/json" in error["message"]


@pytest.mark.parametrize("kind", ["application/json", "Application/JSON; charset=utf-8", "application/ld+json"])
def test_a_body_with_a_type_of_json_is_read(client: TestClient, kind: str) -> None:
    """The type may have any case, parameters and a `+json` suffix."""
    content = json.dumps(QUESTION).encode()

    assert client.post("/v1/search", content=content, headers={"Content-Type": kind}).status_code == 200


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_json_may_be_in_any_unicode_encoding(client: TestClient, encoding: str) -> None:
    """The JSON parser detects it."""
    content = json.dumps(QUESTION).encode(encoding)

    assert client.post("/v1/search", content=content, headers={"Content-Type": "application/json"}).status_code == 200


@pytest.mark.parametrize(("encoding", "status"), [("gzip", 415), ("br", 415), ("identity", 200)])
def test_a_compressed_body_is_refused(client: TestClient, encoding: str, status: int) -> None:
    """It is not decompressed."""
    headers = {"Content-Type": "application/json", "Content-Encoding": encoding}

    assert client.post("/v1/search", content=json.dumps(QUESTION).encode(), headers=headers).status_code == status


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_over_the_limit_is_refused(client: TestClient, *, chunked: bool) -> None:
    """The reply is a 413 with or without a declared length."""
    body = b" " * (BODY_BYTES + 1)
    content = iter([body[: BODY_BYTES // 2], body[BODY_BYTES // 2 :]]) if chunked else body
    reply = client.post("/v1/ask", content=content, headers={"Content-Type": "application/json"})

    assert reply.status_code == 413
    assert reply.json()["error"]["code"] == "too_large"


def test_a_body_within_the_limit_is_read(client: TestClient) -> None:
    """White space counts."""
    content = b'{"question": "ferry"}' + b" " * (BODY_BYTES - 30)

    assert client.post("/v1/search", content=content, headers={"Content-Type": "application/json"}).status_code == 200
