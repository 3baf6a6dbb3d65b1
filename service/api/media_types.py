"""Which bodies are read: JSON, as it is."""

from email.message import Message as Header

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import Problem, problem_body
from service.api.request_id import request_id_of


class MediaTypes:
    """Refuses what is posted to `/v1/…` unless it says that it is JSON.

    A body without a type is refused as well: any page can send one from its reader's browser, without a preflight.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 415."""
        fault = _fault(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        if fault is None or not scope["path"].startswith("/v1/"):
            await self._app(scope, receive, send)
            return
        problem = Problem(415, "invalid_request_error", "unsupported_media_type", fault)
        body = problem_body(problem, request_id_of(HTTPConnection(scope)))
        await JSONResponse(body, problem.status, {"Accept": "application/json"})(scope, receive, send)


def _fault(scope: Scope) -> str | None:
    headers = Headers(scope=scope)
    encoding = headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() not in ("identity", ""):
        return f"Content-Encoding: found {encoding[:40]!r}, expected a body that is not compressed"
    given = headers.get("Content-Type")
    if given is None:
        return "Content-Type: found none, expected application/json"
    header = Header()
    header["Content-Type"] = given
    is_json = header.get_content_subtype() == "json" or header.get_content_subtype().endswith("+json")
    if header.get_content_maintype() == "application" and is_json:
        return None
    return f"Content-Type: found {given[:80]!r}, expected application/json"
