"""Request ids: the caller's, if it is plain, else one of ours; on every reply and in every error."""

import logging
import re
from contextvars import ContextVar
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.request_id import request_id as current

HEADER = "X-Request-Id"
_CURRENT: ContextVar[str] = ContextVar("request_id", default="-")
_PLAIN = re.compile(r"[A-Za-z0-9._:-]{1,128}")


class RequestIds:
    """Gives every request an id and puts it on the reply."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on with its id."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        given = Headers(scope=scope).get(HEADER, "")
        request_id = given if _PLAIN.fullmatch(given) else f"req_{uuid4().hex}"
        scope.setdefault("state", {})["request_id"] = request_id
        _CURRENT.set(request_id)
        current.set(request_id)

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)[HEADER] = request_id
            await send(message)

        await self._app(scope, receive, send_with_id)


def request_id_of(request: HTTPConnection) -> str:
    """The id of a request."""
    request_id: str = getattr(request.state, "request_id", "")
    return request_id


class RequestIdOfLine(logging.Filter):
    """Gives each line of the log the id of the request it is about, so that its format can have it."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Let every line through."""
        record.request_id = _CURRENT.get()
        return True
