"""The body limit: a body is read to its end before anything is done with it, and refused once it is too large."""

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
    """Reads bodies up to the limit; the app gets a body whole or not at all."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its body, or refuse it as soon as the body is over the limit."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        body = bytearray()
        declared = Headers(scope=scope).get("Content-Length", "")
        over, more = declared.isdigit() and int(declared) > LIMIT, True
        while more and not over:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            over, more = len(body) > LIMIT, message.get("more_body", False)
        if over:
            await _refuse(scope, receive, send)
        else:
            await self._app(scope, _Replay(bytes(body), receive).receive, send)


class _Replay:
    """Gives a body that was read already, and then whatever else comes: the client's leaving."""

    def __init__(self, body: bytes, receive: Receive) -> None:
        self._message: Message | None = {"type": "http.request", "body": body, "more_body": False}
        self._receive = receive

    async def receive(self) -> Message:
        """Return the body once, and from then on the server's own messages."""
        message, self._message = self._message, None
        return message or await self._receive()


async def _refuse(scope: Scope, receive: Receive, send: Send) -> None:
    body = problem_body(TOO_LARGE, request_id_of(HTTPConnection(scope)))
    await JSONResponse(body, TOO_LARGE.status, {"Connection": "close"})(scope, receive, send)
