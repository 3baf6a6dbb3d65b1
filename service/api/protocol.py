"""The HTTP/1.1 protocol with limits of connections, of the size and time of a request, and of slow readers.

uvicorn's h11 protocol limits only the size of an incomplete head. Refusals are problems like every error.
"""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import h11
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from service.api.errors import INVALID, Problem, problem_body
from service.api.middleware import FOR_MONITORS, REQUEST_ID, SECURITY_HEADERS

HEAD_BYTES = 16 * 1024
"""The limit of a request's first line and headers in bytes."""

LENGTHS = {b"content-length", b"transfer-encoding"}
"""Headers that say where a body ends; a request has one of them."""

PIECES = 4096
"""The limit of a body in pieces: each costs time on the event loop, and a chunk can be one byte."""

NOT_HTTP = Problem(400, INVALID, "bad_request", "The request is not valid HTTP.")
HEAD_TOO_LARGE = Problem(
    431, INVALID, "headers_too_large", f"The headers of a request have at most {HEAD_BYTES:,} bytes."
)
TOO_MANY_PIECES = Problem(413, INVALID, "too_large", f"A body comes in at most {PIECES:,} pieces.")
TOO_SLOW = Problem(408, INVALID, "too_slow", "The request did not arrive in time.")
TOO_MANY = Problem(503, "overloaded_error", "overloaded", "Too many connections are open. Try again in a second.")


CountRefusal = Callable[[str, str], None]


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The time of each step of a connection in seconds, and the number of connections.

    Beyond `connections` only monitors are answered; beyond `sockets` a connection is closed at once.
    """

    head_s: float = 10.0
    body_s: float = 30.0
    write_s: float = 30.0
    connections: int = 512
    sockets: int = 768


class _Connection(h11.Connection):
    """An h11 connection that also limits a head that came in one piece and the pieces of a body.

    `problem` says why the last event was refused.
    """

    def __init__(self) -> None:
        super().__init__(h11.SERVER, max_incomplete_event_size=HEAD_BYTES)
        self.problem = NOT_HTTP
        self._pieces = 0

    def next_event(self) -> Any:  # noqa: ANN401 - h11's events and markers
        try:
            event = super().next_event()
        except h11.RemoteProtocolError as error:
            self.problem = HEAD_TOO_LARGE if error.error_status_hint == HEAD_TOO_LARGE.status else NOT_HTTP
            raise
        if isinstance(event, h11.Request):
            self._pieces = 0
            self._refuse_if(_size(event) > HEAD_BYTES, HEAD_TOO_LARGE)
            # A proxy may take the other one for the end of the body, and the rest for another request.
            self._refuse_if({name for name, _ in event.headers} >= LENGTHS, NOT_HTTP)
        elif isinstance(event, h11.Data):
            self._pieces += 1
            self._refuse_if(self._pieces > PIECES, TOO_MANY_PIECES)
        return event

    def _refuse_if(self, is_over: bool, problem: Problem) -> None:  # noqa: FBT001
        if is_over:
            self.problem = problem
            raise h11.RemoteProtocolError(problem.message)


class GuardedProtocol(H11Protocol):
    """uvicorn's h11 protocol with limits; `count_refusal` gets the type and the code of each refusal."""

    limits = ConnectionLimits()

    def __init__(self, *args: Any, count_refusal: CountRefusal, **kwargs: Any) -> None:  # noqa: ANN401 - as uvicorn calls it
        super().__init__(*args, **kwargs)
        self._count_refusal = count_refusal
        self.conn: _Connection = _Connection()
        self._step: object = None
        self._timer: asyncio.TimerHandle | None = None
        self._write_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the timer for the head of the first request."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.sockets:
            transport.abort()
        elif len(self.connections) > self.limits.connections:
            self.app = _for_monitors(self.app, self._count_refusal)
        self._time_the_rest()

    def data_received(self, data: bytes) -> None:
        """Parse the data, and time the rest of the request."""
        super().data_received(data)
        self._time_the_rest()

    def on_response_complete(self) -> None:
        """Continue with the next request of the connection."""
        super().on_response_complete()
        self._time_the_rest()

    def connection_lost(self, exc: Exception | None) -> None:
        """Cancel the timers."""
        super().connection_lost(exc)
        for timer in (self._timer, self._write_timer):
            if timer is not None:
                timer.cancel()
        self._timer = self._write_timer = None

    def pause_writing(self) -> None:
        """Start the timer for a client that does not read its reply."""
        super().pause_writing()
        if self._write_timer is None:
            self._write_timer = self.loop.call_later(self.limits.write_s, self.transport.abort)

    def resume_writing(self) -> None:
        """Cancel the timer: the client reads."""
        super().resume_writing()
        if self._write_timer is not None:
            self._write_timer.cancel()
            self._write_timer = None

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's own message
        """Refuse a request that the parser rejects."""
        self._refuse(self.conn.problem)

    def _time_the_rest(self) -> None:
        """Time the head or body that the client has begun: all of it, not each piece."""
        seconds = None
        if self.conn.their_state is h11.SEND_BODY:
            seconds = self.limits.body_s
        elif self.conn.their_state is h11.IDLE and (self.cycle is None or self.conn.trailing_data[0]):
            seconds = self.limits.head_s
        step = (self.cycle, seconds)
        if step == self._step and self._timer is not None:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._step, self._timer = step, None
        if seconds is not None and not self.transport.is_closing():
            self._timer = self.loop.call_later(seconds, self._refuse, TOO_SLOW)

    def _refuse(self, problem: Problem) -> None:
        """Send a refusal unless a reply has begun, and close the connection."""
        if self.cycle is not None and not self.cycle.response_complete:
            # The application must not reply as well; it sees that the client has left.
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        silent = problem is TOO_SLOW and not self.conn.trailing_data[0] and self.conn.their_state is h11.IDLE
        if self.conn.our_state in (h11.IDLE, h11.SEND_RESPONSE) and not silent:
            reply = _refusal(problem)
            self._count_refusal(problem.type, problem.code)
            reason = STATUS_PHRASES[problem.status]
            head = h11.Response(status_code=problem.status, headers=reply.raw_headers, reason=reason)
            for event in (head, h11.Data(data=bytes(reply.body)), h11.EndOfMessage()):
                self.transport.write(self.conn.send(event) or b"")
        self.transport.close()


def _refusal(problem: Problem) -> JSONResponse:
    request_id = f"req_{uuid4().hex}"
    headers = SECURITY_HEADERS | {REQUEST_ID: request_id, "Connection": "close"}
    headers |= {"Retry-After": "1"} if problem is TOO_MANY else {}
    return JSONResponse(problem_body(problem, request_id), problem.status, headers)


def _for_monitors(app: ASGIApp, count_refusal: CountRefusal) -> ASGIApp:
    """Return an application that answers monitors and refuses every other request."""

    async def answer(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] in FOR_MONITORS:
            await app(scope, receive, send)
            return
        count_refusal(TOO_MANY.type, TOO_MANY.code)
        await _refusal(TOO_MANY)(scope, receive, send)

    return answer


def _size(request: h11.Request) -> int:
    fields = sum(len(name) + len(value) + 4 for name, value in request.headers)
    return len(request.method) + len(request.target) + 12 + fields
