"""A reply as server-sent events: kept alive, and ended by a terminal event unless the caller leaves."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.answer import Completed, Event, event_data
from service.api.errors import STOPPING, error_body, problem_body

KEEP_ALIVE_S = 15.0
PAUSE_S = 0.1
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class EventWriter(Protocol):
    """Writes the events of one reply, in their order, as texts of an event stream."""

    def event(self, event: Event) -> str:
        """Return the text of the next event; it may be empty."""

    def error(self, body: dict[str, object]) -> str:
        """Return the text of the error that ends the stream."""


class NumberedEvents:
    """Writes events with their number and name, as `/v1/ask` sends them."""

    def __init__(self) -> None:
        self._number = 0

    def event(self, event: Event) -> str:
        """Return the text of the next event."""
        return self._text(event.type, event_data(event))

    def error(self, body: dict[str, object]) -> str:
        """Return the text of the error that ends the stream."""
        return self._text("error", body)

    def _text(self, name: str, data: dict[str, object]) -> str:
        text = f"id: {self._number}\nevent: {name}\ndata: {to_line({'type': name, **data})}\n\n"
        self._number += 1
        return text


def to_line(data: object) -> str:
    """Return JSON values as compact JSON on one line."""
    return json.dumps(data, ensure_ascii=False, separators=(",", ":"))


class EventStream(Response):
    """A reply that streams events until the last one, or until the caller leaves or the service stops.

    A task reads the events. It is cancelled when the caller leaves, which closes the call to the language model.
    `first` was read before the reply began, so that its errors have a status. `writer` writes the events.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        first: Event,
        events: AsyncGenerator[Event, None],
        request_id: str,
        stopping: asyncio.Event,
        keep_alive_s: float = KEEP_ALIVE_S,
        writer: EventWriter | None = None,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["Content-Length"]
        self._events = events
        self._request_id = request_id
        self._stopping = stopping
        self._keep_alive_s = keep_alive_s
        # Texts to send, each with whether more follows; None when the caller has left.
        self._queue: asyncio.Queue[tuple[str, bool] | None] = asyncio.Queue()
        self._writer = writer or NumberedEvents()
        self._put(self._writer.event(first))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the stream."""
        tasks = [asyncio.create_task(each) for each in (self._read(), self._stop(), self._leave(receive))]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            more = True
            while more and (piece := await self._next()):
                text, more = piece
                await send({"type": "http.response.body", "body": text.encode(), "more_body": more})
        finally:
            await cancel(*tasks)
            # A task that is cancelled before it begins does not close its generator.
            await self._events.aclose()

    def _put(self, text: str, *, more: bool = True) -> None:
        if text or not more:
            self._queue.put_nowait((text, more))

    async def _next(self) -> tuple[str, bool] | None:
        try:
            async with asyncio.timeout(self._keep_alive_s):
                return await self._queue.get()
        except TimeoutError:
            return ": keep-alive\n\n", True

    async def _read(self) -> None:
        """Put every event into the queue, and the error that ended them."""
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    self._put(self._writer.event(event), more=not isinstance(event, Completed))
        except Exception as error:  # noqa: BLE001 - becomes a terminal event, and is logged there
            self._put(self._writer.error(error_body(error, self._request_id)), more=False)
        else:
            self._put("", more=False)

    async def _stop(self) -> None:
        await self._stopping.wait()
        self._put(self._writer.error(problem_body(STOPPING, self._request_id)), more=False)

    async def _leave(self, receive: Receive) -> None:
        while True:
            if (await receive())["type"] == "http.disconnect":
                self._queue.put_nowait(None)
                return
            # Messages that arrive without a wait must not block the event loop.
            await asyncio.sleep(PAUSE_S)


async def cancel(*tasks: "asyncio.Task[Any]") -> None:
    """Cancel tasks and wait until they end; their errors are dropped.

    The caller's own cancellation is raised, which awaiting the tasks under `suppress(CancelledError)` would hide.
    """
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()
