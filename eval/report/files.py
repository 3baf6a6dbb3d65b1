"""Reports as files: JSON, Markdown, an HTML page that loads nothing and runs no script, and JUnit XML."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from eval.gate import RULES, Breach
from eval.report import MAIN, Report
from eval.report.markdown import to_markdown
from eval.report.rows import ORDER, Row, visible

if TYPE_CHECKING:
    from jinja2 import Template


def write_reports(
    report: Report,
    *,
    markdown: Path | None = None,
    html: Path | None = None,
    junit: Path | None = None,
    json_file: Path | None = None,
) -> None:
    """Write the report in each format that has a path."""
    for path, render in ((markdown, to_markdown), (html, to_html), (junit, to_junit), (json_file, to_json)):
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render(report), encoding="utf-8")


def to_json(report: Report) -> str:
    """Return the report as JSON."""
    return report.model_dump_json(indent=1, by_alias=True) + "\n"


def to_html(report: Report) -> str:
    """Return the report as one page with every question."""
    groups = {change: [row for row in report.rows if row.change == change] for change in ORDER}
    return _template().render(report=report, groups=groups, metrics=("good", *MAIN))


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        # The result of a macro is a subclass of str and is escaped already.
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja2")


def to_junit(report: Report) -> str:
    """Return the report as JUnit XML: a suite with a case for each rule, and one for each type of question.

    A question fails if a broken rule names it. A question that was as bad before is skipped, with its outcome.
    """
    xml = JUnitXml("dateline eval")
    suites = {"gate": [_rule_case(report, rule) for rule in RULES]}
    for type_ in sorted({row.item.type for row in report.rows}):
        rows = sorted((row for row in report.rows if row.item.type == type_), key=lambda row: row.item.id)
        suites[type_] = [_question_case(row, report.latency_ms.get(row.item.id, 0.0)) for row in rows]
    properties = {"verdict": str(report.decision), "validated": report.validated, **report.made_of}
    for name, cases in suites.items():
        suite = TestSuite(name)
        for key, value in properties.items():
            suite.add_property(key, visible(value))
        suite.add_testcases(cases)
        xml.add_testsuite(suite)
    xml.update_statistics()  # type: ignore[no-untyped-call]
    return bytes(xml.tostring()).decode() + "\n"  # type: ignore[no-untyped-call]


def _rule_case(report: Report, rule: str) -> TestCase:
    case = TestCase(rule, "gate")
    broken = [breach for breach in report.decision.breaches if breach.rule == rule]
    if broken:
        case.result = [_failure(Error if rule == "complete" else Failure, broken)]
    elif report.decision.exit_code == 3 and rule != "complete":
        case.result = [Skipped("not checked: the run is incomplete")]
    return case


def _question_case(row: Row, milliseconds: float) -> TestCase:
    verdict = row.after.verdict
    case = TestCase(visible(f"{row.item.id}: {row.item.question}"), row.item.type, round(milliseconds / 1000, 3))
    if verdict.outcome == "error":
        case.result = [Error(visible(verdict.note), "infrastructure")]
    elif row.breaches:
        case.result = [_failure(Failure, row.breaches)]
        facts = [f"{'stated' if fact.now else 'missing'}: {fact.text}" for fact in row.facts]
        before = row.before.text if row.before else ""
        lines = (f"before: {before}", f"now: {row.after.text}", *facts, f"dateline eval explain {row.item.id}")
        case.system_out = visible("\n".join(lines))
    elif not verdict.good:
        change = "regressed and accepted" if row.accepted else row.change
        case.result = [Skipped(visible(f"{change}: {verdict.outcome} {verdict.note}".strip()))]
    return case


def _failure(kind: type[Error | Failure], breaches: Sequence[Breach]) -> Error | Failure:
    failure = kind(visible(f"{breaches[0].rule}: {breaches[0].detail}"), breaches[0].rule)
    failure.text = visible("\n".join(f"{b.rule} [{b.stage or '-'}]: {b.question or ''} {b.detail}" for b in breaches))
    return failure
