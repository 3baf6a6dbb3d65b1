"""The report of a run: one record, written as JSON, Markdown, HTML or JUnit XML."""

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field

from eval.baseline import read_accepted, read_baseline
from eval.errors import RunIncomplete
from eval.gate import CEILINGS, FLOORS, Decision, Measured, decide
from eval.questions import GoldSet
from eval.records import GoldItem, Header, Prediction, Record, Run, Verdict
from eval.score import score
from eval.summary import Group, summarise


class Side(Record):
    """One answer to a question: what was said, and what it is worth."""

    verdict: Verdict
    prediction: Prediction


class Row(Record):
    """One question of the gate's part: its gold, the answer before, the answer now."""

    item: GoldItem
    before: Side | None
    after: Side


class Report(Record):
    """Everything a report shows. Questions of the holdout count in the figures and have no row."""

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
    def verdict(self) -> tuple[str, str]:
        """One of PASS, FAIL, INCOMPLETE and SUBSET OK, and why."""
        _, _, why = self.decision.verdict.partition(": ")
        if self.decision.exit_code:
            return ("INCOMPLETE" if self.decision.exit_code == 3 else "FAIL"), why
        return ("SUBSET OK", f"a subset cannot pass; {why}") if self.decision.subset else ("PASS", why)

    @property
    def made_of(self) -> tuple[tuple[str, str], ...]:
        """The names and values of the run's header."""
        return tuple((name, str(value)) for name, value in self.header.model_dump().items())

    @property
    def compared(self) -> tuple[tuple[str, str], ...]:
        """The header's names and values, hashes short, with the baseline's value where it differs."""
        base = self.baseline.model_dump() if self.baseline else {}
        moved = [
            (name, f"{str(base[name])[:16]} → {value[:16]}" if base and str(base[name]) != value else value[:16])
            for name, value in self.made_of
        ]
        return *moved, ("shown", f"{len(self.rows)} questions"), ("baseline", "yes" if self.baseline else "none")

    @property
    def first_question(self) -> str:
        """The id of the first lost question, else of the first question."""
        lost = [flip.id for flip in self.decision.flips if flip.lost]
        return next(iter([*lost, *(row.item.id for row in self.rows)]), "ID")


def make_report(gold: GoldSet, run: Run, baselines: Path, latency_ms: Mapping[str, float] | None = None) -> Report:
    """Score a run and its baseline with the gold and the metrics of today, and decide."""
    after = score(gold, run)
    try:
        baseline: Run | None = read_baseline(baselines, run.header.lane, gold.articles)
    except RunIncomplete:
        baseline = None
    before = score(gold, baseline) if baseline else ()
    measured = Measured(baseline.header, before) if baseline else None
    decision = decide(gold, Measured(run.header, after), measured, read_accepted(baselines))
    shown = {item.id for item in gold.items if item.split == "gate"}
    return Report(
        decision=decision,
        header=run.header,
        baseline=baseline.header if baseline else None,
        rows=tuple(_rows(gold, _sides(run, after), _sides(baseline, before) if baseline else {})),
        summary=summarise(after),
        baseline_summary=summarise(before) if before else {},
        latency_ms={id_: spent for id_, spent in (latency_ms or {}).items() if id_ in shown},
        limits={**FLOORS, **CEILINGS, **gold.limits},
    )


def write_reports(
    report: Report,
    *,
    markdown: Path | None = None,
    html: Path | None = None,
    junit: Path | None = None,
    json_file: Path | None = None,
) -> None:
    """Write the report in the forms that have a path."""
    from eval.report.html import to_html
    from eval.report.junit import to_junit
    from eval.report.markdown import to_markdown

    for path, render in ((markdown, to_markdown), (html, to_html), (junit, to_junit), (json_file, to_json)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render(report), encoding="utf-8")


def to_json(report: Report) -> str:
    """The source of all other forms."""
    return report.model_dump_json(indent=1, by_alias=True) + "\n"


def _sides(run: Run, verdicts: tuple[Verdict, ...]) -> dict[str, Side]:
    predictions = {prediction.id: prediction for prediction in run.predictions}
    return {verdict.id: Side(verdict=verdict, prediction=predictions[verdict.id]) for verdict in verdicts}


def _rows(gold: GoldSet, after: Mapping[str, Side], before: Mapping[str, Side]) -> list[Row]:
    return [
        Row(item=item, before=before.get(item.id), after=after[item.id])
        for item in gold.items
        if item.split == "gate" and item.id in after
    ]
