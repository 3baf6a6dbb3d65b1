"""Limits on requests: a request over a limit is refused before any work, with the same status for streams."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from service.api.admission import CLIENTS, LeavingCallers, Limits, Rate, Slots, network_of
from service.api.app import create_app, question_threads
from service.errors import Overloaded
from service.settings import ServiceSettings
from tests.samples import client_of, pipeline_of, settings_for

QUESTION = {"question": "When did the ferry strike end?"}
FEEDBACK = {"answer_id": "a", "question": "q", "answer": "a", "vote": "up"}


@pytest.fixture(scope="module")
def crowded(sample_settings: ServiceSettings) -> Iterator[TestClient]:
    """Return a client of a service without free slots."""
    app = create_app(sample_settings, pipeline_of(sample_settings))
    limits: Limits = app.state.service.limits
    for slots in (limits.questions, limits.reading, limits.feedback):
        slots.taken = slots.limit
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/ask", QUESTION),
        ("/v1/ask", QUESTION | {"stream": True}),
        ("/v1/search", QUESTION),
        ("/v1/feedback", FEEDBACK),
        ("/v1/ask", {"not": "parsed"}),
    ],
)
def test_a_post_without_a_free_slot_is_refused(crowded: TestClient, path: str, body: dict[str, object]) -> None:
    """The reply is 503 with `Retry-After`, and the body is not parsed."""
    reply = crowded.post(path, json=body)

    assert reply.status_code == 503
    assert reply.json()["error"]["code"] == "overloaded"
    assert reply.headers["retry-after"] == "1"


@pytest.mark.parametrize("path", ["/", "/articles", "/articles/a", "/v1/articles", "/v1/articles/a"])
def test_a_page_without_a_free_slot_is_refused(crowded: TestClient, path: str) -> None:
    """Pages and lists have their own slots."""
    assert crowded.get(path).status_code == 503


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/widget.js", "/page.css"])
def test_a_cheap_request_needs_no_slot(crowded: TestClient, path: str) -> None:
    """Health checks need no slot."""
    assert crowded.get(path).status_code == 200


@pytest.mark.parametrize("stream", [False, True])
def test_a_stream_that_cannot_begin_has_an_error_status(tmp_path: Path, models: Path, stream: bool) -> None:
    """Without an index, or without the reader asked for, the reply is a status and not an event."""
    settings = settings_for(tmp_path / "none", models)
    with client_of(settings) as client:
        without_index = client.post("/v1/ask", json=QUESTION | {"stream": stream})
        without_model = client.post("/v1/ask", json=QUESTION | {"stream": stream, "reader": "llm"})

    assert without_index.status_code == 503
    assert without_index.headers["retry-after"] == "1"
    assert without_index.json()["error"]["code"] == "index_unavailable"
    assert without_model.status_code == 422
    assert without_model.json()["error"]["param"] == "reader"


@pytest.mark.parametrize("body", [QUESTION, QUESTION | {"stream": True}, QUESTION | {"reader": "llm"}, {"bad": 1}])
def test_a_slot_is_free_again_after_the_reply(client: TestClient, body: dict[str, object]) -> None:
    """Answers, streams and errors all release their slot."""
    for _ in range(3):
        client.post("/v1/ask", json=body)

    assert client.app.state.service.limits.questions.taken == 0  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("method", "path", "kind"),
    [
        ("POST", "/v1/ask", "questions"),
        ("POST", "/v1/search", "questions"),
        ("POST", "/v1/feedback", "feedback"),
        ("GET", "/", "reading"),
        ("GET", "/articles/a", "reading"),
        ("GET", "/v1/articles/a", "reading"),
        ("GET", "/healthz", None),
        ("POST", "/nothing", None),
    ],
)
def test_each_kind_of_request_has_its_slots(method: str, path: str, kind: str | None) -> None:
    """Cheap requests need no slot."""
    limits = Limits(Slots(1))

    assert limits.slots_for(method, path) is (getattr(limits, kind) if kind else None)


def test_feedback_of_one_client_is_limited(client: TestClient) -> None:
    """The reply is 429 with `Retry-After`, also for invalid feedback; questions are not counted."""
    replies = [client.post("/v1/feedback", json={}) for _ in range(25)]

    assert [reply.status_code for reply in replies[:20]] == [422] * 20
    assert replies[-1].status_code == 429
    assert replies[-1].json()["error"]["code"] == "rate_limit_exceeded"
    assert int(replies[-1].headers["retry-after"]) >= 1
    assert client.post("/v1/ask", json=QUESTION).status_code == 200


def test_questions_leave_a_processor_to_the_event_loop(sample_settings: ServiceSettings) -> None:
    """CPU-bound questions leave one thread free; a question that waits for another service has its own thread."""
    computing = question_threads(sample_settings)
    waiting = settings_for(sample_settings.data, sample_settings.models_folder, chroma_url="http://127.0.0.1:1")

    assert 1 <= computing <= max(1, min(3, len(os.sched_getaffinity(0)) - 1))
    assert question_threads(waiting) == waiting.max_questions


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 5), max_size=200), st.integers(1, 10), st.sampled_from([0.1, 1.0, 7.0]))
def test_a_rate_is_never_exceeded(pauses: list[float], burst: int, per_second: float) -> None:
    """The limit in a period is the burst plus the rate times the period. The returned wait is long enough."""
    clock = Clock()
    rate = Rate(burst, per_second, clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        wait = rate.wait_s("a")
        if not wait:
            passed.append(clock.now)
        else:
            clock.now += wait + 1e-9
            assert not rate.wait_s("a")
            passed.append(clock.now)

    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + per_second * (passed[last] - start) + 1e-6


def test_one_client_does_not_use_up_the_rate_of_another() -> None:
    """Each key has a bucket, and the number of buckets is bounded."""
    rate = Rate(1, 0.001, Clock())

    assert not rate.wait_s("a")
    assert rate.wait_s("a")
    assert not rate.wait_s("b")
    for number in range(CLIENTS + 5):
        rate.wait_s(str(number))
    assert len(rate._levels) == CLIENTS


def test_the_addresses_of_one_network_are_one_client() -> None:
    """A client is a /64 of IPv6, or an address of IPv4."""
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("testclient") == "testclient"


def test_slots_are_refused_beyond_the_limit() -> None:
    """A slot is released at the end of its block."""
    slots = Slots(limit=1)

    with slots.acquire(), pytest.raises(Overloaded), slots.acquire():
        pass
    with slots.acquire():
        pass


class Question:
    """A caller that leaves when `leave` is set, and an application that replies when `reply` is."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.leave, self.asked, self.reply = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.sent: list[str] = []
        self.received: list[str] = []
        self.was_cancelled = False
        self._body: list[Message] = [{"type": "http.request", "body": b"{}", "more_body": False}]

    async def receive(self) -> Message:
        """Give the body, then wait for the caller to leave."""
        if self._body:
            return self._body.pop()
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """Note what is sent."""
        self.sent.append(message["type"])

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Begin the reply when `reply` is set, and end it when the caller has left."""
        self.received.append((await receive())["type"])
        self.asked.set()
        try:
            await self.reply.wait()
            await send({"type": "http.response.start"})
            self.received.append((await receive())["type"])
            await send({"type": "http.response.body"})
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise

    async def run(self, *events: asyncio.Event) -> "Question":
        """Ask, and set the events one after another."""
        running = asyncio.create_task(
            LeavingCallers(self.app)({"type": "http", "path": self.path}, self.receive, self.send)
        )
        await self.asked.wait()
        for event in events:
            event.set()
            for _ in range(20):
                await asyncio.sleep(0)
        await asyncio.wait_for(running, 60)
        return self


@pytest.mark.parametrize("path", ["/v1/ask", "/v1/chat/completions"])
def test_a_caller_who_leaves_ends_the_question(path: str) -> None:
    """Nothing is sent any more, and no error is raised."""

    async def story() -> "Question":
        question = Question(path)
        return await question.run(question.leave)

    question = asyncio.run(story())
    assert question.was_cancelled
    assert question.sent == []


def test_a_reply_that_has_begun_ends_itself() -> None:
    """It learns that the caller has left."""

    async def story() -> "Question":
        question = Question("/v1/ask")
        return await question.run(question.reply, question.leave)

    question = asyncio.run(story())
    assert not question.was_cancelled
    assert question.sent == ["http.response.start", "http.response.body"]
    assert question.received == ["http.request", "http.disconnect"]


def test_only_questions_end_with_their_callers() -> None:
    """A push is stored, even if its caller has left."""

    async def story() -> "Question":
        question = Question("/v1/articles:batch")
        return await question.run(question.leave, question.reply)

    question = asyncio.run(story())
    assert not question.was_cancelled
    assert question.sent == ["http.response.start", "http.response.body"]
