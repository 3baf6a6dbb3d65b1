"""Progress of an ingest on stderr: a bar where the amount of work is known, a line where it is not."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Never, Protocol, TextIO

from tqdm import tqdm


class Bar(Protocol):
    """Something that is told how much work was done."""

    def advance(self, amount: int) -> None:
        """So much more is done."""


class _Shown:
    def __init__(self, bar: "tqdm[Never]") -> None:
        self._bar = bar

    def advance(self, amount: int) -> None:
        self._bar.update(amount)


class Progress:
    """Shows each step of a job; bars only on a terminal, nothing at all when `quiet`."""

    def __init__(self, out: TextIO | None = None, *, quiet: bool = False) -> None:
        self._out = out or sys.stderr
        self._quiet = quiet

    @contextmanager
    def bar(self, name: str, *, total: int, unit: str) -> Iterator[Bar]:
        """A step whose amount of work is known; the bar counts what is really done."""
        hidden = True if self._quiet else None  # None: hidden unless the stream is a terminal
        with (
            tqdm(
                total=total, desc=name, unit=unit, unit_scale=True, file=self._out, disable=hidden, leave=False
            ) as bar,
            self.step(name),
        ):
            yield _Shown(bar)

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """A step that is named, with its duration, when it is done."""
        started = time.monotonic()
        yield
        if not self._quiet:
            tqdm.write(f"{name}: {time.monotonic() - started:.1f} s", file=self._out)
