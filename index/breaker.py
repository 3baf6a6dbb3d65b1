"""A circuit breaker: it stops calls to a service that fails, so that callers do not wait for each failure."""

import threading
import time
from collections.abc import Callable


class CircuitBreaker:
    """Opens after `failures` in a row, for as long as the last one says; safe to share between threads.

    While it is open no call is admitted. After the pause one call is admitted as a probe: its success closes the
    breaker, its failure opens it again. Each admitted call ends with `succeed`, `fail` or `release`. `clock` gives
    seconds.
    """

    def __init__(self, failures: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._clock = clock
        self._lock = threading.Lock()
        self._failures = 0
        self._resumes: float | None = None  # while the breaker is open: when a probe may be made
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Return whether calls are refused, except for a probe."""
        return self._resumes is not None

    def admit(self) -> bool:
        """Return whether a call may be made now; the first one after a pause is the probe."""
        with self._lock:
            if self._resumes is None:
                return True
            if self._probing or self._clock() < self._resumes:
                return False
            self._probing = True
            return True

    def succeed(self) -> None:
        """Close the breaker after a success."""
        with self._lock:
            self._failures, self._resumes, self._probing = 0, None, False

    def fail(self, pause_s: float, *, at_once: bool = False) -> bool:
        """Count a failure; return whether it opened the breaker, for `pause_s` seconds.

        `at_once` opens it whatever the count. The failure of a call that began before the breaker opened changes
        nothing.
        """
        with self._lock:
            if self._resumes is not None and not self._probing:
                return False
            self._failures += 1
            if not (at_once or self._probing or self._failures >= self._limit):
                return False
            self._resumes, self._probing = self._clock() + pause_s, False
            return True

    def release(self) -> None:
        """End a call that tells nothing about the service, such as one whose caller left."""
        with self._lock:
            self._probing = False

    def reset(self) -> None:
        """Close the breaker without a call."""
        self.succeed()
