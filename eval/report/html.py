"""The report as one HTML page: no other file, nothing from the network, and no word of it trusted."""

import hashlib
from base64 import b64encode
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from eval.report import Report
from eval.report.cases import ORDER, Case, cases
from eval.report.charts import LEFT, WIDTH, funnel_bars, good_dots, served_bars
from eval.report.flow import abstention
from eval.report.tables import by_type, overall
from eval.report.views import (
    compared,
    decision_shown,
    errors,
    injections,
    most_context,
    reproduction,
    slowest,
    unserved,
    verdict,
)
from eval.report.words import visible

if TYPE_CHECKING:
    from jinja2 import Template

FOLDER = Path(__file__).parent
PAGE, STYLE, SCRIPT = "report.html.jinja2", "report.css", "report.js"


def to_html(report: Report) -> str:
    """The page, with every question that may be shown; its policy lets no script run but its own."""
    shown = cases(report)
    word, why = verdict(report)
    return _template().render(
        policy=_policy(),
        report=report,
        word=word,
        why=why,
        decision=decision_shown(report),
        compared=compared(report),
        groups={change: [case for case in shown if case.change == change] for change in ORDER},
        choices=_choices(shown),
        lines=by_type(report),
        shifts=overall(report),
        served=served_bars(report),
        dots=good_dots(report),
        funnel=funnel_bars(report),
        left=LEFT,
        width=WIDTH,
        abstention=abstention(report),
        injections=injections(report),
        unserved={kind: unserved(report, kind) for kind in ("conflict", "temporal")},
        spent=(("Slowest", "ms", slowest(report)), ("Most context", "tokens", most_context(report))),
        errors=errors(report),
        reproduction=reproduction(report),
    )


def _choices(shown: tuple[Case, ...]) -> dict[str, list[str]]:
    """What the questions can be filtered by, and the values that occur."""
    verdicts = [case.row.after.verdict for case in shown]
    return {
        "change": [change for change in ORDER if any(case.change == change for case in shown)],
        "outcome": sorted({verdict.outcome for verdict in verdicts}),
        "type": sorted({verdict.type for verdict in verdicts}),
        "stage": sorted({verdict.stage for verdict in verdicts if verdict.stage}),
    }


@cache
def _template() -> "Template":
    """The page's template: everything put into it is made visible, then escaped; an unknown name is an error."""
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(PAGE)


def _shown(value: object) -> object:
    # A macro's result is a subclass of str, and escaped already.
    return visible(value) if isinstance(value, str) and type(value) is str else value


def _policy() -> str:
    """A content security policy that names the page's style and script by their hashes."""
    hashes = {name: _hash((FOLDER / name).read_text(encoding="utf-8").removesuffix("\n")) for name in (STYLE, SCRIPT)}
    return (
        f"default-src 'none'; style-src '{hashes[STYLE]}'; script-src '{hashes[SCRIPT]}'; img-src data:;"
        " base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"sha256-{b64encode(hashlib.sha256(text.encode()).digest()).decode()}"
