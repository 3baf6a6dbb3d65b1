"""Admission: what is too much at once is refused before any work, with the status and `Retry-After` of its kind."""

import logging
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import error_reply
from service.api.rates import Rate, network_of
from service.errors import Overloaded, RateLimited

READING = 16
"""Pages and lists of articles that are made at once."""

FEEDBACK = 8
"""Feedback that is stored at once."""

LOG_S = 1.0
"""Refusals are logged this often: a line for each would cost more than the refusal."""

logger = logging.getLogger("dateline")


@dataclass(slots=True)
class Places:
    """How many requests of one kind are being answered, and how many may be."""

    limit: int
    taken: int = 0

    @contextmanager
    def place(self) -> Iterator[None]:
        """Take a place until the block ends; raises Overloaded where all are taken."""
        if self.taken >= self.limit:
            raise Overloaded(f"{self.taken} requests are being answered, which is the limit")
        self.taken += 1
        try:
            yield
        finally:
            self.taken -= 1


@dataclass(slots=True)
class Limits:
    """The places of each kind of request, and the rates of feedback."""

    questions: Places
    reading: Places = field(default_factory=lambda: Places(READING))
    feedback: Places = field(default_factory=lambda: Places(FEEDBACK))
    feedback_of_a_client: Rate = field(default_factory=lambda: Rate(20, 1 / 3))
    feedback_of_all: Rate = field(default_factory=lambda: Rate(100, 5.0))

    def places_for(self, method: str, path: str) -> Places | None:
        """Return the places of a request's kind, None where it costs next to nothing."""
        if method == "POST":
            return {"/v1/ask": self.questions, "/v1/search": self.questions, "/v1/feedback": self.feedback}.get(path)
        return self.reading if path == "/" or path.startswith(("/articles", "/v1/articles")) else None

    def check_rate(self, client: str) -> None:
        """Count feedback of a client; raises RateLimited where it is too much, of the client or of all."""
        wait = self.feedback_of_a_client.wait_s(network_of(client)) or self.feedback_of_all.wait_s()
        if wait:
            raise RateLimited("more feedback came than the rate allows", retry_after_s=math.ceil(wait))


class Admission:
    """Answers a request only where there is a place for it, which it has until the reply is sent."""

    def __init__(self, app: ASGIApp, limits: Limits) -> None:
        self._app = app
        self._limits = limits
        self._refused = 0
        self._logged = -math.inf

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        places = self._limits.places_for(scope["method"], scope["path"]) if scope["type"] == "http" else None
        if places is None:
            await self._app(scope, receive, send)
            return
        admitted = False
        try:
            if places is self._limits.feedback:
                self._limits.check_rate((scope.get("client") or ("",))[0])
            with places.place():
                admitted = True
                await self._app(scope, receive, send)
        except (Overloaded, RateLimited) as error:
            if admitted:
                raise
            self._count()
            await error_reply(Request(scope), error)(scope, receive, send)

    def _count(self) -> None:
        self._refused += 1
        now = time.monotonic()
        if now - self._logged >= LOG_S:
            logger.warning("%d requests were refused: too many at once", self._refused)
            self._refused, self._logged = 0, now
