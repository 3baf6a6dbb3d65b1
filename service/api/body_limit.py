"""The body limit: a request of more than a megabyte is refused, whatever its Content-Length says."""

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import Problem, problem_body
from service.api.request_id import request_id_of

LIMIT = 1_000_000
"""Bytes of a request's body."""

TOO_LARGE = Problem(413, "invalid_request_error", "too_large", f"A body has at most {LIMIT:,} bytes.")


class BodyLimit:
    """Counts the bytes of every body as they come in."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it once its body is over the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        declared = Headers(scope=scope).get("Content-Length", "")
        if declared.isdigit() and int(declared) > LIMIT:
            await _refuse(scope, receive, send)
            return
        counted = _Counted(receive, send)
        await self._app(scope, counted.receive, counted.send)
        if counted.over and not counted.started:
            await _refuse(scope, receive, send)


class _Counted:
    """Counts what comes in; once that is too much, nothing more comes in, and only a refusal goes out."""

    def __init__(self, receive: Receive, send: Send) -> None:
        self._receive = receive
        self._send = send
        self._read = 0
        self.started = False

    @property
    def over(self) -> bool:
        """Whether more than the limit was read."""
        return self._read > LIMIT

    async def receive(self) -> Message:
        """The next message, or the end of the body where it is over the limit."""
        message = await self._receive()
        self._read += len(message.get("body", b""))
        return {"type": "http.request", "body": b"", "more_body": False} if self.over else message

    async def send(self, message: Message) -> None:
        """Pass a reply on, unless it is one to half a body."""
        if not self.over or self.started:
            self.started = True
            await self._send(message)


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    request_id = request_id_of(HTTPConnection(scope))
    body = problem_body(TOO_LARGE, request_id)
    await JSONResponse(body, TOO_LARGE.status, {"Connection": "close"})(scope, receive, send)
