"""Middleware for every request, and the state of the service that requests share.

A request gets an id and headers; its host, origin and body are checked; then it takes a slot of its kind, within the
limits of requests at once and of their rates.

Hosts are checked here and not by Starlette's TrustedHostMiddleware. That one refuses a monitor, which knows only an
address, cannot allow every address, reads only the first of two Host headers, and does not refuse in JSON.
"""

import asyncio
import contextvars
import hmac
import ipaddress
import logging
import math
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, ParamSpec, TypeVar
from urllib.parse import urlsplit
from uuid import uuid4

from fastapi import Depends, Request
from pydantic import SecretStr
from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.errors import INVALID, Problem, problem_reply
from service.errors import Overloaded, RateLimited
from service.feedback import FeedbackStore
from service.permalink import Permalinks
from service.pipeline import Pipeline
from service.records import request_id as current_id
from service.settings import LOOPBACK, ServiceSettings
from service.suggestions import Suggestions

READING = 16
"""The limit of pages and lists of articles that are rendered at once."""

FEEDBACK = 8
"""The limit of feedback entries that are stored at once."""

PUSHES = 4
"""The limit of pushes that are stored at once."""

CLIENTS = 10_000
"""The limit of clients that are counted; beyond it the client that was seen least recently is dropped."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(slots=True)
class Slots:
    """The requests of one kind that run, and their limit."""

    limit: int
    taken: int = 0

    @contextmanager
    def acquire(self) -> Iterator[None]:
        """Take a slot until the block ends; raises Overloaded if all are taken."""
        if self.taken >= self.limit:
            raise Overloaded(f"{self.taken} requests are being answered, the limit is {self.limit}")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


@dataclass(slots=True)
class Rate:
    """A leaky bucket for each key: `burst` at once, and `per_second` more from then on."""

    burst: int
    per_second: float
    clock: Callable[[], float] = time.monotonic
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_s(self, key: str = "") -> float:
        """Count one for a key and return 0.0; beyond the rate count nothing and return the seconds to wait."""
        now = self.clock()
        level, at = self._levels.pop(key, (0.0, now))
        level = max(0.0, level - (now - at) * self.per_second)
        wait = max(0.0, (level + 1 - self.burst) / self.per_second)
        self._levels[key] = (level if wait else level + 1, now)
        if len(self._levels) > CLIENTS:
            del self._levels[next(iter(self._levels))]
        return wait


def network_of(address: str) -> str:
    """Return the key of a client: its IPv4 address, or the /64 network of its IPv6 address."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))


@dataclass(slots=True)
class Limits:
    """The slots of each kind of request, and the rates of feedback."""

    questions: Slots
    reading: Slots = field(default_factory=lambda: Slots(READING))
    feedback: Slots = field(default_factory=lambda: Slots(FEEDBACK))
    pushes: Slots = field(default_factory=lambda: Slots(PUSHES))
    feedback_of_a_client: Rate = field(default_factory=lambda: Rate(20, 1 / 3))
    feedback_of_all: Rate = field(default_factory=lambda: Rate(100, 5.0))

    def slots_for(self, method: str, path: str) -> Slots | None:
        """Return the slots of a request's kind, or None for a cheap request."""
        if method in ("PUT", "DELETE"):
            return self.pushes
        if method == "POST":
            questions, feedback, pushes = self.questions, self.feedback, self.pushes
            kinds = {"/v1/ask": questions, "/v1/search": questions, "/v1/feedback": feedback}
            return {**kinds, "/v1/articles:batch": pushes}.get(path)
        return self.reading if path == "/" or path.startswith(("/articles", "/v1/articles", "/a/")) else None

    def check_rate(self, client: str) -> None:
        """Count feedback of a client; raises RateLimited beyond the rate of the client or of all clients."""
        wait = self.feedback_of_a_client.wait_s(network_of(client)) or self.feedback_of_all.wait_s()
        if wait:
            raise RateLimited("the rate of feedback is exceeded", retry_after_s=math.ceil(wait))


@dataclass(slots=True)
class ServiceState:
    """The pipeline with the limits, threads and values of a running service.

    Questions run on the event loop's default threads. Pages and feedback have their own, so that a burst of them
    delays no question.
    """

    pipeline: Pipeline
    limits: Limits
    feedback: FeedbackStore
    allowed_origins: tuple[str, ...]
    public_url: str | None
    permalinks: Permalinks
    suggestions: Suggestions
    allow_indexing: bool = False
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    reading: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(2, "reading"))
    storing: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "storing"))

    async def read(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that reads the index on a thread for pages."""
        return await _run(self.reading, function, *args, **kwargs)

    async def store(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Call a function that writes feedback on the thread for feedback."""
        return await _run(self.storing, function, *args, **kwargs)

    def close(self) -> None:
        """Start no more calls; running ones finish."""
        for executor in (self.reading, self.storing):
            executor.shutdown(wait=False, cancel_futures=True)


async def _run(executor: ThreadPoolExecutor, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function on an executor, in the caller's context."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(executor, lambda: context.run(function, *args, **kwargs))


def _state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_state)]
"""The state of the running service, as a parameter of a route."""


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

LOG_S = 1.0
"""The shortest time between two log lines on refusals: one line for each would cost more than the refusal."""

HOST_NOT_ALLOWED = Problem(421, INVALID, "host_not_allowed", "The service does not answer to this host name.")
ORIGIN_NOT_ALLOWED = Problem(
    403, "permission_error", "origin_not_allowed", "Pages of this origin may not ask here. Ask the service's operator."
)

PUSH_OFF = Problem(403, "permission_error", "push_off", "Articles cannot be pushed to this service.")
NO_SECRET = Problem(401, "authentication_error", "unauthorized", "The push secret is missing or wrong.")

_PUSH = re.compile(
    r"(?:PUT|DELETE) /v1/articles/.*|POST /v1/articles:batch/?|[A-Z]+ /v1/articles/[^/]*/push/?", re.DOTALL
)
_PLAIN_ID = re.compile(r"[A-Za-z0-9._:-]{1,128}")
_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)
_SHARED = re.compile(r"/v1/.*|/widget\.js", re.DOTALL)
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
    """CORS for `/v1/…` and `/widget.js`: pages of the allowed origins may ask, without cookies.

    Every other path stays with its own origin. The refusal of a preflight is a problem like every error.
    """

    def __init__(self, app: ASGIApp, allowed: tuple[str, ...]) -> None:
        super().__init__(
            app,
            allow_origins=allowed,
            allow_methods=("GET", "POST"),
            allow_headers=("Content-Type", REQUEST_ID),
            expose_headers=(REQUEST_ID, "Retry-After"),
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request to a shared path, and pass every other one on."""
        is_shared = scope["type"] == "http" and _SHARED.fullmatch(scope["path"])
        await (super().__call__ if is_shared else self.app)(scope, receive, send)

    def preflight_response(self, request_headers: Headers) -> Response:
        """Return the reply to a preflight."""
        origin = request_headers["Origin"]
        if self.is_allowed_origin(origin):
            return super().preflight_response(request_headers)
        logger.info("%r is not in DATELINE_ALLOWED_ORIGINS", origin[:200])
        return problem_reply(ORIGIN_NOT_ALLOWED, {"Vary": "Origin"})


def is_push(method: str, path: str) -> bool:
    """Return whether a request needs the push secret."""
    return _PUSH.fullmatch(f"{method} {path}") is not None


class PushAccess:
    """Refuses pushes without the push secret, before their bodies are read."""

    def __init__(self, app: ASGIApp, secret: SecretStr | None) -> None:
        self._app = app
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or not is_push(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
        elif self._secret is None:
            await problem_reply(PUSH_OFF, {"Connection": "close"})(scope, receive, send)
        elif not self._is_right(Headers(scope=scope).get("Authorization", "")):
            headers = {"WWW-Authenticate": "Bearer", "Connection": "close"}
            await problem_reply(NO_SECRET, headers)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_right(self, given: str) -> bool:
        kind, _, token = given.partition(" ")
        wanted = self._secret.get_secret_value() if self._secret else ""
        # Comparing takes as long for every token of the same length.
        return kind.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), wanted.encode())


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
        if scope["method"] in ("POST", "PUT") and scope["path"].startswith("/v1/"):
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
        pending: list[Message] = [{"type": "http.request", "body": bytes(body), "more_body": False}]

        async def receive_body() -> Message:
            return pending.pop() if pending else await receive()

        await self._app(scope, receive_body, send)


class Admission:
    """Takes a slot of a request's kind until its reply is sent; raises Overloaded or RateLimited before any work."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._refused = 0
        self._logged = -math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        slots = self._limits.slots_for(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if slots is None:
            await self._app(scope, receive, send)
            return
        try:
            if slots is self._limits.feedback:
                self._limits.check_rate((scope.get("client") or ("",))[0])
            with slots.acquire():
                await self._app(scope, receive, send)
        except (Overloaded, RateLimited):
            self._refused += 1
            if time.monotonic() - self._logged >= LOG_S:
                logger.warning("%d requests were refused: too many at once", self._refused)
                self._refused, self._logged = 0, time.monotonic()
            raise


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
