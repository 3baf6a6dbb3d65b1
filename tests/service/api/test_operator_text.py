"""Operator text stays in the log: no path, setting, command or vendor's words in a reply, whatever fails."""

import json
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import SimpleNamespace
from typing import NoReturn

import pytest
from starlette.testclient import TestClient

from index.errors import DatelineError
from index.generation import Generation
from service.answer import Answer, Event, SearchResult, Started
from service.api.app import create_app
from service.build import build_pipeline
from service.errors import ReaderFailed
from service.records import Question
from service.settings import ServiceSettings
from tests.scripted_llm import Reply, ScriptedLLM
from tests.service.api.events import read_events
from tests.service.api.test_problems import subclasses
from tests.service.conftest import settings_for

SECRETS = ("/srv/secret", "DATELINE_SECRET", "`dateline secret`", "vendor says 401")
WORDS, HINT = "vendor says 401 in /srv/secret", "Set DATELINE_SECRET or run `dateline secret`."
PATHS = ("/readyz", "/v1/articles", "/v1/articles/a", "/", "/articles", "/articles/a")


@dataclass
class Broken:
    """A pipeline that fails with an error, before its first event or after it."""

    error: DatelineError
    late: bool = False

    @property
    def library(self) -> SimpleNamespace:
        return SimpleNamespace(trouble=self.error, refresh=self._fail, pinned=self._fail, close=lambda: None)

    @asynccontextmanager
    async def pinned(self) -> AsyncIterator[Generation]:
        if self.error:
            raise self.error
        yield Generation.__new__(Generation)

    def check(self, question: Question) -> None:
        """Take every question."""

    async def ask(self, question: Question) -> Answer:
        self._fail()

    async def search(self, question: Question) -> SearchResult:
        self._fail()

    async def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        if self.late:
            yield Started("ans_1", "2026-01-01T00:00:00Z")
        self._fail()

    async def close(self) -> None:
        """Hold nothing."""

    def _fail(self) -> NoReturn:
        raise self.error


@pytest.fixture(params=sorted(subclasses(DatelineError), key=str))
def error(request: pytest.FixtureRequest) -> DatelineError:
    """An error of each class, with operator text in its words and its hint."""
    error: DatelineError = request.param.__new__(request.param, WORDS)
    error.hint = HINT
    return error


@pytest.fixture
def broken(sample_settings: ServiceSettings, error: DatelineError) -> Iterator[tuple[TestClient, Broken]]:
    """A client of a service whose pipeline fails."""
    app = create_app(sample_settings, build_pipeline(sample_settings))
    pipeline = Broken(error)
    app.state.service.pipeline = pipeline
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client, pipeline


def test_no_reply_has_operator_text(broken: tuple[TestClient, Broken], caplog: pytest.LogCaptureFixture) -> None:
    """JSON, streams and pages alike; the log has the words and the hint of what is the operator's to fix."""
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
def test_no_answer_warns_in_the_words_of_the_model_s_service(
    sample_settings: ServiceSettings, status: int, stream: bool
) -> None:
    """A warning has the public sentence of its code; the service's own words and the settings to check do not leave."""
    with ScriptedLLM(Reply(status=status, message=WORDS)) as llm:
        settings = settings_for(
            sample_settings.data,
            sample_settings.models_folder,
            llm_model="scripted",
            openai_api_key="unused",
            openai_base_url=llm.url,
            llm_deadline_s=5.0,
        )
        with TestClient(create_app(settings, build_pipeline(settings)), raise_server_exceptions=False) as client:
            reply = client.post("/v1/ask", json={"question": "How did the ferry strike end?", "stream": stream})

    public = {kind.code: kind.public for kind in subclasses(ReaderFailed) if issubclass(kind, ReaderFailed)}
    answer = read_events(reply.text)[-1].data if stream else reply.json()
    warned = [warning for warning in answer["warnings"] if warning["code"] in public]
    assert warned
    assert all(warning["message"] == public[warning["code"]] for warning in warned)
    for part in (*SECRETS, "OPENAI", "DATELINE"):
        assert part not in reply.text
