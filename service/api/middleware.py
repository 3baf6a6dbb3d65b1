"""Middleware for every request: its id and headers, allowed hosts and origins, its body, admission.

Starlette's CORSMiddleware and TrustedHostMiddleware do not fit. Both refuse with 400 and plain text; ours refuse with
403 and 421 as a problem that says why. CORSMiddleware covers every path; TrustedHostMiddleware knows no IPv6 addresses
and reads one of several Host headers.
"""

import ipaddress
import logging
import math
import re
import time
from email.message import Message as MediaType
from urllib.parse import urlsplit
from uuid import uuid4

from fastapi import Request
from fastapi.responses import Response
from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.admission import Limits
from service.api.errors import INVALID, Problem, error_reply, problem_reply
from service.errors import Overloaded, RateLimited
from service.request_id import request_id as current_id
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
"""The limit of a request's body."""

LOG_S = 1.0
"""The shortest time between two log lines on refusals: one line for each would cost more than the refusal."""

HOST_NOT_ALLOWED = Problem(421, INVALID, "host_not_allowed", "The service does not answer to this host name.")
ORIGIN_NOT_ALLOWED = Problem(
    403, "permission_error", "origin_not_allowed", "Pages of this origin may not ask here. Ask the service's operator."
)
TOO_LARGE = Problem(413, INVALID, "too_large", f"A body has at most {BODY_BYTES:,} bytes.")

_PLAIN_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_SHARED = re.compile(r"/v1/.*|/widget\.js", re.DOTALL)
_JSON = re.compile(r"application/(?:json|.*\+json)", re.DOTALL)
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, POST",
    "Access-Control-Allow-Headers": "Content-Type, X-Request-Id",
    "Access-Control-Max-Age": "600",
}

logger = logging.getLogger("dateline")


class Middleware:
    """ASGI middleware that handles HTTP requests and passes everything else on."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        await (self.handle if scope["type"] == "http" else self.app)(scope, receive, send)

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass an HTTP request on, or answer it."""
        raise NotImplementedError


class ReplyHeaders(Middleware):
    """Gives each request an id, adds the id and the security headers to its reply, and answers HEAD like GET.

    A plain id of the caller is used. The server leaves out the body of a reply to HEAD.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        given = Headers(scope=scope).get(REQUEST_ID, "")
        request_id = given if _PLAIN_ID.fullmatch(given) else f"req_{uuid4().hex}"
        current_id.set(request_id)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers[REQUEST_ID] = request_id
                for name, value in SECURITY_HEADERS.items():
                    headers.setdefault(name, value)
            elif message["type"] == "http.response.body" and scope["method"] == "HEAD":
                message = {**message, "body": b""}
            await send(message)

        await self.app({**scope, "method": "GET"} if scope["method"] == "HEAD" else scope, receive, send_with_headers)


class AllowedHosts(Middleware):
    """Answers only to allowed host names, and to any address if the service listens on all of them.

    Another name may belong to a page that had its own name point here (DNS rebinding).
    """

    def __init__(self, app: ASGIApp, allowed: frozenset[str], *, any_address: bool) -> None:
        super().__init__(app)
        self._allowed = allowed
        self._any_address = any_address

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope, hosts = _with_host(scope)
        if scope["path"] in FOR_MONITORS or (len(hosts) == 1 and self._is_allowed(hosts[0])):
            await self.app(scope, receive, send)
            return
        logger.info("Host %.200r is not in DATELINE_ALLOWED_HOSTS", hosts[:1])
        await problem_reply(HOST_NOT_ALLOWED)(scope, receive, send)

    def _is_allowed(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if not found:
            return False
        name = found["name"].strip("[]").lower().removesuffix(".")
        return name in self._allowed or (self._any_address and _is_address(name))


class AllowedOrigins(Middleware):
    """CORS for `/v1/…` and `/widget.js`: pages of the allowed origins may ask, without cookies.

    Origins are compared exactly. Every other path stays with its own origin.
    """

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        super().__init__(app)
        self._allowed = allowed

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if not _SHARED.fullmatch(scope["path"]):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        origin = headers.get("Origin")

        async def send_with_origin(message: Message) -> None:
            if message["type"] == "http.response.start":
                reply = MutableHeaders(scope=message)
                reply.add_vary_header("Origin")
                reply.update(_origin_headers(origin, self._allowed))
            await send(message)

        if scope["method"] != "OPTIONS" or "Access-Control-Request-Method" not in headers or origin is None:
            await self.app(scope, receive, send_with_origin)
        elif origin in self._allowed:
            await Response(status_code=204, headers=_PREFLIGHT)(scope, receive, send_with_origin)
        else:
            logger.info("%r is not in DATELINE_ALLOWED_ORIGINS", origin[:200])
            await problem_reply(ORIGIN_NOT_ALLOWED)(scope, receive, send_with_origin)


class RequestBody(Middleware):
    """Refuses bodies that are not JSON or too large; the application gets a complete body.

    A body without a media type is refused as well: any page can send one from its reader's browser, without a
    preflight.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = Headers(scope=scope)
        is_api = scope["method"] == "POST" and scope["path"].startswith("/v1/")
        if is_api and (fault := _media_type_fault(headers)):
            problem = Problem(415, INVALID, "unsupported_media_type", fault)
            await problem_reply(problem, {"Accept": "application/json"})(scope, receive, send)
            return
        body = bytearray()
        declared = headers.get("Content-Length", "")
        over, more = declared.isdigit() and int(declared) > BODY_BYTES, True
        while more and not over:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            body += message.get("body", b"")
            over, more = len(body) > BODY_BYTES, message.get("more_body", False)
        if over:
            await problem_reply(TOO_LARGE, {"Connection": "close"})(scope, receive, send)
            return
        pending: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receive_body() -> Message:
            return pending.pop() if pending else await receive()

        await self.app(scope, receive_body, send)


class Admission(Middleware):
    """Refuses a request before any work if no slot of its kind is free; else keeps the slot until the reply is sent."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        super().__init__(app)
        self._limits = limits
        self._refused = 0
        self._logged = -math.inf

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        slots = self._limits.slots_for(scope["method"], scope["path"])
        if slots is None:
            await self.app(scope, receive, send)
            return
        admitted = False
        try:
            if slots is self._limits.feedback:
                self._limits.check_rate((scope.get("client") or ("",))[0])
            with slots.acquire():
                admitted = True
                await self.app(scope, receive, send)
        except (Overloaded, RateLimited) as error:
            if admitted:
                raise
            self._count_refusal()
            await error_reply(Request(scope), error)(scope, receive, send)

    def _count_refusal(self) -> None:
        self._refused += 1
        now = time.monotonic()
        if now - self._logged >= LOG_S:
            logger.warning("%d requests were refused: too many at once", self._refused)
            self._refused, self._logged = 0, now


async def unexpected_error(request: Request, error: Exception) -> Response:
    """Answer an unexpected error; this runs outside of all middleware, so it adds their headers."""
    headers = SECURITY_HEADERS | {REQUEST_ID: current_id.get()}
    if _SHARED.fullmatch(request.url.path):
        allowed: tuple[str, ...] = request.app.state.allowed_origins
        headers |= {"Vary": "Origin"} | _origin_headers(request.headers.get("Origin"), allowed)
    reply = error_reply(request, error)
    for name, value in headers.items():
        reply.headers.setdefault(name, value)
    return reply


def allowed_hosts(settings: ServiceSettings) -> frozenset[str]:
    """Return the names that a service of these settings answers to, in lower case and without ports."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    bound = settings.host.strip("[]")
    return frozenset(name.lower() for name in (*LOOPBACK, bound, public, *settings.allowed_hosts) if name)


def listens_everywhere(settings: ServiceSettings) -> bool:
    """Return whether the service listens on every address of its machine."""
    return _is_address(settings.host) and ipaddress.ip_address(settings.host).is_unspecified


def _with_host(scope: Scope) -> tuple[Scope, list[str]]:
    """Return a request and the hosts it names; an absolute URL in its first line replaces its Host headers."""
    if not _ABSOLUTE.match(scope["path"]):
        return scope, Headers(scope=scope).getlist("host")
    url = urlsplit(scope["path"])
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    host = [(b"host", url.netloc.encode())]
    path = url.path or "/"
    return {**scope, "path": path, "raw_path": path.encode(), "headers": host + headers}, [url.netloc]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _origin_headers(origin: str | None, allowed: tuple[str, ...]) -> dict[str, str]:
    """Return the headers that let a page read a reply."""
    if origin is None or origin not in allowed:
        return {}
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": "X-Request-Id, Retry-After"}


def _media_type_fault(headers: Headers) -> str | None:
    encoding = headers.get("Content-Encoding", "identity")
    if encoding.strip().lower() not in ("identity", ""):
        return f"Content-Encoding: found {encoding[:40]!r}, expected a body that is not compressed"
    given = headers.get("Content-Type")
    if given is None:
        return "Content-Type: found none, expected application/json"
    media_type = MediaType()
    media_type["Content-Type"] = given
    if _JSON.fullmatch(media_type.get_content_type()):
        return None
    return f"Content-Type: found {given[:80]!r}, expected application/json"
