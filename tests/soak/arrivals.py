"""Users who ask by a schedule, independent of the service: their replies and waits."""

import http.client
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import numpy as np

from tests.faults.questions import Client

READERS = 64
"""Readers who can wait at once; one who finds none free waits longer, and that counts."""

Body = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Inquiry:
    """A request of a user: its path and body."""

    path: str
    body: Body

    @property
    def filters(self) -> Mapping[str, Any]:
        """Return the filters of the request."""
        filters: Mapping[str, Any] = self.body.get("filters", {})
        return filters


@dataclass(frozen=True, slots=True)
class Exchange:
    """A request and its reply: `due` by the monotonic clock, `seconds` from then; status 0 without a reply."""

    inquiry: Inquiry
    due: float
    seconds: float
    status: int
    reply: Body

    @property
    def code(self) -> str | None:
        """Return the error code of the reply, if it is an error."""
        error: Mapping[str, str] = self.reply.get("error", {})
        return error.get("code")


@dataclass(slots=True)
class Arrivals:
    """The replies so far, in the order of their arrival."""

    exchanges: list[Exchange] = field(default_factory=list)

    def failures(self) -> list[str]:
        """Return the replies with another status than 200."""
        return [f"{each.inquiry}: {each.status} {each.reply}" for each in self.exchanges if each.status != 200]

    def milliseconds(self) -> "Latency":
        """Return the waits of the users."""
        return latency([each.seconds for each in self.exchanges])


@dataclass(frozen=True, slots=True)
class Latency:
    """Waits of users from the moment they were due, in milliseconds."""

    count: int
    p50: float
    p99: float
    longest: float

    def __str__(self) -> str:
        return f"{self.count} replies, p50 {self.p50:.1f} ms, p99 {self.p99:.1f} ms, max {self.longest:.1f} ms"


def latency(seconds: Sequence[float]) -> Latency:
    """Return the percentiles of waits."""
    waits = np.array(seconds or [float("nan")]) * 1000
    return Latency(len(seconds), float(np.median(waits)), float(np.percentile(waits, 99)), float(waits.max()))


@contextmanager
def arriving(service: Client, inquiry: Callable[[int], Inquiry], per_second: float) -> Iterator[Arrivals]:
    """Run users who arrive at this rate until the block ends; wait for all of them.

    The schedule is fixed: the wait of a request that is sent late counts from the moment it was due.
    """
    arrivals, done = Arrivals(), threading.Event()
    # On the users' threads, so that a slow reply does not delay another.
    with ThreadPoolExecutor(READERS, thread_name_prefix="reader") as readers:

        def send() -> None:
            began = time.monotonic()
            for number in count():
                due = began + number / per_second
                if done.wait(max(0.0, due - time.monotonic())):
                    return
                readers.submit(
                    lambda due, at: arrivals.exchanges.append(exchange(service, at, due)), due, inquiry(number)
                )

        schedule = threading.Thread(target=send)
        schedule.start()
        try:
            yield arrivals
        finally:
            done.set()
            schedule.join()


def exchange(service: Client, inquiry: Inquiry, due: float | None = None) -> Exchange:
    """Send a request and return its reply; `due` is now by default."""
    due = time.monotonic() if due is None else due
    try:
        status, reply = service.request("POST", inquiry.path, inquiry.body)
    except (OSError, ValueError, http.client.HTTPException) as error:
        status, reply = 0, {"nothing": f"{type(error).__name__}: {error}"}
    return Exchange(inquiry, due, time.monotonic() - due, status, reply)
