"""Compute what an index of up to 10⁹ chunks costs from what is measured: the table and the plot of docs/scaling.md.

usage: python -m benchmarks.scaling [--write] [--take-over RUN.json ...]

`scaling.json` has the measured figures, each with the command that measures it. `--take-over` replaces
them by those of a run that another program wrote with `--json`. `--write` writes the table into the page,
between its two marks, and the plot.

A number of the table is measured if a program measured it at that size. The others, with `≈`, are computed by the
formula of their row, in which N is the number of chunks.
"""

import argparse
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

from benchmarks.figures import Figure, Run, in_order
from benchmarks.options import first_line
from benchmarks.plot import Curve, Panel, Point, svg
from benchmarks.table import print_table

MEASURED = Path(__file__).with_name("scaling.json")
PAGE = Path(__file__).parents[1] / "docs" / "scaling.md"
PLOT = PAGE.parent / "images" / "scaling.svg"
BEGIN, END = "<!-- written by `python -m benchmarks.scaling --write` -->", "<!-- end -->"

SIZES = {10**4: "10⁴", 10**5: "10⁵", 10**6: "10⁶", 10**7: "10⁷", 10**9: "10⁹"}
MEASURED_SIZES = 3
"""The first of the sizes, at which indexes are built."""

NEAR = 0.2
"""A measured index counts as one of a size if its chunks differ by less than this part."""

NETWORK_MB_S = 100
"""Bytes that a replica gets in a second: one gigabit, less overhead."""

MONTH_USD_GB, CORE_HOUR_USD = 0.023, 0.04
"""Usual list prices in 2026: a GB in an object store for a month, an hour of a core."""

WORKER_CORES = 2
SHARD = 5_000_000
"""Chunks of a shard: its index fits a machine with 32 GB of memory."""


class Constants:
    """A measured figure: at a size, or per chunk at the largest size that it was measured at."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def of(self, name: str, size: float | None = None) -> Figure | None:
        """Return a figure at a size, or at the largest one; None if it was not measured there."""
        found = [each for each in self.run.figures if each.name == name]
        if size is not None:
            found = [each for each in found if abs((each.chunks or 0) / size - 1) < NEAR]
        return max(found, key=lambda each: each.chunks or 0, default=None)

    def value(self, name: str) -> float:
        """Return the value of a figure at the largest size; raises KeyError if it was not measured."""
        found = self.of(name)
        if found is None:
            raise KeyError(f"{MEASURED.name} has no figure {name!r}; run the program that measures it")
        return found.value

    def per_chunk(self, name: str) -> float:
        """Return a figure for each chunk, at the largest size."""
        found = self.of(name)
        return self.value(name) / ((found and found.chunks) or 1)

    def line(self, name: str, size: float) -> float:
        """Return a figure at a size on the straight line through its two largest sizes."""
        known = sorted((each.chunks or 0, each.value) for each in self.run.figures if each.name == name)
        (x1, y1), (x2, y2) = known[-2:]
        return y2 + (size - x2) * (y2 - y1) / (x2 - x1)


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table: what it is called, how a number is computed, and the figure that is measured if there is one.

    `scale` turns the unit of the figure into that of the row.
    """

    name: str
    unit: str
    formula: str
    compute: Callable[[float, Constants], float]
    figure: str = ""
    scale: Callable[[Figure], float] = lambda figure: figure.value
    largest: float = 10**9
    """The largest size for which the number means something: beyond it, there are shards."""

    def at(self, size: float, known: Constants) -> Point | None:
        """Return the number at a size."""
        found = known.of(self.figure, size) if self.figure else None
        if found is not None:
            return Point(size, self.scale(found), is_measured=True)
        return Point(size, self.compute(size, known), is_measured=False) if size <= self.largest else None


def _gb(figure: Figure) -> float:
    return figure.value * (figure.chunks or 0) / 1e9


def _disk(kind: str) -> Callable[[float, Constants], float]:
    return lambda size, known: size * known.value(f"disk, {kind}") / 1e9


def _hours(workers: int) -> Callable[[float, Constants], float]:
    return lambda size, known: size / known.value("ingest, pipeline only") / workers / 3600


def _line(name: str, unit: str, figure: str, scale: float = 1.0) -> Row:
    """Return the row of a figure that grows in a line from its two largest sizes, up to ten million chunks."""
    return Row(
        name,
        unit,
        "line through the two largest",
        lambda size, known: known.line(figure, size) * scale,
        figure,
        lambda found: found.value * scale,
        10**7,
    )


ROWS = (
    Row("articles", "", "N / (chunks of an article)", lambda n, k: n * k.per_chunk("articles"), "articles"),
    Row("index on disk", "GB", "N × B/chunk", _disk("all"), "disk, all", _gb),
    Row("of it catalogue: text, titles, keys", "GB", "N × B/chunk", _disk("catalogue"), "disk, catalogue", _gb),
    Row("of it exact vectors", "GB", "N × B/chunk", _disk("vectors"), "disk, vectors", _gb),
    Row("of it Chroma's graph", "GB", "N × B/chunk", _disk("Chroma"), "disk, Chroma", _gb),
    Row("of it postings", "GB", "N × B/chunk", _disk("postings"), "disk, postings", _gb),
    Row("disk during a merge", "GB", "2 × index", lambda n, k: 2 * _disk("all")(n, k)),
    Row("embedding, one worker", "h", "N / rate / 3600", _hours(1)),
    Row("embedding, 16 workers", "h", "N / rate / 16 / 3600", _hours(16)),
    Row("its price", "$", "hours × 2 cores × .04 $", lambda n, k: _hours(1)(n, k) * WORKER_CORES * CORE_HOUR_USD),
    Row(
        "first ingest, vectors there",
        "h",
        "N × s/chunk at the largest size / 3600",
        lambda n, k: n * k.per_chunk("first ingest, without vectors") / 3600,
        "first ingest, without vectors",
        lambda figure: figure.value / 3600,
        10**7,
    ),
    _line("publish of one article", "s", "publish, running writer, median"),
    _line("memory of a service, without files", "GB", "service, memory without files", 1e-3),
    _line("question, lexical search", "ms", "question, lexical, p50"),
    _line("question, dense search", "ms", "question, dense, p50"),
    Row(
        "first copy to a replica", "h", "bytes / 100 MB/s", lambda n, k: _disk("all")(n, k) * 1e3 / NETWORK_MB_S / 3600
    ),
    Row("object store, a month", "$", "2 × GB × .023 $", lambda n, k: 2 * _disk("all")(n, k) * MONTH_USD_GB),
    Row("shards of 5 million", "", "N / 5,000,000", lambda n, _: max(1.0, n / SHARD)),
)


ALSO_SHOWN = (
    "ingest, pipeline only",
    "ingest, complete job",
    "segments",
    "first ingest, peak memory",
    "question, retrieve, p50",
    "POST /v1/search, p50",
    "POST /v1/ask, p50",
    "service, until ready",
    "service, memory",
    "publish, cold command, median",
    "swap, median",
    "first pull",
    "pull after a publish, median",
    "publish of ten articles, share of the index, worst",
    "all 200 publishes, share of the index for each",
)
SHOWN = {row.figure for row in ROWS} | {*ALSO_SHOWN}
"""The measured figures of the page."""


def table(known: Constants) -> Iterator[list[str]]:
    """Yield the head of the table and its rows."""
    yield ["", *SIZES.values(), "computed by"]
    for row in ROWS:
        points = (row.at(size, known) for size in SIZES)
        yield [f"{row.name}, {row.unit}".removesuffix(", "), *(_written(point) for point in points), row.formula]


def _written(point: Point | None) -> str:
    if point is None:
        return "–"
    digits = _digits(point.value)
    return digits if point.is_measured else f"≈ {digits}"


def _digits(value: float) -> str:
    """Return a number with two significant digits, without an exponent."""
    rounded = float(f"{value:.2g}")
    return f"{rounded:,.0f}" if rounded >= 10 or rounded == round(rounded) else f"{Decimal(str(rounded)):f}"


def plot(known: Constants) -> str:
    """Return the plot of the table as SVG."""
    rows = {row.name: row for row in ROWS}

    def curve(label: str, name: str) -> Curve:
        found = (rows[name].at(size, known) for size in SIZES)
        return Curve(label, [point for point in found if point is not None])

    panels = (
        Panel("GB", [curve("disk", "index on disk"), curve("memory", "memory of a service, without files")]),
        Panel(
            "milliseconds of a question",
            [curve("dense", "question, dense search"), curve("lexical", "question, lexical search")],
        ),
        Panel(
            "hours",
            [
                curve("embed", "embedding, one worker"),
                curve("16 workers", "embedding, 16 workers"),
                curve("first ingest", "first ingest, vectors there"),
                curve("first copy", "first copy to a replica"),
            ],
        ),
    )
    return svg(panels, "Disk, memory, time of a question and hours of embedding by the number of chunks")


def page(known: Constants, text: str) -> str:
    """Return the text of the page with the table of today between its marks."""
    head, *rows = table(known)
    lines = [head, ["---"] * len(head), *rows]
    written = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    before, _, rest = text.partition(BEGIN)
    after = rest.partition(END)[2]
    return f"{before}{BEGIN}\n\n{written}\n\n{measured_by(known)}\n\n{END}{after}"


def measured_by(known: Constants) -> str:
    """Return the measured figures with the command of each, as a Markdown table."""
    columns = list(SIZES)[:MEASURED_SIZES]
    lines = [["measured", *(SIZES[size] for size in columns), "any size", "command"], ["---"] * (len(columns) + 3)]
    for name in dict.fromkeys(each.name for each in known.run.figures):
        at = [known.of(name, size) for size in columns]
        shown = [each and each.cells()[2] for each in at]
        one = known.of(name)
        anywhere = one.cells()[2] if one and not any(at) else ""
        lines.append([name, *(str(each or "") for each in shown), str(anywhere), f"`{one.command if one else ''}`"])
    written = "\n".join(f"| {' | '.join(line)} |" for line in lines)
    return f"{written}\n\nThe last of these runs: {known.run.machine}."


def taken_over(run: Run, new: Run) -> Run:
    """Return a run with the figures of another that the page shows, in place of those of the same names and sizes."""
    shown = [each for each in new.figures if each.name in SHOWN]
    replaced = {(each.name, each.chunks) for each in shown}
    kept = [each for each in run.figures if (each.name, each.chunks) not in replaced]
    return replace(new, figures=tuple(in_order([*kept, *shown])))


def main(given: Sequence[str] | None = None) -> None:
    """Print the table; take over figures and write the page if asked."""
    options = parser()
    arguments = options.parse_args(given)
    run = Run.read(MEASURED)
    for file in arguments.take_over:
        run = taken_over(run, Run.read(file))
    known = Constants(run)
    head, *rows = table(known)
    print_table(head, rows)
    if arguments.write:
        run.write(MEASURED)
        PAGE.write_text(page(known, PAGE.read_text(encoding="utf-8")), encoding="utf-8")
        PLOT.write_text(plot(known), encoding="utf-8")


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    options = argparse.ArgumentParser(description=first_line(__doc__))
    options.add_argument("--write", action="store_true", help="write the page, the plot and the figures")
    options.add_argument("--take-over", type=Path, nargs="*", default=(), help="runs whose figures replace older ones")
    return options


if __name__ == "__main__":
    main()
