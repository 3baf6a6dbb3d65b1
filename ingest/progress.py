"""Progress of an ingest on stderr: bars on a terminal, and a line for each step."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Never, TextIO

from tqdm import tqdm


class Progress:
    """The progress of a job: bars only on a terminal, no output if `quiet`."""

    def __init__(self, out: TextIO | None = None, *, quiet: bool = False) -> None:
        self._out = out or sys.stderr
        self._quiet = quiet

    @contextmanager
    def bar(self, name: str, *, total: int, unit: str) -> Iterator[Callable[[int], object]]:
        """Show a step as a bar; yields a function that advances it by an amount of work."""
        hidden = True if self._quiet else None  # None: hidden unless the stream is a terminal
        bar: tqdm[Never] = tqdm(
            total=total, desc=name, unit=unit, unit_scale=True, file=self._out, disable=hidden, leave=False
        )
        with bar, self.step(name):
            yield bar.update

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Write the name and the duration of a step when it is complete."""
        started = time.monotonic()
        yield
        if not self._quiet:
            tqdm.write(f"{name}: {time.monotonic() - started:.1f} s", file=self._out)
