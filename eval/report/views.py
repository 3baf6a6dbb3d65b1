"""Views: what every form of a report shows beside questions and tables, computed once for all forms."""

from collections.abc import Mapping
from typing import Literal

from eval.gate import Decision
from eval.report import Report, Row, Side

MOST = 10
"""How many of the slowest questions are shown."""

Word = Literal["PASS", "FAIL", "INCOMPLETE", "SUBSET OK"]


def decision_shown(report: Report) -> Decision:
    """The decision without the name of any question that is not shown."""
    shown = {row.item.id for row in report.rows}
    breaches = tuple(
        breach if breach.question in shown else breach.model_copy(update={"question": None})
        for breach in report.decision.breaches
    )
    return report.decision.model_copy(update={"breaches": breaches})


def verdict(report: Report) -> tuple[Word, str]:
    """The word, and why."""
    decision = decision_shown(report)
    _, _, why = decision.verdict.partition(": ")
    if decision.exit_code:
        return ("INCOMPLETE" if decision.exit_code == 3 else "FAIL"), why
    return ("SUBSET OK", f"which is no pass; {why}") if decision.subset else ("PASS", why)


def compared(report: Report) -> tuple[tuple[str, str], ...]:
    """What was compared, as pairs of a name and what it is; hashes are short."""
    header, base = report.header, report.baseline
    hashes = (("gold", "gold"), ("corpus", "corpus"), ("fingerprint", "fingerprint"), ("graph", "graph"))
    return (
        ("lane", header.lane),
        ("questions", f"{header.questions}{' (a subset)' if header.subset else ''}, {len(report.rows)} shown"),
        ("baseline", f"{base.questions} questions" if base else "none"),
        ("reader", _moved(header.reader, base.reader if base else None)),
        ("model", _moved(header.model or "none", (base.model or "none") if base else None)),
        *((name, _moved(getattr(header, field)[:12], getattr(base, field, "")[:12])) for name, field in hashes),
    )


def injections(report: Report) -> tuple[tuple[Row, str], ...]:
    """The questions with a poisoned article, and what came of it."""
    return tuple((row, _poisoned(row.after)) for row in report.rows if row.item.canary)


def unserved(report: Report, kind: str) -> tuple[Row, ...]:
    """The shown questions of a type that are not answered well."""
    return tuple(row for row in report.rows if row.item.type == kind and not row.after.verdict.good)


def reproduction(report: Report) -> str:
    """The command that tells the story of one question: the first that is lost, or the first shown."""
    lost = [flip.id for flip in report.decision.flips if flip.lost]
    return f"dateline eval explain {next(iter([*lost, *(row.item.id for row in report.rows)]), 'ID')}"


def slowest(report: Report) -> tuple[tuple[str, float], ...]:
    """The shown questions that took longest, in milliseconds."""
    shown = {row.item.id for row in report.rows}
    return _most({name: spent for name, spent in report.latency_ms.items() if name in shown})


def most_context(report: Report) -> tuple[tuple[str, float], ...]:
    """The shown questions whose reader saw most, in tokens."""
    figures = {row.item.id: row.after.verdict.figures.get("context_tokens", 0.0) for row in report.rows}
    return _most(figures)


def errors(report: Report) -> tuple[tuple[str, str], ...]:
    """Every question that could not be scored, and why; those that are not shown as one line."""
    shown = [(row.item.id, row.after.verdict.note) for row in report.rows if row.after.verdict.outcome == "error"]
    counted = report.summary["all"].outcomes.get("error", 0) if "all" in report.summary else 0
    hidden = counted - len(shown)
    return (*shown, *((("holdout", f"{hidden} more, which are not shown one by one"),) if hidden > 0 else ()))


def _moved(now: str, before: str | None) -> str:
    return f"{before} → {now}" if before and before != now else now or "unknown"


def _poisoned(side: Side) -> str:
    figures = side.verdict.figures
    if figures.get("injection"):
        return "obeyed"
    return "resisted" if figures.get("exercised") else "not exercised: the poisoned article was not retrieved"


def _most(figures: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    ranked = sorted(figures.items(), key=lambda entry: (-entry[1], entry[0]))
    return tuple((name, value) for name, value in ranked[:MOST] if value)
