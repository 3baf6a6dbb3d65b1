"""Answers as server-sent events: numbered, kept alive, and ended by a terminal event unless the caller leaves."""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import aclosing

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from service.answer import Event, event_data
from service.api.errors import STOPPING, error_body, problem_body

KEEP_ALIVE_S = 15.0
PAUSE_S = 0.1
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class EventStream(Response):
    """A reply that streams events until the last one, or until the caller leaves or the service stops.

    A task reads the events. It is cancelled when the caller leaves, which closes the call to the language model.
    `first` was read before the reply began, so that its errors have a status.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        first: Event,
        events: AsyncGenerator[Event, None],
        request_id: str,
        stopping: asyncio.Event,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["Content-Length"]
        self._events = events
        self._request_id = request_id
        self._stopping = stopping
        self._keep_alive_s = keep_alive_s
        self._queue: asyncio.Queue[Event | Exception | None] = asyncio.Queue()
        self._queue.put_nowait(first)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the stream."""
        reading = asyncio.create_task(self._read())
        leaving = asyncio.create_task(_left(receive))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            async with aclosing(self._encoded(leaving)) as pieces:
                async for piece in pieces:
                    await send({"type": "http.response.body", "body": piece.encode(), "more_body": True})
            if not leaving.done():
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            await cancel(reading, leaving)
            # A task that is cancelled before it begins does not close its generator.
            await self._events.aclose()

    async def _read(self) -> None:
        """Put every event, or the error that ended them, into the queue."""
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    self._queue.put_nowait(event)
        except Exception as error:  # noqa: BLE001 - becomes a terminal event, and is logged there
            self._queue.put_nowait(error)
        else:
            self._queue.put_nowait(None)

    async def _encoded(self, leaving: "asyncio.Task[None]") -> AsyncGenerator[str, None]:
        number = 0
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while True:
                getting = asyncio.create_task(self._queue.get())
                waited = {getting, leaving, stopping}
                await asyncio.wait(waited, timeout=self._keep_alive_s, return_when=asyncio.FIRST_COMPLETED)
                if not getting.done():
                    getting.cancel()
                if leaving.done():
                    return
                if getting.done() and not getting.cancelled():
                    item = getting.result()
                    if item is None:
                        return
                    yield self._block(number, item)
                elif stopping.done():
                    yield _block(number, "error", problem_body(STOPPING, self._request_id))
                    return
                else:
                    yield ": keep-alive\n\n"
                    continue
                number += 1
                if isinstance(item, Exception):
                    return
        finally:
            stopping.cancel()

    def _block(self, number: int, item: "Event | Exception") -> str:
        if isinstance(item, Exception):
            return _block(number, "error", error_body(item, self._request_id))
        return _block(number, item.type, event_data(item))


def _block(number: int, name: str, data: dict[str, object]) -> str:
    body = json.dumps({"type": name, **data}, ensure_ascii=False, separators=(",", ":"))
    return f"id: {number}\nevent: {name}\ndata: {body}\n\n"


async def _left(receive: Receive) -> None:
    """Wait until the caller leaves."""
    while True:
        if (await receive())["type"] == "http.disconnect":
            return
        # Messages that arrive without a wait must not block the event loop.
        await asyncio.sleep(PAUSE_S)


async def cancel(*tasks: "asyncio.Task[None]") -> None:
    """Cancel tasks and wait until they end; their errors are dropped.

    The caller's own cancellation is raised, which awaiting the tasks under `suppress(CancelledError)` would hide.
    """
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()
