"""Follow something outside of this process, such as a store: look again and again, and retry with growing pauses."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from index.errors import ConfigurationError, DatelineError, PublisherConflict

LONGEST_WAIT_S = 60.0
"""The longest pause after looks that failed; the first is a second, each further one twice as long."""

logger = logging.getLogger("dateline.replicas")


@dataclass(slots=True)
class Follower:
    """Calls `look` every `every_s` seconds until an error that only an operator can fix."""

    look: Callable[[], object]
    every_s: float
    sleep: Callable[[float], None] = time.sleep
    _failures: int = 0

    def run(self) -> None:
        """Look until ConfigurationError or PublisherConflict; other errors of Dateline are logged and retried."""
        while True:
            self.sleep(self.step())

    def step(self) -> float:
        """Look once; return the seconds to wait before the next look."""
        try:
            self.look()
        except (ConfigurationError, PublisherConflict):
            raise
        except DatelineError as error:
            wait = min(2.0**self._failures, LONGEST_WAIT_S)
            self._failures = min(self._failures + 1, 10)
            logger.warning("next try in %.0f s: %s", wait, " ".join(str(error).split()))
            return wait
        if self._failures:
            logger.info("it works again")
        self._failures = 0
        return self.every_s
