"""Access: the need of each route, the caller of a request, and the replies to unknown callers."""

import logging
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.testclient import TestClient

from index.errors import ConfigurationError
from index.records import Filters
from service.api.access import INGEST, METRICS, NEEDS, AccessRules, Need, need_of
from service.api.app import create_app
from service.caller import ANONYMOUS, SCOPES, Caller, Scope
from service.errors import KeyForbidden, KeyInvalid, OriginForbidden, PushOff
from service.keys import FRESH_S, Grant, KeyRing, KeyStore
from service.settings import ServiceSettings
from tests.samples import client_of, pipeline_of, settings_for

NEWS = "https://news.example"
SECRET = "correct-horse-battery"
DUMMIES = ["", "Bearer sk-none", "Bearer dateline", "Basic ZHVtbXk6", "bearer", "Bearer  "]
ROUTES = sorted(NEEDS)
UNKNOWN = "dl_" + "a" * 52


class Rules:
    """Access rules of a service with keys; `ticks` moves on so that each change is seen."""

    def __init__(self, data: Path, **settings: object) -> None:
        self.ticks = 0.0
        self.store = KeyStore(data)
        self.rules = AccessRules(settings_for(data, data, **settings), KeyRing(self.store, lambda: self.ticks))

    def key(self, *scopes: Scope, **more: object) -> str:
        """Create a key; a publishable one if it has origins."""
        self.ticks += FRESH_S
        kind = "publishable" if "origins" in more else "secret"
        return self.store.create(cast("Any", Grant)("key", frozenset(scopes), kind=kind, **more))[0]

    def caller(self, route: str, key: str | None = None, **headers: str) -> Caller:
        """Return who sends a request with this key."""
        method, _, path = route.partition(" ")
        given = {"Host": "ask.example", **headers} | ({} if key is None else {"Authorization": f"Bearer {key}"})
        return self.rules.caller(method, re.sub(r"{.*?}", "x", path), Headers(given))


@pytest.fixture
def keyed(tmp_path: Path) -> Rules:
    """Rules of a service on loopback where a key exists."""
    made = Rules(tmp_path)
    made.key("ask")
    return made


def served(routes: Iterable[Any]) -> Iterator[str]:
    """Yield the method and path of each route, also of routers inside and of mounted applications."""
    for route in routes:
        if router := getattr(route, "original_router", None):
            yield from served(router.routes)
        else:
            for method in (getattr(route, "methods", None) or {"GET", "POST"}) - {"HEAD"}:
                yield f"{method} {re.sub(r'{[a-z_]+', '{', route.path)}"


def test_every_route_has_a_need(client: TestClient) -> None:
    """The table says what each route of the application needs, with the path that the router has."""
    routes = set(served(cast("Any", client.app).routes))
    named = {re.sub(r"{[a-z_]+", "{", route) for route in NEEDS}

    assert len(routes) > 20
    assert routes - named == set()


@pytest.mark.parametrize("route", ROUTES)
def test_a_route_takes_the_keys_of_its_scopes_and_no_other(keyed: Rules, route: str) -> None:
    """Each single scope is tried, no key, and an unknown key."""
    need: Need = NEEDS[route]
    if need == "public":
        assert keyed.caller(route) == keyed.caller(route, UNKNOWN) == Caller()
        return
    wanted = {"ask", "search"} if need == "page" else need
    for none in (None, UNKNOWN, "", "sk-none"):
        with pytest.raises(KeyInvalid):
            keyed.caller(route, none)
    for scope in SCOPES:
        key = keyed.key(scope)
        if scope in wanted:
            assert keyed.caller(route, key).scopes == {scope}
        else:
            with pytest.raises(KeyForbidden):
                keyed.caller(route, key)


@pytest.mark.parametrize("route", ROUTES)
def test_without_keys_everybody_reads_on_loopback_and_nobody_writes(tmp_path: Path, route: str) -> None:
    """A placeholder or a key of another service is ignored; a text that begins like our keys must be one."""
    rules, need = Rules(tmp_path), NEEDS[route]
    for dummy in DUMMIES:
        if need == INGEST:
            with pytest.raises(PushOff):
                rules.caller(route, Authorization=dummy)
        elif need == METRICS:
            with pytest.raises(KeyInvalid):
                rules.caller(route, Authorization=dummy)
        else:
            assert rules.caller(route, Authorization=dummy) == (Caller() if need == "public" else ANONYMOUS)
    if need != "public":
        with pytest.raises(KeyInvalid):
            rules.caller(route, UNKNOWN)


def test_the_first_key_closes_the_service_and_revoking_it_does_not_open_it(tmp_path: Path) -> None:
    """`DATELINE_ALLOW_ANONYMOUS` opens it; a key counts there too."""
    rules = Rules(tmp_path)
    assert rules.caller("POST /v1/ask") == ANONYMOUS
    key = rules.key("search", bounds=Filters(tags=("x",)))
    with pytest.raises(KeyInvalid):
        rules.caller("POST /v1/ask")
    rules.store.revoke(key[:11])
    rules.ticks += FRESH_S
    for given in (None, key):
        with pytest.raises(KeyInvalid):
            rules.caller("POST /v1/search", given)

    flagged = Rules(tmp_path, allow_anonymous=True)
    bound = flagged.key("search", bounds=Filters(tags=("x",)))
    assert flagged.caller("POST /v1/search") == ANONYMOUS
    assert flagged.caller("POST /v1/search", bound).bounds == Filters(tags=("x",))
    with pytest.raises(KeyInvalid):
        flagged.caller("POST /v1/search", key)
    with pytest.raises(KeyForbidden):
        flagged.caller("POST /v1/ask", bound)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1", "news.internal"])
def test_beyond_loopback_a_start_needs_a_key_or_the_flag(tmp_path: Path, host: str) -> None:
    """Without them it is refused, and no request would pass."""
    rules = Rules(tmp_path, host=host)
    with pytest.raises(ConfigurationError):
        rules.rules.check_address()
    with pytest.raises(KeyInvalid):
        rules.caller("POST /v1/ask")
    Rules(tmp_path, host=host, allow_anonymous=True).rules.check_address()
    rules.key("ask")
    rules.rules.check_address()


def test_the_push_secret_is_one_more_key_of_scope_ingest(tmp_path: Path) -> None:
    """It neither closes reading nor permits it."""
    rules = Rules(tmp_path, push_secret=SECRET)
    assert rules.caller("PUT /v1/articles/{id}", SECRET).scopes == {"ingest"}
    assert rules.caller("POST /v1/ask") == ANONYMOUS
    with pytest.raises(KeyForbidden):
        rules.caller("POST /v1/ask", SECRET)
    for wrong in (None, SECRET + "x", SECRET[:-1], ""):
        with pytest.raises(KeyInvalid):
            rules.caller("PUT /v1/articles/{id}", wrong)
    assert rules.caller("PUT /v1/articles/{id}", rules.key("ingest")).scopes == {"ingest"}


ORIGINS = [
    ({"Origin": NEWS}, True, True),
    ({"Origin": "https://ask.example"}, True, True),
    ({"Origin": "http://ask.example"}, True, True),
    ({"Origin": "https://public.example"}, True, True),
    ({}, True, False),
    ({"Origin": "https://evil.example"}, False, False),
    ({"Origin": "https://news.example.evil.example"}, False, False),
    ({"Origin": "null"}, False, False),
    ({"Origin": ""}, False, False),
]


@pytest.mark.parametrize(("headers", "gets", "posts"), ORIGINS)
def test_a_publishable_key_works_on_its_pages_and_on_ours(
    tmp_path: Path, headers: dict[str, str], gets: bool, posts: bool
) -> None:
    """A browser sends no origin with a page that it opens, but with everything that it posts."""
    rules = Rules(tmp_path, public_url="https://public.example/")
    key = rules.key("ask", origins=(NEWS,))
    for route, allowed in (("GET /v1/articles/{id}", gets), ("POST /v1/ask", posts)):
        if allowed:
            assert rules.caller(route, key, **headers).scopes == {"ask"}
        else:
            with pytest.raises(OriginForbidden):
                rules.caller(route, key, **headers)


def test_the_pages_have_a_key_of_their_own(tmp_path: Path) -> None:
    """Its conditions apply to them, also where no key is needed; once it is revoked they are closed."""
    bounds = Filters(sections=("Sport",))
    key = Rules(tmp_path).key("ask", origins=(NEWS,), bounds=bounds)
    for more in ({}, {"allow_anonymous": True}):
        rules = Rules(tmp_path, pages_key=key, **more)
        assert rules.caller("GET /articles").bounds == rules.caller("GET /a/{token:path}").bounds == bounds
        assert rules.caller("GET /articles", rules.key("search")).bounds == Filters()
    rules.store.revoke(key[:12])
    rules.ticks += FRESH_S
    with pytest.raises(KeyInvalid):
        rules.caller("GET /")


def test_an_unknown_path_needs_a_key_and_then_finds_nothing(keyed: Rules) -> None:
    """Strangers cannot tell which paths exist."""
    for route in ("GET /nothing", "GET /v1/ask", "OPTIONS /v1/ask", "POST /v1/ask/"):
        with pytest.raises(KeyInvalid):
            keyed.caller(route)
        assert keyed.caller(route, keyed.key("metrics")).scopes == {"metrics"}
        assert need_of(*route.split(" ")) is None


@contextmanager
def service(sample: ServiceSettings, data: Path, **more: object) -> Iterator[TestClient]:
    """A service on the sample index whose keys are in another folder."""
    settings = settings_for(sample.data, sample.models_folder, **more).model_copy(update={"data": data})
    # Without its lifespan: nothing here needs the index to be watched.
    yield TestClient(create_app(settings, pipeline_of(sample)), raise_server_exceptions=False)


def bearer(key: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {key}"}


QUESTION = {"question": "When did the ferry strike end?"}


def test_a_stranger_learns_what_is_missing(sample_settings: ServiceSettings, tmp_path: Path) -> None:
    """The status is 401 without a key and 403 with another; the body is not read."""
    store = KeyStore(tmp_path)
    key, _ = store.create(Grant("CMS", frozenset({"ingest"})))
    with service(sample_settings, tmp_path) as client:
        unknown = client.post("/v1/ask", content=b"{" * 2_000_000)
        forbidden = client.post("/v1/ask", json=QUESTION, headers=bearer(key))
        in_query = client.get("/v1/articles/x", params={"key": key, "api_key": key, "access_token": key})
        shown = client.get("/articles", headers={"Accept": "text/html"})
        data = client.get("/articles")

    assert [reply.status_code for reply in (unknown, forbidden, in_query, shown, data)] == [401, 403, 401, 401, 401]
    assert (unknown.json()["error"]["type"], unknown.json()["error"]["code"]) == (
        "authentication_error",
        "invalid_api_key",
    )
    assert (forbidden.json()["error"]["type"], forbidden.json()["error"]["code"]) == (
        "permission_error",
        "insufficient_scope",
    )
    for reply in (unknown, in_query, shown, data):
        assert reply.headers["WWW-Authenticate"] == "Bearer"
        assert reply.headers["X-Request-Id"]
    assert "WWW-Authenticate" not in forbidden.headers
    assert shown.headers["Content-Type"].startswith("text/html")
    assert shown.headers["Cache-Control"] == "no-store"
    assert 'href="/articles"' not in shown.text.partition("<main")[2]


def test_a_missing_file_of_keys_closes_a_running_service(sample_settings: ServiceSettings, tmp_path: Path) -> None:
    """It is not open as it would be without keys; pages that show no article stay."""
    store = KeyStore(tmp_path)
    key, _ = store.create(Grant("app"))
    with service(sample_settings, tmp_path) as client:
        state = cast("Any", client.app).state.service
        assert client.get("/v1/nothing", headers=bearer(key)).status_code == 404
        store.path.unlink()
        state.access._keys._ticks = lambda: 1e12
        replies = [client.get(path, headers=given) for path in ("/", "/v1/articles") for given in ({}, bearer(key))]
        health = client.get("/healthz")

    assert {(reply.status_code, reply.json()["error"]["code"]) for reply in replies} == {(503, "keys_unavailable")}
    assert all("keys.db" not in reply.text for reply in replies)
    assert health.status_code == 200


def test_a_key_is_in_no_log_and_no_reply(
    sample_settings: ServiceSettings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Valid, revoked, without the scope, in an error inside, in the query: only its first characters are named."""
    caplog.set_level(logging.DEBUG)
    store = KeyStore(tmp_path)
    live, revoked, other = (store.create(Grant(name)) for name in ("live", "revoked", "other"))
    shown, _ = store.create(Grant("web", frozenset({"ask"}), kind="publishable", origins=(NEWS,)))
    store.revoke(revoked[1].id)
    replies = []
    with service(sample_settings, tmp_path, push_secret=SECRET) as client:
        client.app.state.service.pipeline = None  # type: ignore[attr-defined]
        for key in (live[0], revoked[0], other[0], shown, SECRET, UNKNOWN):
            for method, path in (("POST", "/v1/ask"), ("PUT", "/v1/articles/a"), ("GET", "/articles"), ("GET", "/x")):
                headers = {**bearer(key), "Origin": "https://evil.example"}
                replies.append(client.request(method, path, json=QUESTION, headers=headers, params={"key": key}))

    statuses = {reply.status_code for reply in replies}
    said = caplog.text + "".join(reply.text + str(reply.headers) for reply in replies)
    ours = "".join(record.getMessage() + str(record.exc_text) for record in caplog.records if record.name == "dateline")
    assert {401, 403, 404, 500} <= statuses
    for key in (live[0], revoked[0], other[0], shown, SECRET, UNKNOWN):
        assert key not in ours
        assert key not in "".join(reply.text + str(reply.headers) for reply in replies)
        assert f"Bearer {key}" not in said


def test_pages_of_a_publishable_key_may_ask(sample_settings: ServiceSettings, tmp_path: Path) -> None:
    """Their origin needs no setting; a preflight has no key."""
    key, _ = KeyStore(tmp_path).create(
        Grant("web", frozenset({"ask"}), Filters(tags=("none-such",)), kind="publishable", origins=(NEWS,))
    )
    asking = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,content-type"}
    with service(sample_settings, tmp_path, pages_key=key) as client:
        preflight = client.options("/v1/ask", headers={"Origin": NEWS, **asking})
        foreign = client.options("/v1/ask", headers={"Origin": "https://evil.example", **asking})
        reply = client.post("/v1/feedback", json={}, headers={"Origin": NEWS, **bearer(key)})
        refused = client.post("/v1/feedback", json={}, headers=bearer(key))
        frame = client.get("/embed")
        home = client.get("/")

    assert (preflight.status_code, foreign.status_code) == (200, 403)
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (422, NEWS)
    assert (refused.status_code, refused.json()["error"]["code"]) == (403, "origin_not_allowed")
    assert f"frame-ancestors 'self' {NEWS};" in frame.headers["content-security-policy"]
    assert f'data-key="{key}"' in home.text
    assert f'data-key="{key}"' in frame.text


def test_only_a_publishable_key_is_shown_on_pages(sample_settings: ServiceSettings) -> None:
    """A secret key in its setting is refused, and not repeated."""
    with pytest.raises(ValueError, match="dlp_") as refused:
        settings_for(sample_settings.data, sample_settings.models_folder, pages_key=SecretStr(UNKNOWN))
    assert UNKNOWN not in str(refused.value)


def test_where_keys_are_needed_the_pages_for_developers_say_so(
    sample_settings: ServiceSettings, tmp_path: Path
) -> None:
    """The commands to copy have the key; where none is needed, they do not."""
    with client_of(sample_settings) as client:
        open_page = client.get("/developers").text
    KeyStore(tmp_path).create(Grant("app"))
    with service(sample_settings, tmp_path) as client:
        closed_page, description = client.get("/developers").text, client.get("/openapi.json").json()

    assert "DATELINE_KEY" not in open_page
    assert "DATELINE_KEY" in closed_page
    assert description["paths"]["/v1/ask"]["post"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in description["paths"]["/healthz"]["get"]
    assert (open_page.count("data-key="), closed_page.count("data-key=")) == (0, 2)
