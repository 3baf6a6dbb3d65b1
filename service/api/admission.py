"""Limits on requests: how many of each kind run at once, for how long, and the rates of feedback."""

import asyncio
import ipaddress
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.api.event_stream import PAUSE_S, cancel
from service.errors import Overloaded, RateLimited

logger = logging.getLogger("dateline")

READING = 16
"""The limit of pages and lists of articles that are rendered at once."""

FEEDBACK = 8
"""The limit of feedback entries that are stored at once."""

PUSHES = 4
"""The limit of pushes that are stored at once."""

QUESTION_PATHS = frozenset(
    {"/v1/ask", "/v1/search", "/v1/chat/completions", "/openwebui/v1/chat/completions", "/v1/responses"}
)
"""The paths that answer questions."""

ANSWERING_PATHS = QUESTION_PATHS | {"/mcp"}
"""The paths whose requests may ask a language model; a tool of `/mcp` takes its slot itself."""

CLIENTS = 10_000
"""The limit of clients that are counted; beyond it the client that was seen least recently is dropped."""


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
    if isinstance(parsed, ipaddress.IPv6Address):
        mapped = parsed.ipv4_mapped
        return str(mapped) if mapped else str(ipaddress.ip_network((int(parsed), 64), strict=False))
    return address


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
            if path in QUESTION_PATHS:
                return self.questions
            return {"/v1/feedback": self.feedback, "/v1/articles:batch": self.pushes}.get(path)
        return self.reading if path == "/" or path.startswith(("/articles", "/v1/articles", "/a/")) else None

    def check_rate(self, client: str) -> None:
        """Count feedback of a client; raises RateLimited beyond the rate of the client or of all clients."""
        wait = self.feedback_of_a_client.wait_s(network_of(client)) or self.feedback_of_all.wait_s()
        if wait:
            raise RateLimited("the rate of feedback is exceeded", retry_after_s=math.ceil(wait))


LOG_S = 1.0
"""The shortest time between two log lines on refusals: one line for each would cost more than the refusal."""


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


class LeavingCallers:
    """Ends a question whose caller leaves before the reply begins: it holds no slot, and its model call ends.

    A stream that has begun ends itself.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or scope["path"] not in ANSWERING_PATHS:
            await self._app(scope, receive, send)
            return
        body: list[Message] = [await receive()]
        left, has_begun = asyncio.Event(), False

        async def receive_once() -> Message:
            if body:
                return body.pop()
            await left.wait()
            return {"type": "http.disconnect"}

        async def send_and_note(message: Message) -> None:
            nonlocal has_begun
            has_begun = True
            await send(message)

        answering = asyncio.create_task(_finished(self._app(scope, receive_once, send_and_note)))
        leaving = asyncio.create_task(_leave(receive, left))
        try:
            await asyncio.wait((answering, leaving), return_when=asyncio.FIRST_COMPLETED)
            if has_begun or answering.done():
                await answering
        finally:
            await cancel(answering, leaving)


async def _finished(work: Awaitable[None]) -> None:
    await work


async def _leave(receive: Receive, left: asyncio.Event) -> None:
    """Set the event when the caller has left."""
    while True:
        if (await receive())["type"] == "http.disconnect":
            left.set()
            return
        # Messages that arrive without a wait must not block the event loop.
        await asyncio.sleep(PAUSE_S)
