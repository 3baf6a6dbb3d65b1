"""The report as one HTML page that loads nothing and runs no script."""

from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from eval.report import Report
from eval.report.cases import ORDER, cases
from eval.report.figures import MAIN, by_type, overall
from eval.report.words import visible

if TYPE_CHECKING:
    from jinja2 import Template


def to_html(report: Report) -> str:
    """Render the page with every question of the report."""
    shown = cases(report)
    groups = {change: [case for case in shown if case.change == change] for change in ORDER}
    return _template().render(
        report=report, groups=groups, metrics=("good", *MAIN), types=by_type(report), figures=overall(report)
    )


@cache
def _template() -> "Template":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_visible,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("report.html.jinja2")


def _visible(value: object) -> object:
    # The result of a macro is a subclass of str and is escaped already.
    return visible(value) if type(value) is str else value
