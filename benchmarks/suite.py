"""Measure Dateline beside what a user would pick instead, and write one page: `make bench`.

usage: OMP_NUM_THREADS=1 python -m benchmarks.suite [--bench PATH] [--work PATH] [--quick] [--write]

The programs of the suite run one after another on one index: ingest, a question by step, services (start, memory,
searches and answers a second), publish. The alternative is the stock LlamaIndex pipeline over Chroma, and a minimal
FastAPI service on both, with the same model, in an environment of its own; if that cannot be installed, Dateline is
measured alone. Without `--bench`, the articles are invented and the vectors of the index fake. The page is written into
the work folder, and with `--write` as docs/benchmarks.md. `--quick` is for a check that everything runs.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ingest_speed, publish, question_speed, services
from benchmarks.figures import Figure, Run, written_ratio
from benchmarks.made_index import made_index
from benchmarks.options import parser, workplace
from benchmarks.services import Load
from benchmarks.stock import stock_environment
from benchmarks.texts import texts_of

MEASURED = Path(__file__).with_name("suite.json")
PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
BAR = 40
"""Length of the bar of ten."""

HEAD = """\
# Benchmarks

This page is written from `benchmarks/suite.json` by `make bench BENCH=--write`; do not edit it.

Dateline beside what a user would pick instead, in one run: the stock LlamaIndex pipeline over Chroma, a minimal FastAPI
service on both, LlamaIndex's default retriever. Both sides have the same model, chunks and vectors. A ratio above 1
means that Dateline is faster, or smaller. Load slows down both sides, but not alike: read ratios, not digits.
[benchmarks/README.md](../benchmarks/README.md) says what the programs measure, [scaling.md](scaling.md) has larger
indexes.
"""


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured: articles of the ingest and of the index, questions, publishes, and the load of services."""

    ingested: int
    indexed: int
    questions: int
    publishes: int
    rounds: int
    load: Load


FULL = Sizes(100, 1_700, 200, 40, 3, Load(8, 8.0, 3))
QUICK = Sizes(20, 170, 30, 5, 1, Load(4, 2.0, 1))


def main() -> None:
    """Run the suite, print the figures and write the page."""
    options = parser(__doc__, bench=None)
    options.add_argument("--quick", action="store_true", help="small sizes, about three minutes")
    options.add_argument("--write", action="store_true", help="write docs/benchmarks.md and its figures")
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        run = Run.of(measured(arguments.bench, work, QUICK if arguments.quick else FULL))
        run.report()
        (work / PAGE.name).write_text(page(run), encoding="utf-8")
    if arguments.write:
        run.write(MEASURED)
        PAGE.write_text(page(Run.read(MEASURED)), encoding="utf-8")


def measured(bench: Path | None, work: Path, sizes: Sizes) -> Iterator[Figure]:
    """Yield the figures of all programs."""
    texts, python = texts_of(bench), stock_environment(work)
    yield from ingest_speed.compare(bench, work, python, sizes.ingested, sizes.rounds)
    made = made_index(work, sizes.indexed, texts, "real" if bench else "fake")
    yield from question_speed.compare(made, texts, work, bench, (sizes.questions, sizes.rounds))
    yield from services.compare(made, texts, work, python, sizes.load)
    yield from publish.beside_stock(made, work, python, sizes.publishes)


def page(run: Run) -> str:
    """Return the page of a run."""
    return "\n".join([HEAD, f"{run.machine}.", "", *table(run.figures), "", "```", *bars(run.figures), "```", ""])


def table(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield the lines of a Markdown table of the figures."""
    yield "| | chunks | Dateline | instead | ratio | goal | command |"
    yield "|---|---|---|---|---|---|---|"
    for each in figures:
        name, chunks, value, other, *rest = each.cells()
        instead = f"{other}: {each.instead}" if other else ""
        cells = [name, f"{chunks:,}" if chunks else "", value, instead, *(cell or "" for cell in rest)]
        cells.append(f"`{each.command}`")
        yield f"| {' | '.join(map(str, cells))} |"


def bars(figures: Sequence[Figure]) -> Iterator[str]:
    """Yield a bar for each ratio, on a logarithmic scale; it is light where Dateline is worse."""
    shown = [(each.name, each.ratio) for each in figures if each.ratio]
    width = max((len(name) for name, _ in shown), default=0)
    for name, ratio in shown:
        length = min(BAR, max(1, round(BAR * abs(math.log10(ratio)))))
        yield f"{name:{width}}  {('█' if ratio >= 1 else '░') * length} {written_ratio(ratio)}"


if __name__ == "__main__":
    main()
