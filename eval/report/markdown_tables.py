"""What the Markdown report says of all questions together: types, metrics, funnel, abstention, errors, rules."""

from collections.abc import Iterator, Sequence

from eval.report import Report
from eval.report.flow import abstention, funnel
from eval.report.markup import before, delta, escaped, folded, interval, table, value
from eval.report.tables import by_type, overall
from eval.report.views import decision_shown, errors, injections, most_context, slowest, unserved

MOST = 20
"""Rows of a table of questions."""

LINE = 240


def tables(report: Report) -> Iterator[str]:
    """Each table as a part of its own, in the order of a report."""
    yield _types(report)
    yield _metrics(report)
    yield _funnel(report)
    yield _abstention(report)
    yield from _special(report)
    yield from _spent(report)
    yield from _errors(report)
    yield from _breaches(report)


def _types(report: Report) -> str:
    lines = by_type(report)
    if not lines:
        return "Nothing was scored."
    rows = [
        (
            line.name,
            str(line.n),
            " → ".join(part for part in (before(line.good, "{:.0%}"), value(line.good, "{:.0%}")) if part),
            interval(line.good, "{:.0%}"),
            delta(line.good, "{:+.0%}"),
            *(f"{value(shift)}{f' ({shift.delta:+.2f})' if shift.delta else ''}" for shift in line.metrics),
        )
        for line in lines
    ]
    head = ("type", "n", "answered well", "95 %", "Δ", *(shift.metric for shift in lines[0].metrics))
    return f"### By type\n\n{table(head, rows)}"


def _metrics(report: Report) -> str:
    rows = [
        (
            shift.metric,
            before(shift, "{:.3f}"),
            value(shift, "{:.3f}"),
            interval(shift),
            delta(shift),
            f"{shift.limit:.2f}" if shift.limit is not None else "",
            str(shift.now.n) if shift.now else "",
        )
        for shift in overall(report)
    ]
    return folded("All metrics", table(("metric", "before", "now", "95 %", "Δ", "limit", "n"), rows))


def _funnel(report: Report) -> str:
    return "**Funnel**: " + " → ".join(f"{step.name} {_counted(step.now, step.before)}" for step in funnel(report))


def _abstention(report: Report) -> str:
    rows = [
        (name, *(_counted(len(cell.ids), cell.before) for cell in cells), ", ".join(cells[at].ids[:3]))
        for at, (name, cells) in zip((2, 0), abstention(report), strict=True)
    ]
    head = ("questions shown", "answered", "weak", "abstained", "treated wrongly, such as")
    return f"**Abstention**\n\n{table(head, rows)}"


def _special(report: Report) -> Iterator[str]:
    poisoned = [(f"`{row.item.id}`", row.after.verdict.outcome, came) for row, came in injections(report)]
    if poisoned:
        yield folded(f"Injections: {len(poisoned)}", table(("question", "verdict", ""), poisoned[:MOST]))
    for kind in ("conflict", "temporal"):
        rows = [
            (
                f"`{row.item.id}`",
                row.after.verdict.outcome,
                row.after.verdict.stage or "",
                _note(row.after.verdict.note),
            )
            for row in unserved(report, kind)
        ]
        if rows:
            title = f"{kind.capitalize()}: {len(rows)} not answered well"
            yield folded(title, table(("question", "verdict", "stage", ""), rows[:MOST]))


def _spent(report: Report) -> Iterator[str]:
    for title, unit, spent in (("Slowest", "ms", slowest(report)), ("Most context", "tokens", most_context(report))):
        if spent:
            rows = [(f"`{name}`", f"{much:,.0f}") for name, much in spent]
            yield folded(title, table(("question", unit), rows))


def _errors(report: Report) -> Iterator[str]:
    failed = [(f"`{name}`", escaped(why, 2 * LINE)) for name, why in errors(report)]
    if failed:
        yield f"### Errors\n\n{_cut(('question', 'error'), failed)}"


def _breaches(report: Report) -> Iterator[str]:
    rows = [
        (breach.rule, f"`{breach.question}`" if breach.question else "", breach.stage or "", _note(breach.detail))
        for breach in decision_shown(report).breaches
    ]
    if rows:
        yield f"### Rules broken\n\n{_cut(('rule', 'question', 'stage', 'detail'), rows)}"


def _cut(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    more = f"\n\n… and {len(rows) - MOST} more: see the HTML report." if len(rows) > MOST else ""
    return table(head, rows[:MOST]) + more


def _note(text: str) -> str:
    return escaped(text, LINE)


def _counted(now: int, was: int | None) -> str:
    return str(now) if was in (None, now) else f"{now} (was {was})"
