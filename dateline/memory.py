"""How a service that runs for months asks the C library for memory."""

import ctypes
import sys

M_ARENA_MAX = -8
ARENAS = 2


def share_arenas() -> None:
    """Let all threads allocate from few arenas, where the C library is one that would give each its own.

    Each opened generation leaves holes in the arena of the thread that opened it: with an arena a thread, a service
    keeps a fifth more after 200 of them. To be called before threads start.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(M_ARENA_MAX, ARENAS)
