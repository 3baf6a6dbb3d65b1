"""Middleware for every request: its id and headers, its host, its origin and its body are checked.

Hosts are checked here and not by Starlette's TrustedHostMiddleware. That one refuses a monitor, which knows only an
address, cannot allow every address, reads only the first of two Host headers, and does not refuse in JSON.
"""

import ipaddress
import logging
import re
from collections.abc import Callable, Collection
from urllib.parse import urlsplit
from uuid import uuid4

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.access import is_push
from service.api.errors import INVALID, PERMISSION, Problem, problem_reply
from service.api.rates import POLICY_HEADER, RATE_HEADER
from service.records import request_id as current_id
from service.settings import LOOPBACK, ServiceSettings

REQUEST_ID = "X-Request-Id"
SECURITY_HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
"""Default headers of a reply; pages set a policy that lets them load their own files."""

FOR_MONITORS = ("/healthz", "/readyz")
"""Paths that answer to any host name: a monitor knows an address."""

BODY_BYTES = 1_000_000
"""The limit of a request's body, but for pushed articles."""

PUSH_BYTES = 30_000_000
"""The limit of the body of a push or a batch."""

_STAINLESS = (
    "arch async custom-poll-interval helper helper-method lang os package-version poll-helper read-timeout retry-count"
    " runtime runtime-version timeout"
).split()
OPENAI_HEADERS = ("OpenAI-Organization", "OpenAI-Project", *(f"x-stainless-{name}" for name in _STAINLESS))
"""Headers that OpenAI's clients add to a request, in browsers as well."""

MCP_HEADERS = ("Mcp-Protocol-Version", "Mcp-Method", "Mcp-Name")
"""Headers that clients of the Model Context Protocol add, in browsers as well."""

HOST_NOT_ALLOWED = Problem(421, INVALID, "host_not_allowed", "The service does not answer to this host name.")
ORIGIN_NOT_ALLOWED = Problem(
    403, PERMISSION, "origin_not_allowed", "Pages of this origin may not ask here. Ask the service's operator."
)

_PLAIN_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_SHARED = re.compile(
    r"(?:/openwebui)?/v1/(?!articles:batch|articles/[^/]*/push).*|/mcp|/(?:widget|explanation)\.js", re.DOTALL
)
_JSON = re.compile(r"\s*application/(?:json|[^;]*\+json)\s*(?:;.*)?", re.IGNORECASE | re.DOTALL)

logger = logging.getLogger("dateline")


class ReplyHeaders:
    """Adds the id of a request and the security headers to its reply.

    The id is the caller's if that is plain, else a new one. HEAD is answered like GET without a body, and a caller that
    has the tag of a reply gets 304.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        asked = Headers(scope=scope)
        known = [tag.strip().removeprefix("W/") for tag in asked.get("If-None-Match", "").split(",")]
        given = asked.get(REQUEST_ID, "")
        request_id = given if _PLAIN_ID.fullmatch(given) else f"req_{uuid4().hex}"
        current_id.set(request_id)
        has_body = scope["method"] != "HEAD"

        async def send_with_headers(message: Message) -> None:
            nonlocal has_body
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                if headers.get("ETag") in known:
                    message["status"], has_body = 304, False
                    del headers["Content-Length"], headers["Content-Type"]
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            elif not has_body:
                message = {**message, "body": b""}
            await send(message)

        await self._app({**scope, "method": "GET"} if scope["method"] == "HEAD" else scope, receive, send_with_headers)


class AllowedHosts:
    """Answers only to allowed host names, and to any address if the service listens on all of them.

    Another name may belong to a page that had its own name point here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, settings: ServiceSettings) -> None:
        self._app = app
        self._allowed = allowed_hosts(settings)
        self._any_address = _is_address(settings.host) and ipaddress.ip_address(settings.host).is_unspecified

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        if _ABSOLUTE.match(scope["path"]):
            scope = _with_host_of_path(scope)
        hosts = Headers(scope=scope).getlist("host")
        found = _HOST.fullmatch(hosts[0]) if len(hosts) == 1 else None
        name = found["name"].strip("[]").lower().removesuffix(".") if found else ""
        is_allowed = name in self._allowed or (self._any_address and _is_address(name))
        if is_allowed or scope["path"] in FOR_MONITORS:
            await self._app(scope, receive, send)
            return
        logger.info("Host %.200r is not in DATELINE_ALLOWED_HOSTS", hosts[:1])
        await problem_reply(HOST_NOT_ALLOWED)(scope, receive, send)


class SharedPaths(CORSMiddleware):
    """CORS for `/v1/…`, `/mcp` and the scripts of the chat: pages of the allowed origins may ask, without cookies.

    Pushes and every other path stay with their own origin. The refusal of a preflight is a problem like every error.
    """

    def __init__(self, app: ASGIApp, allowed: Callable[[], Collection[str]]) -> None:
        self._allowed = allowed
        super().__init__(
            app,
            allow_methods=("GET", "POST"),
            allow_headers=("Authorization", "Content-Type", REQUEST_ID, *OPENAI_HEADERS, *MCP_HEADERS),
            expose_headers=(REQUEST_ID, "Retry-After", "x-should-retry", POLICY_HEADER, RATE_HEADER),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request to a shared path, and pass every other one on."""
        is_shared = scope["type"] == "http" and _SHARED.fullmatch(scope["path"])
        await (super().__call__ if is_shared else self.app)(scope, receive, send)

    def is_allowed_origin(self, origin: str) -> bool:
        """Return whether the pages of an origin may ask."""
        return origin in self._allowed()

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the reply to a preflight."""
        origin = request_headers["Origin"]
        if self.is_allowed_origin(origin):
            return super().preflight_response(request_headers)
        logger.info("%r is neither in DATELINE_ALLOWED_ORIGINS nor an origin of a publishable key", origin[:200])
        return problem_reply(ORIGIN_NOT_ALLOWED, {"Vary": "Origin"})


class RequestBody:
    """Refuses bodies that are not JSON or too large; the application gets a complete body.

    A body without a media type is refused as well: any page can send one from its visitor's browser, without a
    preflight.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = PUSH_BYTES if is_push(scope["method"], scope["path"]) else BODY_BYTES
        if scope["method"] in ("POST", "PUT") and scope["path"].startswith(("/v1/", "/openwebui/v1/", "/mcp")):
            encoding, kind = headers.get("Content-Encoding", ""), headers.get("Content-Type")
            fault = None
            if encoding.strip().lower() not in ("identity", ""):
                fault = f"Content-Encoding: found {encoding[:40]!r}, expected a body that is not compressed"
            elif kind is None or not _JSON.fullmatch(kind):
                found = "none" if kind is None else repr(kind[:80])
                fault = f"Content-Type: found {found}, expected application/json"
            if fault:
                problem = Problem(415, INVALID, "unsupported_media_type", fault)
                await problem_reply(problem, {"Accept": "application/json"})(scope, receive, send)
                return
        body = bytearray()
        declared = headers.get("Content-Length", "")
        over, more = declared.isdigit() and int(declared) > limit, True
        while more and not over:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            over, more = len(body) > limit, message.get("more_body", False)
        if over:
            problem = Problem(413, INVALID, "too_large", f"A body has at most {limit:,} bytes.")
            await problem_reply(problem, {"Connection": "close"})(scope, receive, send)
            return
        complete: Message = {"type": "http.request", "body": bytes(body), "more_body": False}
        await self._app(scope, received_again(complete, receive), send)


def received_again(message: Message, receive: Receive) -> Receive:
    """Return a function that returns a message that was received before, and then those to come."""
    pending = [message]

    async def receive_pending() -> Message:
        return pending.pop() if pending else await receive()

    return receive_pending


def allowed_hosts(settings: ServiceSettings) -> frozenset[str]:
    """Return the names that a service of these settings answers to, in lower case and without ports."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    bound = settings.host.strip("[]")
    return frozenset(name.lower() for name in (*LOOPBACK, bound, public, *settings.allowed_hosts) if name)


def _with_host_of_path(scope: Scope) -> Scope:
    """Return a request whose first line has an absolute URL, with the host of the URL instead of its Host headers."""
    url = urlsplit(scope["path"])
    headers = [(b"host", url.netloc.encode()), *(pair for pair in scope["headers"] if pair[0] != b"host")]
    path = url.path or "/"
    return {**scope, "path": path, "raw_path": path.encode(), "headers": headers}


def _is_address(name: str) -> bool:
    """Return whether a name is an IP address."""
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
