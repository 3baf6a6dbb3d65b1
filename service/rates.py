"""Rates: how many questions a key or an address may send in a minute, counted by the package limits.

A rate is counted in a sliding window, in the memory of this process or in a Redis or Valkey server that several share.
Rates fail open: while that server does not answer, nothing is counted, and the slots still protect the machine.
"""

import asyncio
import importlib.util
import logging
import math
import time
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import limits.errors
from limits import RateLimitItemPerMinute
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.storage.redis.redispy import RedispyBridge
from limits.aio.strategies import SlidingWindowCounterRateLimiter

from index.errors import ConfigurationError

WINDOW_S = 60

STORE_S = 0.25
"""The limit of a call of the server in seconds: a question does not wait longer for its count."""

PAUSE_S = 5.0
"""Seconds for which the server is not called after it failed."""

LOG_S = 60.0
"""The shortest time between two log lines on failures of the server."""

CONNECTIONS = 16
"""The limit of connections to the server."""

COUNTS = 20_000
"""The limit of counts in memory: a subject has two, of this minute and the last."""

logger = logging.getLogger("dateline")


class Subject(NamedTuple):
    """A key or an address, and the questions that it may send in a minute."""

    name: str
    per_minute: int


class Allowance(NamedTuple):
    """The rest of a subject's rate; after `reset_s` seconds there is more."""

    subject: Subject
    remaining: int
    reset_s: int
    is_exceeded: bool = False


class Memory(MemoryStorage):
    """The counts of this process, for its event loop.

    The package looks at all counts for each one that it adds. Here that is done once a second, and the oldest counts
    are dropped beyond a limit, so that a flood from many networks costs neither time nor memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self._cleaned = -math.inf

    async def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add to a count that ends `expiry` seconds after its first one; return it."""
        now = time.time()
        if now - self._cleaned >= 1:
            self._cleaned = now
            for each in [each for each, end in self.expirations.items() if end <= now]:
                await self.clear(each)
        count = await self.get(key)
        self.storage[key] = count + amount
        if not count:
            self.expirations[key] = now + expiry
        while len(self.storage) > COUNTS:
            await self.clear(next(iter(self.storage)))
        return count + amount


class RateCounter:
    """Counts the questions of subjects; `failed` is called for each one that could not be counted.

    `storage` replaces the memory of this process.
    """

    def __init__(self, storage: Storage | None = None, failed: Callable[[], None] | None = None) -> None:
        self._storage = storage or Memory()
        self._limiter = SlidingWindowCounterRateLimiter(self._storage)
        self._failed = failed
        self._paused_until = self._logged = -math.inf

    async def count(self, subjects: Iterable[Subject]) -> Allowance | None:
        """Count one question of all subjects; return the least that is left, or None if nothing was counted.

        The first subject whose rate is exceeded is returned; those after it are not counted.
        """
        if time.monotonic() < self._paused_until:
            self._report()
            return None
        least: Allowance | None = None
        try:
            async with asyncio.timeout(STORE_S):
                for subject in subjects:
                    allowance = await self._count(subject)
                    if allowance.is_exceeded:
                        return allowance
                    least = allowance if least is None or allowance.remaining < least.remaining else least
        except Exception as error:  # noqa: BLE001 - questions are answered without a count
            self._report()
            self._pause(error)
            return None
        return least

    async def close(self) -> None:
        """Close the connections to the server."""
        if isinstance(self._storage, RedisStorage) and isinstance(self._storage.bridge, RedispyBridge):
            client: Any = self._storage.bridge.get_connection()
            await client.aclose()

    async def _count(self, subject: Subject) -> Allowance:
        rate = RateLimitItemPerMinute(subject.per_minute)
        is_counted = await self._limiter.hit(rate, subject.name)
        window = await self._limiter.get_window_stats(rate, subject.name)
        # At the moment itself, the count has not fallen yet.
        reset_s = max(0, math.floor(window.reset_time - time.time() + 0.001)) + 1
        return Allowance(subject, window.remaining if is_counted else 0, reset_s, not is_counted)

    def _report(self) -> None:
        if self._failed:
            self._failed()

    def _pause(self, error: Exception) -> None:
        now = time.monotonic()
        self._paused_until = now + PAUSE_S
        if now - self._logged >= LOG_S:
            self._logged = now
            # Its message may have the address with a password.
            logger.warning("questions are not counted: the server of REDIS_URL fails (%s)", type(error).__name__)


def storage_of(redis_url: str | None) -> Storage:
    """Return where questions are counted; raises ConfigurationError if that does not work."""
    if redis_url is None:
        return Memory()
    if importlib.util.find_spec("redis") is None:
        raise ConfigurationError(
            "REDIS_URL is set, but the package redis is not installed",
            "Install it with `make install-all`, or unset REDIS_URL.",
        )
    # A Valkey server speaks the same protocol.
    url = f"redis{redis_url.removeprefix('redis').removeprefix('valkey')}"
    try:
        return RedisStorage(
            f"async+{url}",
            implementation="redispy",
            key_prefix="dateline",
            max_connections=CONNECTIONS,
            socket_timeout=STORE_S,
            socket_connect_timeout=STORE_S,
        )
    except (limits.errors.ConfigurationError, ValueError):
        # Neither the address nor the error, which repeats it: it may have a password.
        raise ConfigurationError(
            "REDIS_URL is not the address of a server", "Expected one such as redis://127.0.0.1:6379, with a port."
        ) from None
