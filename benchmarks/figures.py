"""A measured figure, the machine that it was measured on, and the file of JSON that keeps both.

A figure may have the value of what a user would pick instead, measured in the same run. `ratio` then says how many
times better Dateline is: above 1 it is faster, or smaller.
"""

import json
import os
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from benchmarks.table import Cell, print_table

GIB = 2**30
DATE = "%d %B %Y"


@dataclass(frozen=True, slots=True)
class Figure:
    """A measured value with its unit.

    `chunks` is the size of the index, `goal` such as `≤ 1`, `other` the value of the alternative, whose name is
    `instead`, and `command` the program that measures the figure.
    """

    name: str
    value: float
    unit: str = ""
    chunks: int | None = None
    goal: str = ""
    other: float | None = None
    instead: str = ""
    command: str = ""

    @property
    def ratio(self) -> float | None:
        """How many times better the value is than the alternative's; None without one."""
        if not self.other or not self.value:
            return None
        return self.value / self.other if self.unit.endswith("/s") else self.other / self.value

    def cells(self) -> list[Cell]:
        """Return the name, the size of the index, the value, the alternative's, the ratio and the goal."""
        other = None if self.other is None else _written(self.other, self.unit)
        ratio = None if self.ratio is None else written_ratio(self.ratio)
        return [self.name, self.chunks, _written(self.value, self.unit), other, ratio, self.goal or None]


HEAD = ("", "chunks", "measured", "instead", "ratio", "goal")


def written_ratio(ratio: float) -> str:
    """Return a ratio with two significant digits."""
    return f"{float(f'{ratio:.2g}'):g} ×"


def _written(value: float, unit: str) -> str:
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"
    return f"{digits} {unit}".rstrip()


@dataclass(frozen=True, slots=True)
class Machine:
    """The machine of a run, and the load before and after it; names no host."""

    date: str
    processor: str
    processors: int
    memory_gib: float
    load_before: float
    load_after: float

    @classmethod
    def read(cls) -> Self:
        """Return this machine at the beginning of a run."""
        models = [line.partition(":")[2].strip() for line in _lines("/proc/cpuinfo") if line.startswith("model name")]
        memory = next(int(line.split()[1]) * 1024 for line in _lines("/proc/meminfo") if line.startswith("MemTotal"))
        load = round(os.getloadavg()[0], 1)
        processors = len(os.sched_getaffinity(0))
        date = datetime.now(UTC).strftime(DATE).lstrip("0")
        return cls(date, models[0] if models else "unknown", processors, round(memory / GIB), load, load)

    def after(self) -> Self:
        """Return the machine with the load of now, at the end of a run."""
        return replace(self, load_after=round(os.getloadavg()[0], 1))

    def __str__(self) -> str:
        described = f"{self.processor}, {self.processors} processors, {self.memory_gib:g} GiB of memory"
        return f"{self.date}; {described}; load {self.load_before} before and {self.load_after} after"


@dataclass(frozen=True, slots=True)
class Run:
    """The figures of one run on one machine."""

    machine: Machine
    figures: tuple[Figure, ...]

    @classmethod
    def read(cls, file: Path) -> Self:
        """Read a run from its file."""
        found = json.loads(file.read_text(encoding="utf-8"))
        return cls(Machine(**found["machine"]), tuple(Figure(**each) for each in found["figures"]))

    def write(self, file: Path) -> None:
        """Write the run as JSON, a line for each figure."""
        lines = ",\n  ".join(json.dumps(_short(asdict(each)), ensure_ascii=False) for each in self.figures)
        machine = json.dumps(asdict(self.machine), ensure_ascii=False)
        file.write_text(f'{{\n "machine": {machine},\n "figures": [\n  {lines}\n ]\n}}\n', encoding="utf-8")

    @classmethod
    def of(cls, figures: Iterable[Figure]) -> Self:
        """Measure figures, one after another, on this machine."""
        machine = Machine.read()
        measured = tuple(in_order(figures))
        return cls(machine.after(), measured)

    def report(self, file: Path | None = None) -> None:
        """Print a table of the figures, and the machine; write the run into a file if one is given."""
        print_table(HEAD, [each.cells() for each in self.figures])
        print(f"\n{self.machine}")
        if file:
            self.write(file)


def in_order(figures: Iterable[Figure]) -> Sequence[Figure]:
    """Return figures with equal names one after another, in the order of their first."""
    by_name: dict[str, list[Figure]] = {}
    for each in figures:
        by_name.setdefault(each.name, []).append(each)
    return [each for named in by_name.values() for each in named]


def _short(fields: dict[str, Any]) -> dict[str, Any]:
    rounded = {name: float(f"{each:.4g}") if isinstance(each, float) else each for name, each in fields.items()}
    return {name: each for name, each in rounded.items() if each not in (None, "")}


def _lines(file: str) -> list[str]:
    return Path(file).read_text(encoding="utf-8").splitlines()
