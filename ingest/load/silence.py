"""Vendors that log what a rejection says better."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

_ABOVE_ALL = logging.CRITICAL + 1


@contextmanager
def silenced(*names: str) -> Iterator[None]:
    """Keep the loggers of these names, and those below them, quiet within the block; their levels come back."""
    levels = {name: logging.getLogger(name).level for name in names}
    for name in names:
        logging.getLogger(name).setLevel(_ABOVE_ALL)
    try:
        yield
    finally:
        for name, level in levels.items():
            logging.getLogger(name).setLevel(level)
