"""Which pages of other hosts may ask: those of the allowed origins, compared exactly, and without anybody's cookies."""

import logging

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.problems import Problem, problem_body
from service.api.request_id import request_id_of

logger = logging.getLogger("dateline")

NOT_ALLOWED = Problem(
    403, "permission_error", "origin_not_allowed", "Pages of this origin may not ask here. Ask the service's operator."
)
ALLOWED = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, X-Request-Id",
    "Access-Control-Max-Age": "600",
}
EXPOSED = "X-Request-Id, Retry-After"


class Origins:
    """Cross-origin replies for `/v1/…` and `/widget.js`; every other path stays with its own origin."""

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        self._app = app
        self._allowed = frozenset(allowed)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a preflight, or pass a request on and say whether its origin may read the reply."""
        if scope["type"] != "http" or not _is_shared(scope["path"]):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("Origin")
        allowed = origin in self._allowed

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply = MutableHeaders(scope=message)
                reply.add_vary_header("Origin")
                reply.update(_readable(origin) if origin is not None and allowed else {})
            await send(message)

        if scope["method"] == "OPTIONS" and "Access-Control-Request-Method" in headers and origin is not None:
            reply = Response(status_code=204, headers=ALLOWED) if allowed else _refusal(scope, origin)
            await reply(scope, receive, send_with_origin)
        else:
            await self._app(scope, receive, send_with_origin)


def headers_for(request: HTTPConnection, allowed: tuple[str, ...]) -> dict[str, str]:
    """The headers by which the page that asks may read a reply, where the middleware does not see that reply."""
    if not _is_shared(request.url.path):
        return {}
    origin = request.headers.get("Origin")
    return {"Vary": "Origin"} | (_readable(origin) if origin is not None and origin in allowed else {})


def _is_shared(path: str) -> bool:
    return path.startswith("/v1/") or path == "/widget.js"


def _readable(origin: str) -> dict[str, str]:
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": EXPOSED}


def _refusal(scope: Scope, origin: str) -> Response:
    request_id = request_id_of(HTTPConnection(scope))
    logger.info("%r is not in DATELINE_ALLOWED_ORIGINS", origin[:200])
    return JSONResponse(problem_body(NOT_ALLOWED, request_id), NOT_ALLOWED.status)
