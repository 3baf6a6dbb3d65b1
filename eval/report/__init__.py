"""The report of a run: one record, written as JSON, Markdown, HTML or JUnit XML."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from pydantic import Field

from eval.baseline import read_baseline
from eval.errors import RunIncomplete
from eval.gate import CEILINGS, FLOORS, Decision, ScoredRun, decide, read_accepted
from eval.gold import GoldSet
from eval.records import Header, Record, Run, Verdict
from eval.report.rows import Change, Row, Side
from eval.score import Group, Mean, score, summarise

MAIN = ("recall@5", "answer_in_context", "fact_recall", "citation_recall", "citation_precision", "truthfulness")
"""The metrics of the table by type."""


class Figure(NamedTuple):
    """The mean of a metric; `before` is None without a comparable baseline, `bound` empty without a limit."""

    metric: str
    now: Mean
    before: Mean | None
    bound: str

    @property
    def change(self) -> float | None:
        """The difference from the baseline."""
        return self.now.value - self.before.value if self.before else None


class Report(Record):
    """The content of a report. Questions of the holdout count in the figures and have no row."""

    decision: Decision
    header: Header
    baseline: Header | None
    rows: tuple[Row, ...]
    summary: dict[str, Group]
    baseline_summary: dict[str, Group]
    latency_ms: dict[str, float] = Field(default_factory=dict)
    limits: dict[str, float] = Field(default_factory=dict)
    validated: str = "not validated against people"

    @property
    def made_of(self) -> dict[str, str]:
        """The names and values of the run's header."""
        return {name: str(value) for name, value in self.header.model_dump().items()}

    @property
    def compared(self) -> dict[str, str]:
        """The header with short hashes, with the baseline's value if it differs."""
        base = {name: str(value) for name, value in self.baseline.model_dump().items()} if self.baseline else {}
        shown = {
            name: value[:16] if base.get(name, value) == value else f"{base[name][:16]} → {value[:16]}"
            for name, value in self.made_of.items()
        }
        return shown | {"shown": f"{len(self.rows)} questions", "baseline": "yes" if self.baseline else "none"}

    @property
    def first_question(self) -> str:
        """The id of the first regressed question, else of the first question."""
        return self.rows[0].item.id if self.rows else "ID"

    def overall(self) -> list[Figure]:
        """Return the figure of each metric over all questions, those with a limit first."""
        names = self.summary["all"].means if "all" in self.summary else {}
        ordered = dict.fromkeys((*self.limits, *names))
        return [figure for name in ordered if (figure := self._figure("all", name))]

    def by_type(self) -> dict[str, list[Figure | None]]:
        """Return by type the share answered well and the metrics of `MAIN`; None if a metric does not apply."""
        return {group: [self._figure(group, metric) for metric in ("good", *MAIN)] for group in self.summary}

    def _figure(self, group: str, metric: str) -> Figure | None:
        now, before = self.summary[group], self.baseline_summary.get(group)
        if metric not in now.means:
            return None
        # A subset and an incomplete run have other questions than the baseline.
        comparable = before and before.n == now.n and not self.header.subset and self.decision.exit_code != 3
        was = before.means.get(metric) if before and comparable else None
        bound = f"{self.limits[metric]:.2f}" if group == "all" and metric in self.limits else ""
        return Figure(metric, now.means[metric], was, bound)


def make_report(gold: GoldSet, run: Run, baselines: Path, latency_ms: Mapping[str, float] | None = None) -> Report:
    """Score a run and its baseline with today's gold and metrics, and decide."""
    after = score(gold, run)
    try:
        baseline: Run | None = read_baseline(baselines, run.header.lane, gold.articles)
    except RunIncomplete:
        baseline = None
    before = score(gold, baseline) if baseline else ()
    scored = ScoredRun(baseline.header, before) if baseline else None
    decision = decide(gold, ScoredRun(run.header, after), scored, read_accepted(baselines))
    sides = _sides(run, after), _sides(baseline, before) if baseline else {}
    rows = sorted(_rows(gold, decision, *sides), key=lambda row: row.rank)
    shown = {row.item.id for row in rows}
    return Report(
        decision=decision,
        header=run.header,
        baseline=baseline.header if baseline else None,
        rows=tuple(rows),
        summary=summarise(after),
        baseline_summary=summarise(before) if before else {},
        latency_ms={id_: spent for id_, spent in (latency_ms or {}).items() if id_ in shown},
        limits={**FLOORS, **CEILINGS, **gold.limits},
    )


def _sides(run: Run, verdicts: tuple[Verdict, ...]) -> dict[str, Side]:
    predictions = {prediction.id: prediction for prediction in run.predictions}
    return {verdict.id: Side(verdict=verdict, prediction=predictions[verdict.id]) for verdict in verdicts}


def _rows(gold: GoldSet, decision: Decision, after: Mapping[str, Side], before: Mapping[str, Side]) -> Iterator[Row]:
    changes = {change.id: change for change in decision.changes}
    for item in gold.items:
        if item.split == "holdout" or item.id not in after:
            continue
        change: Change = "same" if decision.exit_code != 3 and item.id in before else "not compared"
        if differing := changes.get(item.id):
            change = "regressed" if differing.regressed else "improved" if differing.improved else "changed"
        yield Row(
            item=item,
            before=before.get(item.id),
            after=after[item.id],
            change=change,
            accepted=item.id in decision.accepted,
            breaches=tuple(breach for breach in decision.breaches if breach.question == item.id),
        )
