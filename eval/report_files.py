"""Reports as text: JSON, Markdown for the summary of a CI job, JUnit XML, and an HTML page without any script."""

import html
import re
import textwrap
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from eval.gate import RULES
from eval.report import MAIN, ORDER, Report, clip, visible

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


def to_junit(report: Report) -> str:
    """Return the report as JUnit XML: a suite with a case for each rule, and one for each type of question."""
    rules = {rule: [breach for breach in report.decision.breaches if breach.rule == rule] for rule in RULES}
    return render("report.xml.jinja2", report=report, rules=rules) + "\n"


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
        autoescape=select_autoescape(["html.jinja2", "xml.jinja2"]),
        undefined=StrictUndefined,
        # The result of a macro is a subclass of str and is escaped already.
        finalize=lambda value: visible(value) if type(value) is str else value,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"md": escaped, "html_text": escaped_html, "wrapped": wrapped, "clip": clip}
    return environment
