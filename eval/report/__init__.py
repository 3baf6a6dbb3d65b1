"""Reports: one record, JSON its source, and three ways to look at it."""

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
    """Everything a report shows. Questions of the holdout are in the figures and in no row.

    `validated` is the sentence that says what nobody has checked yet.
    """

    decision: Decision
    header: Header
    baseline: Header | None
    rows: tuple[Row, ...]
    summary: dict[str, Group]
    baseline_summary: dict[str, Group]
    latency_ms: dict[str, float] = Field(default_factory=dict)
    limits: dict[str, float] = Field(default_factory=dict)
    validated: str = "not validated against people"


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
