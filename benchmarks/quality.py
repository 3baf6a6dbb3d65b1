"""Measure the quality of answers: one table with 95 % intervals, the figures of the first release, and the goals.

usage: python -m benchmarks.quality --bench PATH [--work PATH] [--questions N] [--json PATH] [--errors PATH]
                                    [--reporting-half]

The complete offline pipeline answers each question; no set was used for fitting or training. `first quote` and `one of
three` judge the best sentences of the evidence, shown or not, by the rule in `hits.py`; the other lines judge what is
shown. Off-topic questions belong to one half of the held-out SQuAD articles and are asked of the other half. RGB's
negatives are asked of paragraphs without the answer. `right of answered` is the share of answers to RGB's answerable
questions, labelled `answered`, with a quote that contains the answer.

The support check is measured on the fitting half of the second part of `support/`, on which it was developed;
`--reporting-half` adds the half that is to be opened once. Times are those of the SQuAD questions, on one core. A
complete run takes 10 to 15 minutes of it. `--errors` writes wrong answers of the product, to be read one by one.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.hits import Estimate, auroc_of, figure_of, share_of
from benchmarks.judged import RANKED, Judged, judge
from benchmarks.options import parser, workplace
from benchmarks.retrieval_quality import AT, ranking_measures
from benchmarks.sets import CLAPNQ, RGB, QuestionSet, off_topic_sets, rejections, squad_2
from benchmarks.support_check import Row, read_bench, read_halves
from benchmarks.table import Cell, print_table
from benchmarks.trial import Asker, article_id, indexed
from index.embedding.local import LocalEmbedder
from service.citations.verify import SupportCheck, Thresholds

QUESTIONS = 1000
ERRORS = 20
RANKED_CHUNKS = 20
"""Chunks that are retrieved for nDCG@10, which ranks paragraphs."""

READERS = {"without the span reader": False, "with it": True}
"""The columns of the table, and whether the span reader is on; the last one is the product."""

PRODUCT = list(READERS)[-1]


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the table: its name, the first release's figure, and the goal (at most, if `lower_is_better`)."""

    name: str
    first_release: float | None = None
    goal: float | None = None
    lower_is_better: bool = False
    digits: int = 3

    def is_reached(self, figure: Estimate | None) -> bool | None:
        """Return whether a figure reaches the goal; None without one of them."""
        if figure is None or self.goal is None:
            return None
        value = round(figure.value, self.digits)
        return value <= self.goal if self.lower_is_better else value >= self.goal


LINES = {
    "squad_first": Line("SQuAD held out: first quote right", 0.823, 0.88),
    "squad_any": Line("SQuAD held out: one of three right", 0.938, 0.95),
    "rgb_first": Line("RGB: first quote right", 0.500, 0.62),
    "rgb_any": Line("RGB: one of three right", 0.727, 0.83),
    "clapnq_first": Line("CLAP NQ: first quote right", 0.703, 0.70),
    "clapnq_any": Line("CLAP NQ: one of three right", 0.920, 0.91),
    "rgb_ndcg": Line("RGB: nDCG@10", 0.763, 0.785),
    "squad_auroc": Line("SQuAD held out: AUROC, answerable against near miss", 0.660, 0.75),
    "clapnq_auroc": Line("CLAP NQ: AUROC", 0.879, 0.89),
    "rgb_auroc": Line("RGB: AUROC", 0.717, 0.76),
    "rgb_right": Line("RGB: right of answered", 0.742, 0.80),
    "rgb_sentences": Line("RGB: sentences shown per answer", 3.0, 1.6, lower_is_better=True, digits=2),
    "rgb_negatives": Line("RGB: negatives called answered", 0.850, 0.35, lower_is_better=True),
    "rgb_kept": Line("RGB: right ones still answered", 0.972, 0.60),
    "off_topic": Line("SQuAD held out: off-topic refused", 0.992, 0.97),
    "answerable": Line("SQuAD held out: answerable answered or partial", 0.966, 0.95),
    "fast_p50": Line("offline answer without the span reader, ms: p50", 21, 60, lower_is_better=True, digits=0),
    "fast_p95": Line("offline answer without the span reader, ms: p95", 55, digits=0),
    "p50": Line("offline answer, ms: p50", 21, 170, lower_is_better=True, digits=0),
    "p95": Line("offline answer, ms: p95", 55, digits=0),
    "skipped": Line("SQuAD held out: questions that the span reader skipped"),
}
"""The lines about answers.

First release: commit edbbfed, measured in November 2026 by its own benchmarks, RGB read answer by answer. `right ones
still answered` follows from its shares. Goals: those of the issue "Right answers first".
"""

SUPPORT_GOALS = {
    "lies verified": (0.05, 0.04),
    "lies shown": (0.20, 0.15),
    "truths verified": (0.40, 0.65),
    "truths withheld": (0.35, 0.15),
}
"""The lines of the support check, and their goals without and with the quote."""

SUPPORT_FIRST_RELEASE: Mapping[str, Sequence[float]] = {
    "support check, developed on": (0.13, 0.21, 0.37, 0.52),
    "support check, untouched half": (0.13, 0.21, 0.37, 0.52),
    "support check, factcheck_gpt": (0.062, 0.221, 0.220, 0.563),
    "support check, fm2_dev": (0.007, 0.038, 0.050, 0.884),
    "support check, lfqa_a": (0.089, 0.278, 0.657, 0.190),
    "support check, wice_dev": (0.000, 0.036, 0.208, 0.729),
}
"""The first release with its thresholds, on the first part's reporting half and on other samples of the sets."""

Figures = dict[str, Estimate | None]
"""Figures by the key of their line."""


def main() -> None:
    """Measure, print the table, and write it as JSON if asked."""
    options = parser(__doc__)
    options.add_argument("--questions", type=int, default=QUESTIONS, help="questions of each kind in a set, at most")
    options.add_argument("--json", type=Path, help="file to write the table to")
    options.add_argument("--errors", type=Path, help=f"file to write {ERRORS} wrong answers of each kind in a set to")
    options.add_argument("--reporting-half", action="store_true", help="open the reporting half of the support check")
    arguments = options.parse_args()
    use_one_core()
    with workplace(arguments.work) as work:
        table = measured(arguments, work)
    print_lines(table)
    print(
        f"load of the last quarter of an hour: {os.getloadavg()[2]:.1f}; questions of each kind: {arguments.questions}"
    )
    if arguments.json:
        arguments.json.write_text(json.dumps(described(table, arguments.questions), indent=2) + "\n", encoding="utf-8")


def use_one_core() -> None:
    """Run this thread and those it starts on one core, where the system can do that."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


Table = list[tuple[str, Line, Figures]]
"""The key of each line, the line, and its figure in each column."""


def measured(arguments: argparse.Namespace, work: Path) -> Table:
    """Return all lines of the table."""
    embedder = LocalEmbedder(work / "models")
    judged = ask_all(arguments.bench, work, embedder, arguments.questions)
    if arguments.errors:
        arguments.errors.write_text("".join(errors(judged[PRODUCT])), encoding="utf-8")
    columns = {column: answer_figures(of, span_reader=READERS[column]) for column, of in judged.items()}
    for column, ranks in rank_all(arguments.bench, work, embedder, arguments.questions).items():
        columns[column]["rgb_ndcg"] = figure_of(ranks)
    table: Table = [(key, line, {name: of[key] for name, of in columns.items()}) for key, line in LINES.items()]
    check = SupportCheck(embedder, Thresholds.read())
    for quotes in (False, True):
        fitting, reporting = read_halves(check, second=True, quotes=quotes, reporting=arguments.reporting_half)
        given = "support check, quote given" if quotes else "support check"
        table += support_lines(f"{given}, developed on", fitting, quotes=quotes)
        table += support_lines(f"{given}, untouched half", reporting, quotes=quotes)
    for file in sorted((arguments.bench / "support").glob("*.jsonl")):
        table += support_lines(f"support check, {file.stem}", list(read_bench(check, file)))
    return table


def ask_all(bench: Path, work: Path, embedder: LocalEmbedder, count: int) -> dict[str, dict[str, list[Judged]]]:
    """Return the judged questions of each set for each column."""
    _, held_out = squad_2(bench)
    sets = {
        "squad": [held_out.sample(count)],
        "clapnq": [QuestionSet.read(bench, CLAPNQ).sample(count)],
        "rgb": [QuestionSet.read(bench, RGB).sample(count), rejections(bench).sample(count)],
        "off_topic": [half.sample(max(1, count // 4)) for half in off_topic_sets(held_out)],
    }
    found: dict[str, dict[str, list[Judged]]] = {column: {name: [] for name in sets} for column in READERS}
    for name, parts in sets.items():
        for part in parts:
            data = indexed(part.paragraphs, embedder, work)
            for column, span_reader in READERS.items():
                with Asker(data, work / "models", span_reader=span_reader) as asker:
                    asker.ask(part.questions[-1].text)  # opens the index and loads the models
                    found[column][name] += judge(part.questions, asker)
    return found


def rank_all(bench: Path, work: Path, embedder: LocalEmbedder, count: int) -> dict[str, list[float]]:
    """Return nDCG@10 of each of RGB's answerable questions for each column."""
    questions = QuestionSet.read(bench, RGB).sample(count)
    ids = {article_id(number): paragraph.id for number, paragraph in enumerate(questions.paragraphs)}
    data = indexed(questions.paragraphs, embedder, work)
    ranks: dict[str, list[float]] = {}
    for column, span_reader in READERS.items():
        ranks[column] = []
        with Asker(data, work / "models", span_reader=span_reader) as asker:
            for question in questions.questions:
                sources = asker.ask(question.text, top_k=RANKED_CHUNKS).answer.sources
                ranking = [ids[article] for article in dict.fromkeys(source.article_id for source in sources)][:AT]
                ranks[column].append(ranking_measures(ranking, question.relevant)[0])
    return ranks


def answer_figures(judged: Mapping[str, Sequence[Judged]], *, span_reader: bool) -> Figures:
    """Return the figures of one column, without nDCG."""
    figures: Figures = dict.fromkeys(LINES)
    for name in ("squad", "rgb", "clapnq"):
        answerable, unanswerable = _split(judged[name])
        figures[f"{name}_first"] = share_of(each.found(1) for each in answerable)
        figures[f"{name}_any"] = share_of(each.found(RANKED) for each in answerable)
        figures[f"{name}_auroc"] = auroc_of(_scores(answerable), _scores(unanswerable))
    answerable, negatives = _split(judged["rgb"])
    answered = [each for each in answerable if each.status == "answered"]
    figures["rgb_right"] = share_of(each.is_right for each in answered)
    figures["rgb_sentences"] = figure_of([float(each.sentences) for each in answerable if each.shown])
    figures["rgb_negatives"] = share_of(each.status == "answered" for each in negatives)
    figures["rgb_kept"] = share_of(each.status == "answered" for each in answerable if each.is_right)
    figures["off_topic"] = share_of(each.status == "not_in_sources" for each in judged["off_topic"])
    answerable, _ = _split(judged["squad"])
    figures["answerable"] = share_of(each.status != "not_in_sources" for each in answerable)
    times = [each.milliseconds for each in judged["squad"]]
    for part in (50, 95):
        figures[f"{'' if span_reader else 'fast_'}p{part}"] = figure_of(times, _percentile(part))
    if span_reader:
        figures["skipped"] = share_of(each.certainty is None for each in judged["squad"])
    return figures


def errors(judged: Mapping[str, Sequence[Judged]]) -> Iterator[str]:
    """Yield a line of JSON for each wrong answer: without a right quote, or to a question that has no answer."""
    for name, of in judged.items():
        answerable, unanswerable = _split(of)
        missed = [each for each in answerable if not each.is_right]
        false = [each for each in unanswerable if each.status == "answered"]
        for kind, wrong in (("missed", missed), ("false answer", false)):
            for each in wrong[:ERRORS]:
                asked = {"question": each.question.text, "answers": each.question.answers}
                row = {"set": name, "kind": kind, **asked, "status": each.status, "quotes": each.quotes}
                yield json.dumps(row, ensure_ascii=False) + "\n"


def _split(judged: Sequence[Judged]) -> tuple[list[Judged], list[Judged]]:
    return [each for each in judged if each.answerable], [each for each in judged if not each.answerable]


def _scores(judged: Sequence[Judged]) -> list[float]:
    return [each.score for each in judged]


def _percentile(part: int) -> Callable[..., Any]:
    return lambda values, axis: np.percentile(values, part, axis=axis)


def support_lines(name: str, rows: Sequence[Row], *, quotes: bool | None = None) -> Table:
    """Return the lines of the support check for these rows; goals only with `quotes`, which says whether it had any."""
    first_release = SUPPORT_FIRST_RELEASE.get(name, (None,) * len(SUPPORT_GOALS))
    lines: Table = []
    for (label, share), first in zip(_support_shares(rows).items(), first_release, strict=True):
        goal = None if quotes is None else SUPPORT_GOALS[label][quotes]
        line = Line(f"{name}: {label}", first, goal, lower_is_better=label != "truths verified")
        lines.append((line.name, line, dict.fromkeys(READERS) | {PRODUCT: share}))
    return lines if rows else []


def _support_shares(rows: Sequence[Row]) -> Figures:
    lies = [row.result.status for row in rows if not row.supported]
    truths = [row.result.status for row in rows if row.supported]
    return {
        "lies verified": share_of(status == "verified" for status in lies),
        "lies shown": share_of(status != "unverified" for status in lies),
        "truths verified": share_of(status == "verified" for status in truths),
        "truths withheld": share_of(status == "unverified" for status in truths),
    }


def print_lines(table: Table) -> None:
    """Print the table."""
    head = (
        "figure",
        *(cell for column in READERS for cell in (column, "95 %", "n")),
        "first release",
        "goal",
        "reached",
    )
    rows: list[list[Cell]] = []
    for _, line, figures in table:
        cells: list[Cell] = [line.name]
        for column in READERS:
            cells += _cells(line, figures[column])
        reached = line.is_reached(next((figure for figure in reversed(figures.values()) if figure), None))
        sign = "≤" if line.lower_is_better else "≥"
        cells.append(_written(line, line.first_release))
        cells.append(f"{sign} {_written(line, line.goal)}" if line.goal is not None else None)
        cells.append(None if reached is None else "yes" if reached else "no")
        rows.append(cells)
    print_table(head, rows)


def _cells(line: Line, figure: Estimate | None) -> list[Cell]:
    if figure is None:
        return [None, None, None]
    interval = f"{_written(line, figure.low)}–{_written(line, figure.high)}"
    return [_written(line, figure.value), interval, figure.n]


def _written(line: Line, value: float | None) -> str | None:
    return None if value is None else f"{value:.{line.digits}f}"


def described(table: Table, count: int) -> dict[str, Any]:
    """Return the table as JSON data."""
    return {
        "measured_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "questions": count,
        "lines": [
            {
                "key": key,
                **asdict(line),
                "figures": {column: figure and asdict(figure) for column, figure in figures.items()},
            }
            for key, line, figures in table
        ],
    }


if __name__ == "__main__":
    main()
