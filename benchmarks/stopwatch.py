"""Times of the steps of a job and of repeated calls, with percentiles and medians; memory of a process."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TypeVar

import numpy as np

from ingest.report import Progress

Item = TypeVar("Item")

WARM_UP = 20


class TimedProgress(Progress):
    """Silent progress of an ingest that records the seconds of each step."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.seconds: dict[str, float] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Add the seconds of a step under its name."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


def seconds_of(call: Callable[[], object]) -> float:
    """Return the duration of a call in seconds."""
    began = time.perf_counter()
    call()
    return time.perf_counter() - began


def milliseconds_of(call: Callable[[Item], object], items: Iterable[Item]) -> list[float]:
    """Return the duration of the call for each item in milliseconds, one after another."""
    return [1000 * seconds_of(lambda: call(item)) for item in items]  # noqa: B023 - called before the next item comes


def alternate(
    steps: Mapping[str, Callable[[Item], object]], asked: Sequence[Item], rounds: int
) -> dict[str, list[float]]:
    """Return the milliseconds of each step for every question; steps alternate."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        milliseconds_of(step, asked[:WARM_UP])
    for _ in range(rounds):
        for name, step in steps.items():
            times[name] += milliseconds_of(step, asked)
    return times


def percentiles(values: Sequence[float]) -> list[float]:
    """Return the 50th, 95th and 99th percentile."""
    return [float(value) for value in np.percentile(values, (50, 95, 99))]


def middle(values: Sequence[float]) -> float:
    """Return the median."""
    return float(median(values))


def memory_of(process: int | str, field: str) -> float:
    """Return a field of /proc/PROCESS/status in MB."""
    lines = Path(f"/proc/{process}/status").read_text(encoding="utf-8").splitlines()
    found = next(line for line in lines if line.startswith(f"{field}:"))
    return int(found.split()[1]) / 1024
