"""Reports as text: JSON, Markdown for the summary of a CI job, JUnit XML, and an HTML page without any script."""

import html
import re
import textwrap
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from eval.gate import RULES, Breach
from eval.report import MAIN, ORDER, Report, Row, clip, visible

if TYPE_CHECKING:
    from jinja2 import Environment

MOST = 20
"""Entries of a list in Markdown, of which GitHub shows 1 MiB; the rest is counted."""

WIDTH = 100
"""Characters of a line for the terminal."""

_SIGNS = {"PASS": "✅", "FAIL": "❌", "INCOMPLETE": "⚠️", "SUBSET OK": "🔸"}
_STATED = {True: "stated", False: "not stated", None: "no answer"}
_MARKUP = re.compile(r"([\\`*_\[\]|~$])")
_NAMED = re.compile(r"([@#])(?=[\w-])")
_LINK = re.compile(r"://|(?<=www)\.", re.IGNORECASE)
_BLANK_LINES = re.compile(r"\n{3,}")


def to_json(report: Report) -> str:
    """Return the report as JSON."""
    return report.model_dump_json(indent=1, by_alias=True) + "\n"


def to_html(report: Report) -> str:
    """Return the report as one page with every question."""
    return render("report.html.jinja2", report=report, order=ORDER, metrics=("good", *MAIN))


def to_markdown(report: Report) -> str:
    """Return the result, the broken rules, the figures, and the regressed and improved questions."""
    values = {"metrics": ("good", *MAIN), "most": MOST, "signs": _SIGNS, "words": _STATED}
    return render("report.md.jinja2", report=report, **values) + "\n"


def render(template: str, **values: object) -> str:
    """Return a text from its template, without the empty lines that its blocks leave."""
    return _BLANK_LINES.sub("\n\n", _templates().get_template(template).render(values)).strip()


def escaped(text: str, length: int = 240) -> str:
    """Return foreign text as one line of Markdown without markup, HTML, links and mentions."""
    quiet = _MARKUP.sub(r"\\\1", escaped_html(text, length))
    return _LINK.sub(lambda found: ":\\//" if found[0] == "://" else "\\.", quiet)


def escaped_html(text: str, length: int = 240) -> str:
    """Return foreign text as one line of HTML without mentions."""
    plain = html.escape(clip(" ".join(visible(text).split()), length), quote=False)
    return _NAMED.sub("\\1\u2060", plain)


def wrapped(text: str, start: str) -> str:
    """Return a text in lines of at most `WIDTH` characters; the first begins with `start`, the others are indented."""
    indent = " " * min(len(start), 12)
    first, *others = text.splitlines() or [""]
    lines = textwrap.wrap(first, WIDTH, initial_indent=start, subsequent_indent=indent) or [start.rstrip()]
    for other in others:
        lines += textwrap.wrap(other, WIDTH, initial_indent=indent, subsequent_indent=indent)
    return "\n".join(lines)


@cache
def _templates() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=select_autoescape(["html.jinja2"]),
        undefined=StrictUndefined,
        # The result of a macro is a subclass of str and is escaped already.
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"md": escaped, "html_text": escaped_html, "wrapped": wrapped, "clip": clip}
    return environment


def to_junit(report: Report) -> str:
    """Return the report as JUnit XML: a suite with a case for each rule, and one for each type of question.

    A question fails if a broken rule names it. A question that was as bad before is skipped, with its outcome.
    """
    xml = JUnitXml("dateline eval")
    suites = {"gate": [_rule_case(report, rule) for rule in RULES]}
    for row in sorted(report.rows, key=lambda row: (row.item.type, row.item.id)):
        suites.setdefault(row.item.type, []).append(_question_case(row, report.latency_ms.get(row.item.id, 0.0)))
    properties = {"result": str(report.decision), "validated": report.validated, **report.made_of}
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
    grade = row.after.grade
    case = TestCase(visible(f"{row.item.id}: {row.item.question}"), row.item.type, round(milliseconds / 1000, 3))
    if grade.outcome == "error":
        case.result = [Error(visible(grade.note), "infrastructure")]
    elif row.breaches:
        case.result = [_failure(Failure, row.breaches)]
        facts = [f"{'stated' if fact.now else 'missing'}: {fact.text}" for fact in row.facts]
        before = row.before.text if row.before else ""
        lines = (f"before: {before}", f"now: {row.after.text}", *facts, f"dateline eval explain {row.item.id}")
        case.system_out = visible("\n".join(lines))
    elif not grade.good:
        change = "regressed and accepted" if row.accepted else row.change
        case.result = [Skipped(visible(f"{change}: {grade.outcome} {grade.note}".strip()))]
    return case


def _failure(kind: type[Error | Failure], breaches: Sequence[Breach]) -> Error | Failure:
    failure = kind(visible(f"{breaches[0].rule}: {breaches[0].detail}"), breaches[0].rule)
    failure.text = visible("\n".join(f"{b.rule} [{b.stage or '-'}]: {b.question or ''} {b.detail}" for b in breaches))
    return failure
