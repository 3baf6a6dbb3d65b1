"""Plots as SVG: panels of curves over a logarithmic number of chunks, readable on light and on dark pages.

Filled points are measured, hollow ones computed; a curve is dashed towards a computed point.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from itertools import pairwise

WIDTH, HEIGHT = 320, 280
LEFT, RIGHT, TOP, BOTTOM = 52, 84, 34, 40
COLOURS = ("#3b76d0", "#d9822b", "#3a9c5f", "#b8559e")
LINE = 14
"""Least distance of two labels."""

STYLE = """<style>
text { font: 11px system-ui, sans-serif; fill: #3a3f47; }
.title { font-weight: 600; font-size: 12px; }
.grid { stroke: #8884; }
.hollow { fill: #fff; }
@media (prefers-color-scheme: dark) { text { fill: #c9d1d9; } .hollow { fill: #0d1117; } }
</style>"""


@dataclass(frozen=True, slots=True)
class Point:
    """A value at a number of chunks."""

    chunks: float
    value: float
    is_measured: bool


@dataclass(frozen=True, slots=True)
class Curve:
    """A named row of points, by ascending chunks."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Panel:
    """Curves of one unit, which the title names."""

    title: str
    curves: Sequence[Curve]


def svg(panels: Sequence[Panel], description: str) -> str:
    """Return the panels side by side as one SVG image with a description for readers who do not see it."""
    drawn = "\n".join(
        f'<g transform="translate({at * WIDTH},0)">\n{"".join(_panel(panel))}</g>' for at, panel in enumerate(panels)
    )
    size = f'width="{len(panels) * WIDTH}" height="{HEIGHT}" viewBox="0 0 {len(panels) * WIDTH} {HEIGHT}"'
    label = f'role="img" aria-label="{escape(description)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size} {label}>\n{STYLE}\n{drawn}\n</svg>\n'


@dataclass(frozen=True, slots=True)
class _Axis:
    """A logarithmic axis: powers of ten from `low` to `high`, from the pixel `start` to the pixel `end`."""

    low: int
    high: int
    start: float
    end: float

    @classmethod
    def over(cls, values: Sequence[float], start: float, end: float) -> "_Axis":
        low, high = math.floor(math.log10(min(values))), math.ceil(math.log10(max(values)))
        return cls(low, max(high, low + 1), start, end)

    def at(self, value: float) -> float:
        """Return the pixel of a value."""
        return self.start + (math.log10(value) - self.low) / (self.high - self.low) * (self.end - self.start)


def _panel(panel: Panel) -> Iterator[str]:
    points = [point for curve in panel.curves for point in curve.points]
    across = _Axis.over([point.chunks for point in points], LEFT, WIDTH - RIGHT)
    up = _Axis.over([point.value for point in points], HEIGHT - BOTTOM, TOP)
    yield f'<text class="title" x="{LEFT}" y="18">{escape(panel.title)}</text>\n'
    for power in range(up.low, up.high + 1):
        y = up.at(10**power)
        yield f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.0f}" y2="{y:.0f}"/>'
        yield f'<text x="{LEFT - 6}" y="{y + 4:.0f}" text-anchor="end">{_number(power)}</text>\n'
    for power in range(across.low, across.high + 1):
        x = across.at(10**power)
        yield f'<line class="grid" x1="{x:.0f}" x2="{x:.0f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        yield f'<text x="{x:.0f}" y="{HEIGHT - BOTTOM + 16}" text-anchor="middle">10{_raised(power)}</text>\n'
    yield f'<text x="{(LEFT + WIDTH - RIGHT) / 2:.0f}" y="{HEIGHT - 8}" text-anchor="middle">chunks</text>\n'
    labels = _apart([up.at(curve.points[-1].value) for curve in panel.curves])
    for curve, colour, label in zip(panel.curves, COLOURS, labels, strict=False):
        yield from _curve(curve, colour, across, up)
        end = across.at(curve.points[-1].chunks)
        yield f'<text x="{end + 8:.0f}" y="{label + 4:.0f}" style="fill:{colour}">{escape(curve.name)}</text>\n'


def _curve(curve: Curve, colour: str, across: _Axis, up: _Axis) -> Iterator[str]:
    for one, other in pairwise(curve.points):
        ends = (across.at(one.chunks), up.at(one.value), across.at(other.chunks), up.at(other.value))
        x1, y1, x2, y2 = (f"{end:.1f}" for end in ends)
        dashed = "" if one.is_measured and other.is_measured else ' stroke-dasharray="4 3"'
        yield f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="{colour}" stroke-width="1.5"{dashed}/>\n'
    for point in curve.points:
        filled = f'fill="{colour}"' if point.is_measured else 'class="hollow"'
        place = f'cx="{across.at(point.chunks):.1f}" cy="{up.at(point.value):.1f}"'
        yield f'<circle {place} r="3" stroke="{colour}" {filled}/>\n'


def _apart(places: Sequence[float]) -> list[float]:
    """Return places of labels at least a line apart, in the same order from top to bottom."""
    moved = list(places)
    order = sorted(range(len(places)), key=places.__getitem__)
    for above, below in pairwise(order):
        moved[below] = max(moved[below], moved[above] + LINE)
    return moved


def _number(power: int) -> str:
    value = 10.0**power
    if power >= 6:
        return f"10{_raised(power)}"
    return f"{value:,.0f}" if power >= 0 else f"{value:.{-power}f}"


def _raised(power: int) -> str:
    return str(power).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
