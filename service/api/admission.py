"""Admission: the limits of requests at once and of their rates, and the threads that they run on."""

import asyncio
import contextvars
import ipaddress
import math
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, ParamSpec, TypeVar

from fastapi import Depends, Request

from service.errors import Overloaded, RateLimited
from service.feedback import FeedbackStore
from service.permalink import Permalinks
from service.pipeline import Pipeline
from service.settings import ServiceSettings
from service.suggestions import Suggestions

READING = 16
"""The limit of pages and lists of articles that are rendered at once."""

FEEDBACK = 8
"""The limit of feedback entries that are stored at once."""

PUSHES = 4
"""The limit of pushes that are stored at once."""

CLIENTS = 10_000
"""The limit of clients that are counted; beyond it the client that was seen least recently is dropped."""

MOST_THREADS = 3
"""The limit of threads that compute: they share one interpreter, and the event loop waits for each of them."""

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


def question_threads(settings: ServiceSettings) -> int:
    """Return the number of threads that answer questions: one for each processor but that of the event loop.

    A language model needs one more, which counts its tokens. Threads that wait for another service are not limited by
    the processors.
    """
    if settings.embedding_model != "local" or settings.chroma_url:
        return settings.max_questions
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(MOST_THREADS, max(1, processors - 1)) + bool(settings.llm_model)


def _state(request: Request) -> ServiceState:
    state: ServiceState = request.app.state.service
    return state


State = Annotated[ServiceState, Depends(_state)]
"""The state of the running service, as a parameter of a route."""
