"""Charts: where the bars and dots of the HTML page lie, in the units of its SVG. Tables say the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from eval.records import Outcome
from eval.report import Report
from eval.report.flow import funnel
from eval.report.tables import by_type, comparable
from eval.summary import Group

LEFT, WIDTH = 150.0, 420.0
"""Where the axis begins, and how long it is."""

Served = Literal["well", "half", "silent", "badly", "error"]

SERVED: Mapping[Outcome, Served] = {
    "correct": "well",
    "refused_ok": "well",
    "partial": "half",
    "over_refused": "silent",
    "error": "error",
}
"""How a reader is served; every other outcome serves badly."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A part of a bar."""

    served: Served
    n: int
    x: float
    width: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A bar with its name."""

    name: str
    segments: tuple[Segment, ...]


@dataclass(frozen=True, slots=True)
class Dot:
    """A share with its interval, and the share before."""

    name: str
    n: int
    share: float
    x: float
    low: float
    high: float
    before: float | None


@dataclass(frozen=True, slots=True)
class FunnelBar:
    """A step of the funnel: its counts, and how long its bars are."""

    name: str
    now: int
    before: int | None
    width: float
    before_width: float | None


def served_bars(report: Report) -> tuple[Bar, ...]:
    """How readers are served by all questions, before (where that can be compared) and now."""
    groups = {"now": report.summary.get("all")}
    if comparable(report):
        groups = {"before": report.baseline_summary["all"], **groups}
    return tuple(Bar(name, _segments(group)) for name, group in groups.items() if group and group.n)


def good_dots(report: Report) -> tuple[Dot, ...]:
    """The share of each type that is answered well."""
    return tuple(
        Dot(
            line.name,
            line.n,
            line.good.now.value,
            _x(line.good.now.value),
            _x(line.good.now.low),
            _x(line.good.now.high),
            _x(line.good.before.value) if line.good.before else None,
        )
        for line in by_type(report)
        if line.good.now
    )


def funnel_bars(report: Report) -> tuple[FunnelBar, ...]:
    """How far the questions came."""
    steps = funnel(report)
    longest = max([1, *(count for step in steps for count in (step.now, step.before) if count)])
    return tuple(
        FunnelBar(
            step.name,
            step.now,
            step.before,
            WIDTH * step.now / longest,
            WIDTH * step.before / longest if step.before is not None else None,
        )
        for step in steps
    )


def _segments(group: Group) -> tuple[Segment, ...]:
    kinds: tuple[Served, ...] = ("well", "half", "silent", "badly", "error")
    counts = dict.fromkeys(kinds, 0)
    for outcome, n in group.outcomes.items():
        counts[SERVED.get(outcome, "badly")] += n
    segments: list[Segment] = []
    x = LEFT
    for served, n in counts.items():
        width = WIDTH * n / group.n
        if n:
            segments.append(Segment(served, n, x, width))
        x += width
    return tuple(segments)


def _x(share: float) -> float:
    return LEFT + WIDTH * min(1.0, max(0.0, share))
