"""Errors as programs and browsers see them, without operator text."""

import json
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any, NoReturn

import pytest
from starlette.testclient import TestClient

import index.errors
import service.errors
from index.errors import (
    ArticleTakenDown,
    DatelineError,
    IndexDamaged,
    IndexUnavailable,
    PublisherConflict,
    StoreDamaged,
    StoreUnavailable,
)
from index.generation import Generation
from service.answer import Answer, Event, SearchResult, Started
from service.api.app import create_app
from service.api.errors import INTERNAL, PROBLEMS, error_body, problem_of
from service.errors import ReaderFailed
from service.records import Question
from service.settings import ServiceSettings
from tests.samples import client_of, pipeline_of, settings_for
from tests.scripted_llm import Reply, ScriptedLLM
from tests.service.api.events import read_events

OPERATOR = re.compile(r"/|`|[A-Z]{2,}_|dateline|openai|chroma|sqlite|http", re.IGNORECASE)
"""Operator text: paths, commands, settings, vendors."""
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SECRETS = ("/srv/secret", "DATELINE_SECRET", "`dateline secret`", "vendor says 401")
PATHS = ("/readyz", "/v1/articles", "/v1/articles/a", "/", "/articles", "/articles/a")
OF_STORES = {ArticleTakenDown, PublisherConflict, StoreDamaged, StoreUnavailable}
"""Errors of the commands for replicas: the service does not use an object store."""


def subclasses(kind: type[DatelineError]) -> set[type[DatelineError]]:
    return {kind, *(below for child in kind.__subclasses__() for below in subclasses(child))}


def test_every_error_class_is_mapped() -> None:
    """Each error class of a service has a problem, or inherits one from a class below the root."""
    ours = {
        kind
        for kind in subclasses(DatelineError)
        if kind.__module__ in (index.errors.__name__, service.errors.__name__)
    }

    assert len(ours) > 15
    for kind in ours - {DatelineError} - OF_STORES:
        assert problem_of(kind("found")) != PROBLEMS[DatelineError], kind


def test_an_error_has_its_code_and_the_request_id(caplog: pytest.LogCaptureFixture) -> None:
    """The reply has the public sentence of the code; the error's own words and its hint are logged."""
    body = error_body(IndexDamaged("the catalogue in /srv/secret is cut", "Run `dateline doctor`."), "req_1")

    assert body == {
        "error": {
            "type": "service_unavailable_error",
            "code": "index_unavailable",
            "message": PROBLEMS[IndexUnavailable].message,
            "param": None,
            "request_id": "req_1",
        }
    }
    for part in ("/srv/secret", "dateline doctor"):
        assert part in caplog.text


def test_a_public_message_is_a_sentence_without_operator_text() -> None:
    """No message has a path, setting, command or vendor."""
    messages = [problem.message for problem in PROBLEMS.values()]
    messages += [kind.public for kind in subclasses(ReaderFailed) if issubclass(kind, ReaderFailed)]

    for message in messages:
        assert message
        assert not OPERATOR.search(message), message


def test_an_unexpected_error_has_the_internal_message() -> None:
    """Its own words are not public."""
    error = error_body(RuntimeError("/srv/secret"), "req_1")["error"]

    assert error == {
        "type": INTERNAL.type,
        "code": "internal",
        "message": INTERNAL.message,
        "param": None,
        "request_id": "req_1",
    }


def test_the_api_description_declares_the_shape_of_errors(client: TestClient) -> None:
    """Every operation has it, and no operation has the framework's own shape."""
    described = client.get("/openapi.json").json()
    operations = [operation for path in described["paths"].values() for operation in path.values()]

    for operation in operations:
        schema = operation["responses"]["default"]["content"]["application/json"]["schema"]
        assert schema == {"$ref": "#/components/schemas/ErrorReply"}
        others = {each: reply for each, reply in operation["responses"].items() if each.startswith(("4", "5"))}
        assert others == {each: {"$ref": f"#/components/responses/{each}"} for each in others}
    for reply in described["components"]["responses"].values():
        assert reply["content"]["application/json"]["schema"] == {"$ref": "#/components/schemas/ErrorReply"}
    shapes = described["components"]["schemas"]
    assert set(shapes["ErrorDetail"]["properties"]) == set(client.get("/v1/nothing").json()["error"])
    assert "HTTPValidationError" not in shapes


def test_unknown_paths_and_methods_are_problems(client: TestClient) -> None:
    """The codes are `not_found` and `method_not_allowed`."""
    assert client.get("/v1/nothing").json()["error"]["code"] == "not_found"
    assert client.get("/v1/ask").json()["error"]["code"] == "method_not_allowed"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing", 404), ("GET", "/articles/none", 404), ("GET", "/a/b/c", 404), ("POST", "/", 405)],
)
def test_a_browser_gets_a_page_and_a_program_json(client: TestClient, method: str, path: str, status: int) -> None:
    """The status is the same; the page links to the archive, is not cached and has the policy of pages."""
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
def test_json_is_the_default(client: TestClient, accepted: str) -> None:
    """An `Accept` that names HTML asks for a page; a wildcard does not."""
    assert client.get("/nothing", headers={"Accept": accepted}).json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("path", ["/v1/articles/none", "/v1/nothing"])
def test_the_api_answers_a_browser_in_json(client: TestClient, path: str) -> None:
    """Errors under `/v1/` have one shape."""
    assert "error" in client.get(path, headers=BROWSER).json()


def test_an_unexpected_error_is_a_page_with_its_request_id(sample_settings: ServiceSettings) -> None:
    """The id leads to the log; the error itself is not shown."""
    app = create_app(sample_settings, pipeline_of(sample_settings))

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


WORDS, HINT = "vendor says 401 in /srv/secret", "Set DATELINE_SECRET or run `dateline secret`."


@dataclass
class Broken:
    """A pipeline that fails with an error, before its first event or after it."""

    error: DatelineError
    late: bool = False
    cache: None = None

    @property
    def library(self) -> SimpleNamespace:
        return SimpleNamespace(trouble=self.error, refresh=self._fail, pinned=self._fail, close=lambda: None)

    @asynccontextmanager
    async def pinned(self) -> AsyncIterator[Generation]:
        if self.error:
            raise self.error
        yield Generation.__new__(Generation)

    def check(self, question: Question) -> None:
        """Accept every question."""

    async def ask(self, question: Question) -> Answer:
        self._fail()

    async def search(self, question: Question) -> SearchResult:
        self._fail()

    async def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        if self.late:
            yield Started("ans_1", "2026-01-01T00:00:00Z")
        self._fail()

    async def close(self) -> None:
        """Close nothing."""

    def _fail(self) -> NoReturn:
        raise self.error


@pytest.fixture(params=sorted(subclasses(DatelineError), key=str))
def error(request: pytest.FixtureRequest) -> DatelineError:
    """An error of each class, with operator text in its words and its hint."""
    error: DatelineError = request.param.__new__(request.param, WORDS)
    error.hint = HINT
    return error


@pytest.fixture(scope="module")
def started(sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """A client of a service."""
    app = create_app(sample_settings, pipeline_of(sample_settings))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.fixture
def broken(started: TestClient, error: DatelineError, monkeypatch: pytest.MonkeyPatch) -> tuple[TestClient, Broken]:
    """A client of a service whose pipeline fails."""
    app: Any = started.app
    pipeline = Broken(error)
    monkeypatch.setattr(app.state.service, "pipeline", pipeline)
    return started, pipeline


def test_no_reply_has_operator_text(broken: tuple[TestClient, Broken], caplog: pytest.LogCaptureFixture) -> None:
    """JSON, streams and pages have the public sentence; the log has the words and the hint for the operator."""
    client, pipeline = broken
    replies = [client.get(path) for path in PATHS]
    replies += [client.post(path, json={"question": "ferry"}) for path in ("/v1/ask", "/v1/search")]
    replies.append(client.post("/v1/ask", json={"question": "ferry", "stream": True}))
    pipeline.late = True
    replies.append(client.post("/v1/ask", json={"question": "ferry", "stream": True}))

    for reply in replies:
        for secret in SECRETS:
            assert secret not in reply.text, reply.request.url
            assert secret not in json.dumps(dict(reply.headers))
    assert '"message":' in replies[-1].text
    if replies[-3].status_code >= 500:
        assert replies[-3].json()["error"]["code"] == "overloaded" or all(secret in caplog.text for secret in SECRETS)


@pytest.mark.parametrize("status", [401, 404, 429, 500])
@pytest.mark.parametrize("stream", [False, True])
def test_a_warning_has_no_words_of_the_model_service(
    sample_settings: ServiceSettings, status: int, stream: bool
) -> None:
    """It has the public sentence of its code, without the vendor's words and the settings to check."""
    with ScriptedLLM(Reply(status=status, message=WORDS)) as llm:
        settings = settings_for(
            sample_settings.data,
            sample_settings.models_folder,
            llm_model="scripted",
            openai_api_key="unused",
            openai_base_url=llm.url,
            llm_deadline_s=5.0,
        )
        with client_of(settings) as client:
            reply = client.post("/v1/ask", json={"question": "How did the ferry strike end?", "stream": stream})

    public = {kind.code: kind.public for kind in subclasses(ReaderFailed) if issubclass(kind, ReaderFailed)}
    answer = read_events(reply.text)[-1].data if stream else reply.json()
    warned = [warning for warning in answer["warnings"] if warning["code"] in public]
    assert warned
    assert all(warning["message"] == public[warning["code"]] for warning in warned)
    for part in (*SECRETS, "OPENAI", "DATELINE"):
        assert part not in reply.text
