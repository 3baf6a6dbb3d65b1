"""Rates of questions over HTTP: who is counted, what replies say, and that strangers cannot choose their address."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.api.admission import ANSWERING_PATHS, network_of
from service.api.app import create_app, server_config
from service.api.rates import subjects_of
from service.caller import ANONYMOUS, Caller
from service.keys import Grant, KeyStore
from service.metrics import Metrics
from service.settings import ServiceSettings
from tests.samples import client_of, pipeline_of, settings_for

QUESTION = {"question": "When did the ferry strike end?"}
HOME, AWAY = "127.0.0.1", "203.0.113.7"
NEWS = "https://news.example"
SECRET = Caller("dl_aaaaaaaa")
SOON_OVER = 15
"""Seconds in which the requests of a test are made."""

PAGES = Caller("dlp_aaaaaaaa", is_publishable=True)


@pytest.fixture
def within_a_minute() -> None:
    """Wait for the next minute if this one ends soon: a count of two minutes lets one more request pass."""
    left = 60 - time.time() % 60
    if left < SOON_OVER:
        time.sleep(left)


def subjects(caller: Caller, address: str, **settings: int) -> list[tuple[str, int]]:
    """Return what is counted, with limits of 5 for an address and 9 for a key."""
    given = settings_for(Path(), Path(), **{"address_per_minute": 5, "key_per_minute": 9, **settings})
    return [(subject.name, subject.per_minute) for subject in subjects_of(caller, address, given)]


def test_keys_and_addresses_are_counted() -> None:
    """An address without a key or with a publishable one; each key, by its own limit if it has one."""
    own = Caller("dl_bbbbbbbb", per_minute=2)
    assert subjects(ANONYMOUS, AWAY) == [(f"address {AWAY}", 5)]
    assert subjects(SECRET, AWAY) == subjects(SECRET, HOME) == [("key dl_aaaaaaaa", 9)]
    assert subjects(PAGES, AWAY) == [(f"address {AWAY}", 5), ("key dlp_aaaaaaaa", 9)]
    assert subjects(own, AWAY) == subjects(own, AWAY, key_per_minute=0) == [("key dl_bbbbbbbb", 2)]
    assert subjects(PAGES, AWAY, address_per_minute=0, key_per_minute=0) == []


@pytest.mark.parametrize("address", [HOME, "127.8.9.1", "::1", "::ffff:127.0.0.1", "testclient", ""])
def test_programs_on_the_machine_are_not_counted(address: str) -> None:
    """Nor is an address that is none; their keys are."""
    assert subjects(ANONYMOUS, address) == []
    assert subjects(PAGES, address) == [("key dlp_aaaaaaaa", 9)]


def test_a_network_has_one_count() -> None:
    """An IPv4 address alone, in IPv6 notation as well; the /64 network of an IPv6 address."""
    assert network_of("::ffff:203.0.113.7") == AWAY
    assert network_of("2001:db8:1:2:3::9%eth0") == network_of("2001:db8:1:2::1") == "2001:db8:1:2::/64"
    assert network_of("2001:db8:1:3::1") != network_of("2001:db8:1:2::1")


@contextmanager
def service(sample_settings: ServiceSettings, address: str, **limits: int) -> Iterator[TestClient]:
    """Yield a client at an address of a service on the sample index."""
    settings = sample_settings.model_copy(update=limits)
    app = create_app(settings, pipeline_of(settings))
    with TestClient(app, client=(address, 4000), raise_server_exceptions=False) as client:
        yield client


@pytest.mark.usefixtures("within_a_minute")
def test_replies_say_what_is_left(sample_settings: ServiceSettings) -> None:
    """Those of questions, streams, searches, errors and refusals; other replies and addresses are not concerned."""
    with service(sample_settings, AWAY, address_per_minute=5) as client:
        counted = [
            client.post("/v1/search", json=QUESTION, headers={"Origin": "http://testserver"}),
            client.post("/v1/ask", json=QUESTION | {"stream": True}),
            client.post("/v1/ask", json={}),
            client.post("/v1/ask", content="x"),
            client.post("/mcp", json={}),
            client.post("/v1/search", json=QUESTION),
        ]
        free = client.get("/v1/articles")
        near = TestClient(client.app, client=(HOME, 4000)).post("/v1/search", json=QUESTION)

    assert [reply.status_code for reply in counted] == [200, 200, 422, 415, 404, 429]
    assert {reply.headers["RateLimit-Policy"] for reply in counted} == {'"minute";q=5;w=60'}
    left = [dict(part.split("=") for part in reply.headers["RateLimit"].split(";")[1:]) for reply in counted]
    assert [int(each["r"]) for each in left] == [4, 3, 2, 1, 0, 0]
    assert all(1 <= int(each["t"]) <= 61 for each in left)
    refused = counted[-1]
    assert refused.headers["Retry-After"] == left[-1]["t"]
    assert (refused.json()["error"]["type"], refused.json()["error"]["code"]) == (
        "rate_limit_error",
        "rate_limit_exceeded",
    )
    assert refused.headers["X-Request-Id"] == refused.json()["error"]["request_id"]
    assert free.status_code == near.status_code == 200
    assert "RateLimit" not in free.headers
    assert "RateLimit" not in near.headers


def test_pages_of_other_origins_see_what_is_left(sample_settings: ServiceSettings) -> None:
    """The headers are exposed, and a refusal says whose page may read it."""
    with service(sample_settings, AWAY, address_per_minute=1, allowed_origins=(NEWS,)) as client:  # type: ignore[arg-type]
        replies = [client.post("/v1/search", json=QUESTION, headers={"Origin": NEWS}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 429]
    for reply in replies:
        assert reply.headers["Access-Control-Allow-Origin"] == NEWS
        assert {"RateLimit", "RateLimit-Policy", "Retry-After"} <= set(
            reply.headers["Access-Control-Expose-Headers"].split(", ")
        )


@pytest.mark.usefixtures("within_a_minute")
def test_a_key_has_a_limit_of_its_own(tmp_path: Path, models: Path) -> None:
    """From whatever address, and no other key's; a request that is refused for its key is not counted."""
    store = KeyStore(tmp_path)
    keys = [store.create(cast("Any", Grant)(name, per_minute=limit))[0] for name, limit in (("a", 1), ("b", None))]
    with client_of(settings_for(tmp_path, models)) as client:

        def left(key: str) -> tuple[int, str | None]:
            reply = client.post("/v1/search", json=QUESTION, headers={"Authorization": f"Bearer {key}"})
            return reply.status_code, reply.headers.get("RateLimit-Policy")

        found = [left(key) for key in (keys[0], keys[0], keys[1], "dl_" + "a" * 52)]
    assert found == [(503, '"minute";q=1;w=60'), (429, '"minute";q=1;w=60'), (503, '"minute";q=300;w=60'), (401, None)]


def test_every_path_that_answers_questions_is_counted() -> None:
    """The tools of the Model Context Protocol as well."""
    assert {"/v1/ask", "/v1/search", "/v1/chat/completions", "/v1/responses", "/mcp"} <= ANSWERING_PATHS


@pytest.mark.parametrize(
    ("peer", "forwarded", "seen"),
    [
        (AWAY, "198.51.100.1", AWAY),
        (AWAY, HOME, AWAY),
        (AWAY, "198.51.100.1, 127.0.0.1", AWAY),
        (HOME, "198.51.100.1", "198.51.100.1"),
        (HOME, "127.0.0.1, 198.51.100.1", "198.51.100.1"),
        (HOME, None, HOME),
    ],
)
def test_only_a_trusted_proxy_says_who_asks(
    peer: str, forwarded: str | None, seen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stranger's `X-Forwarded-For` is ignored, also behind a proxy that appends to it."""
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    clients: list[tuple[str, int]] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - an ASGI application
        clients.append(scope["client"])

    vars(app)["state"] = SimpleNamespace(service=SimpleNamespace(metrics=Metrics()))
    config = server_config(cast("FastAPI", app), HOME, 0)
    config.load()
    headers = [(b"x-forwarded-for", forwarded.encode())] if forwarded else []
    scope = {"type": "http", "client": (peer, 4000), "scheme": "http", "headers": headers}
    asyncio.run(cast("Any", config.loaded_app)(scope, None, None))
    assert [address for address, _ in clients] == [seen]
