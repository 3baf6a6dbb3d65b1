"""Time: of the steps of a job, of calls one after another, and what percentiles and medians they have."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import TypeVar

import numpy as np

from ingest.progress import Progress

Item = TypeVar("Item")


class TimedProgress(Progress):
    """The progress of an ingest, silent, with the seconds of each of its steps."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Count the seconds of a step under its name."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


def seconds_of(call: Callable[[], object]) -> float:
    """How long a call takes."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def milliseconds_of(call: Callable[[Item], object], items: Iterable[Item]) -> list[float]:
    """How long a call takes for each item, one after another."""
    return [1000 * seconds_of(lambda: call(item)) for item in items]  # noqa: B023 - called before the next item comes


def percentiles(values: Sequence[float]) -> list[float]:
    """The 50th, 95th and 99th percentile."""
    return [float(value) for value in np.percentile(values, (50, 95, 99))]


def middle(values: Sequence[float]) -> float:
    """The median."""
    return float(median(values))
