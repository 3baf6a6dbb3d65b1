"""A circuit breaker: after a failed call nobody waits for the next one; one probe at a time asks for all."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import inf

from index.errors import ChromaUnavailable

PAUSE_S = 1.0


class Open(Exception):
    """The breaker is open: the call was not made."""


class Breaker:
    """Opens with a ChromaUnavailable, lets one call through after `pause_s`, closes with any other outcome.

    `clock` tells seconds that never run backwards. Safe to share between threads.
    """

    def __init__(self, pause_s: float = PAUSE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s = pause_s
        self._clock = clock
        self._lock = threading.Lock()
        self._opened_at: float | None = None
        self._succeeded_at = -inf
        self._probing = False

    @contextmanager
    def guarding(self) -> Iterator[None]:
        """The block makes one call; raises Open where that call must not be made now."""
        probe = self._admit()
        began = self._clock()
        try:
            yield
        except ChromaUnavailable:
            with self._lock:
                # What failed began before another call succeeded: that says nothing of the server as it is now.
                if began >= self._succeeded_at:
                    self._opened_at = self._clock()
            raise
        else:
            with self._lock:
                self._opened_at = None
                self._succeeded_at = self._clock()
        finally:
            if probe:
                with self._lock:
                    self._probing = False

    def _admit(self) -> bool:
        """True where the call is the probe of an open breaker."""
        with self._lock:
            if self._opened_at is None:
                return False
            if self._probing or self._clock() - self._opened_at < self._pause_s:
                raise Open
            self._probing = True
            return True
