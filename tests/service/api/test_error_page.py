"""Errors as browsers and as programs see them."""

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app
from service.build import build_pipeline
from service.settings import ServiceSettings

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/articles/none", 404), ("GET", "/a/b/c", 404), ("POST", "/", 405)],
)
def test_a_browser_gets_a_page_and_a_program_json(client: TestClient, method: str, path: str, status: int) -> None:
    """One status, two forms; the page leads back to the archive, is not stored and stays under the policy of pages."""
    page = client.request(method, path, headers=BROWSER)
    data = client.request(method, path, headers={"Accept": "*/*"})

    assert page.status_code == data.status_code == status
    assert page.headers["content-type"].startswith("text/html")
    assert 'href="/articles"' in page.text
    assert page.headers["cache-control"] == "no-store"
    assert "trusted-types" in page.headers["content-security-policy"]
    assert set(data.json()["error"]) == {"type", "code", "message", "param", "request_id"}
    assert page.headers.get("allow") == data.headers.get("allow")


@pytest.mark.parametrize("accepted", ["", "*/*", "application/json", "text/html;q=0", "text/htmlx"])
def test_json_is_for_everybody_who_does_not_ask_for_a_page(client: TestClient, accepted: str) -> None:
    """An `Accept` that names HTML asks for a page; a wildcard does not."""
    assert client.get("/nothing", headers={"Accept": accepted}).json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/v1/articles/none", "/v1/nothing"])
def test_the_api_answers_a_browser_in_json(client: TestClient, path: str) -> None:
    """Its errors have one shape, whoever asks."""
    assert "error" in client.get(path, headers=BROWSER).json()


def test_an_error_that_is_not_expected_is_a_page_with_a_reference(sample_settings: ServiceSettings) -> None:
    """The request id leads to the log; nothing of the error itself is shown."""
    app = create_app(sample_settings, build_pipeline(sample_settings))

    @app.get("/broken")
    async def broken() -> None:
        raise RuntimeError("secret detail")

    with TestClient(app, raise_server_exceptions=False) as client:
        reply = client.get("/broken", headers=BROWSER | {"X-Request-Id": "mine"})

    assert reply.status_code == 500
    assert reply.headers["x-request-id"] == "mine"
    assert "<code>mine</code>" in reply.text
    assert "secret" not in reply.text
    assert reply.headers["x-content-type-options"] == "nosniff"
