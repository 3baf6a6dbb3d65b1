"""Rates: how often something may happen, in all and for each client."""

import ipaddress
import time
from collections.abc import Callable
from dataclasses import dataclass, field

CLIENTS = 10_000
"""Clients that are counted one by one; beyond that the one not seen for longest is dropped."""


@dataclass(slots=True)
class Rate:
    """A leaky bucket for each key: `burst` at once, and `per_second` more from then on."""

    burst: int
    per_second: float
    clock: Callable[[], float] = time.monotonic
    _levels: dict[str, tuple[float, float]] = field(default_factory=dict)

    def wait_s(self, key: str = "") -> float:
        """Count one for a key and return 0.0, or return the seconds until one is possible and count nothing."""
        now = self.clock()
        level, at = self._levels.pop(key, (0.0, now))
        level = max(0.0, level - (now - at) * self.per_second)
        wait = max(0.0, (level + 1 - self.burst) / self.per_second)
        self._levels[key] = (level if wait else level + 1, now)
        if len(self._levels) > CLIENTS:
            del self._levels[next(iter(self._levels))]
        return wait


def network_of(address: str) -> str:
    """Return what counts as one client: an IPv4 address, or the /64 that an IPv6 address is in."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    return address if parsed.version == 4 else str(ipaddress.ip_network((address, 64), strict=False))
