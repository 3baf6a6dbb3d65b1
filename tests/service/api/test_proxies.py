"""The addresses in replies, behind a proxy and without one: only a trusted proxy changes them."""

import re
from collections.abc import Mapping

import pytest
from starlette.testclient import TestClient

from service.api.app import create_app, server_config
from service.settings import ServiceSettings
from tests.samples import pipeline_of, settings_for

PUBLIC = "https://ask.news.example"
QUESTION = "How much do wages rise under the ferry agreement?"
TURNS = [{"role": "user", "content": QUESTION}]
FORGED = {
    "X-Forwarded-Proto": "https",
    "X-Forwarded-Host": "evil.example",
    "X-Forwarded-Prefix": "/evil",
    "X-Forwarded-For": "198.51.100.7",
    "Forwarded": "host=evil.example;proto=https",
}
PROXY, STRANGER = "127.0.0.1", "192.0.2.9"
ADDRESSES = re.compile(r"(https?://[^/\"\s<]+)/(?:articles/|a/)")


def client_from(peer: str, settings: ServiceSettings) -> TestClient:
    """Return a client that connects from an address to the application as the server runs it."""
    config = server_config(create_app(settings, pipeline_of(settings)), "127.0.0.1", 0)
    config.load()
    return TestClient(config.loaded_app, client=(peer, 50_000))


def addresses(client: TestClient, headers: Mapping[str, str]) -> set[str]:
    """Return the beginnings of all addresses of our pages, in the replies of each surface that has absolute ones."""
    chat = {"model": "dateline-with-sources", "messages": TURNS}
    replies = [
        client.post("/v1/ask", json={"question": QUESTION}, headers=headers),
        client.post("/v1/chat/completions", json=chat, headers=headers),
        client.post("/v1/chat/completions", json={**chat, "stream": True}, headers=headers),
        client.post("/openwebui/v1/chat/completions", json={**chat, "stream": True}, headers=headers),
        client.post("/v1/responses", json={"model": "dateline", "input": QUESTION}, headers=headers),
        client.get("/articles/ferry-strike-ends", headers=headers),
    ]
    assert {reply.status_code for reply in replies} == {200}
    assert "evil" not in "".join(reply.text + str(reply.headers) for reply in replies)
    return {found for reply in replies for found in ADDRESSES.findall(reply.text)}


@pytest.fixture(autouse=True)
def default_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    """Trust only proxies on this machine, as by default."""
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)


@pytest.mark.parametrize(
    ("peer", "expected"), [(STRANGER, "http://testserver"), (PROXY, "https://testserver")], ids=["stranger", "proxy"]
)
def test_a_trusted_proxy_tells_the_scheme_and_nothing_else(
    sample_settings: ServiceSettings, peer: str, expected: str
) -> None:
    """The host is that of the request, which must be an allowed one."""
    with client_from(peer, sample_settings) as client:
        assert addresses(client, FORGED) == {expected}
        assert client.get("/articles", headers={"Host": "evil.example"}).status_code == 421


def test_the_public_address_is_used_everywhere(sample_settings: ServiceSettings) -> None:
    """For any caller and any allowed name."""
    given = settings_for(sample_settings.data, sample_settings.models_folder, public_url=f"{PUBLIC}/")
    with client_from(PROXY, given) as client:
        for headers in ({}, FORGED, {"Host": "localhost:8000"}, {"Host": "ask.news.example:99"}):
            assert addresses(client, headers) == {PUBLIC}
