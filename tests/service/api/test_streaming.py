"""The event stream: keep-alive, disconnecting clients, shutdown, and errors after the first event."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import pytest
from starlette.types import Message

from index.errors import IndexUnavailable
from service.answer import AnswerDelta, Event, Started
from service.api.event_stream import EventStream, cancel
from tests.service.api.events import Received, read_events


class Caller:
    """A client that receives a stream and disconnects when the test sets `leave`."""

    def __init__(self) -> None:
        self.text = ""
        self.ended = False
        self.leave = asyncio.Event()
        self.kept_alive = asyncio.Event()

    async def receive(self) -> Message:
        await self.leave.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.body":
            self.text += message["body"].decode()
            self.ended = not message["more_body"]
            if self.text.count(": keep-alive\n\n") >= 3:
                self.kept_alive.set()

    @property
    def events(self) -> list[Received]:
        return read_events(self.text)


class Source:
    """Two events, the second after `go_on` is set; `closed` says whether the generator was closed."""

    def __init__(self, go_on: asyncio.Event | None = None, error: Exception | None = None) -> None:
        self.closed = False
        self._go_on = go_on
        self._error = error

    async def events(self) -> AsyncGenerator[Event, None]:
        try:
            yield Started("ans_1", "2026-01-01T00:00:00Z")
            if self._go_on:
                await self._go_on.wait()
            if self._error:
                raise self._error
            yield AnswerDelta("Done.")
        finally:
            self.closed = True


async def run(source: Source, caller: Caller, stopping: asyncio.Event, keep_alive_s: float = 15.0) -> None:
    events = source.events()
    stream = EventStream(await anext(events), events, "req_1", stopping, keep_alive_s)
    await asyncio.wait_for(stream({"type": "http"}, caller.receive, caller.send), 60)


def test_a_quiet_stream_is_kept_alive() -> None:
    """Comments are sent meanwhile, which clients ignore."""

    async def story() -> Caller:
        caller = Caller()
        await run(Source(caller.kept_alive), caller, asyncio.Event(), keep_alive_s=0.05)
        return caller

    caller = asyncio.run(story())
    assert caller.kept_alive.is_set()
    assert [event.name for event in caller.events] == ["answer.started", "answer.delta"]
    assert caller.ended


def test_a_stream_without_its_caller_closes_the_source() -> None:
    """The pipeline stops working on the answer."""

    async def story() -> Source:
        caller, source = Caller(), Source(asyncio.Event())
        asyncio.get_running_loop().call_later(0.05, caller.leave.set)
        await run(source, caller, asyncio.Event())
        return source

    assert asyncio.run(story()).closed


def test_a_stopping_service_ends_its_streams_with_an_error() -> None:
    """A client can distinguish it from the end of an answer."""

    async def story() -> tuple[Caller, Source]:
        caller, source, stopping = Caller(), Source(asyncio.Event()), asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, stopping.set)
        await run(source, caller, stopping)
        return caller, source

    caller, source = asyncio.run(story())
    assert caller.events[-1].name == "error"
    assert caller.events[-1].data["error"]["code"] == "shutting_down"
    assert caller.ended
    assert source.closed


@pytest.mark.parametrize(
    ("error", "code"),
    [(IndexUnavailable("it is gone"), "index_unavailable"), (RuntimeError("secret detail"), "internal")],
)
def test_an_error_in_a_stream_is_the_last_event(error: Exception, code: str) -> None:
    """It has a code; an unexpected error is logged and sent without its words."""

    async def story() -> Caller:
        caller = Caller()
        await run(Source(error=error), caller, asyncio.Event())
        return caller

    caller = asyncio.run(story())
    assert caller.events[-1].name == "error"
    assert caller.events[-1].data["error"]["code"] == code
    assert "secret" not in caller.text


def test_repeated_body_messages_do_not_block_the_event_loop() -> None:
    """The stream ends."""

    async def story() -> Caller:
        caller = Caller()

        async def receive() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        go_on = asyncio.Event()
        asyncio.get_running_loop().call_later(0.05, go_on.set)
        events = Source(go_on).events()
        stream = EventStream(await anext(events), events, "req_1", asyncio.Event())
        await asyncio.wait_for(stream({"type": "http"}, receive, caller.send), 60)
        return caller

    assert asyncio.run(story()).ended


def test_a_stream_that_fails_to_begin_closes_its_source() -> None:
    """Its head cannot be sent."""

    async def story() -> Source:
        source = Source(asyncio.Event())
        events = source.events()
        stream = EventStream(await anext(events), events, "req_1", asyncio.Event())

        async def send(message: Message) -> None:
            raise ConnectionResetError

        with pytest.raises(ConnectionResetError):
            await stream({"type": "http"}, Caller().receive, send)
        return source

    assert asyncio.run(story()).closed


async def _slow_to_end(ending: asyncio.Event, may_end: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ending.set()
        await may_end.wait()


def test_tasks_are_cancelled() -> None:
    """One waits, one failed and one is done already."""

    async def fail() -> None:
        raise RuntimeError("dropped")

    async def story() -> list[bool]:
        waiting = asyncio.create_task(asyncio.Event().wait(), name="waiting")
        tasks = [asyncio.create_task(fail()), asyncio.create_task(asyncio.sleep(0)), asyncio.create_task(_of(waiting))]
        await asyncio.sleep(0.01)
        await cancel(*tasks)
        return [task.done() for task in [*tasks, waiting]]

    async def _of(task: "asyncio.Task[bool]") -> None:
        await task

    assert asyncio.run(story()) == [True] * 4


def test_the_callers_own_cancellation_is_raised() -> None:
    """A caller that is cancelled while it cancels a task is cancelled."""

    async def story() -> None:
        ending, may_end = asyncio.Event(), asyncio.Event()
        inner = asyncio.create_task(_slow_to_end(ending, may_end))
        await asyncio.sleep(0)
        outer = asyncio.create_task(cancel(inner))
        await ending.wait()
        outer.cancel()
        with pytest.raises(asyncio.CancelledError):
            await outer
        may_end.set()
        with suppress(asyncio.CancelledError):
            await inner

    asyncio.run(story())
