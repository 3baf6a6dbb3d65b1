"""The report as Markdown: a comment on a pull request, short enough for one and safe to put there."""

from collections.abc import Iterable, Iterator

from eval.report import Report
from eval.report.cases import Case, cases
from eval.report.markdown_tables import tables
from eval.report.markup import escaped, fitting, folded, in_html, size
from eval.report.views import compared, reproduction, verdict
from eval.report.words import Piece, clip, word_diff

LIMIT = 60_000
"""Bytes of a comment, in UTF-8."""

TABLES = 22_000
"""Bytes that all that is not about a single question may take."""

MOST = 20
"""How many lost, and how many won questions are told."""

MOST_LINES = 8
"""How many facts, and how many citations of a question are told."""

ANSWER, LINE, SHORT = 600, 240, 80
"""Code points of an answer, a sentence, a name before they are cut."""

SIGNS = {"PASS": "✅", "FAIL": "❌", "INCOMPLETE": "⚠️", "SUBSET OK": "🔸"}


def to_markdown(report: Report) -> str:
    """A report of at most 60 KB: verdict, what was compared, lost and won questions, tables, how to go on."""
    head = [*_verdict(report), _compared(report)]
    figures = fitting(tables(report), TABLES, "tables")
    foot = f"---\n`{reproduction(report)}` tells the whole story of one question; the HTML report shows all."
    room = LIMIT - size([*head, *figures, foot])
    return "\n\n".join([*head, *fitting(_questions(report), room, "questions"), *figures, foot]) + "\n"


def _verdict(report: Report) -> Iterator[str]:
    word, why = verdict(report)
    yield f"## {SIGNS[word]} {word}: {escaped(why, 1200)}"
    yield f"_{report.validated}_"


def _compared(report: Report) -> str:
    return "**Compared**: " + " · ".join(f"{name} {escaped(value, SHORT)}" for name, value in compared(report))


def _questions(report: Report) -> Iterator[str]:
    if report.decision.exit_code == 3:
        yield "Nothing is compared question by question: the run is incomplete."
    shown = cases(report)
    for change, title in (("lost", "Lost"), ("won", "Won")):
        found = [case for case in shown if case.change == change]
        if found:
            yield f"### {title}: {len(found)}"
            yield from (folded(_summary(case), "\n".join(_story(case))) for case in found[:MOST])
        if len(found) > MOST:
            yield f"… and {len(found) - MOST} more {change}: see the HTML report."


def _summary(case: Case) -> str:
    after, before = case.row.after.verdict, case.row.before
    was = f"{before.verdict.outcome} → " if before else ""
    marks = f"{' · accepted' if case.accepted else ''}{' · <b>critical</b>' if case.item.critical else ''}"
    stage = f" · stage: {after.stage}" if after.stage else ""
    asked = in_html(case.item.question, LINE)
    return f"<code>{case.item.id}</code> {asked} — {was}<b>{after.outcome}</b>{stage}{marks}"


def _story(case: Case) -> Iterator[str]:
    before, now = clip(case.before, ANSWER), clip(case.now, ANSWER)
    pieces = word_diff(before, now)
    if case.row.before:
        yield f"- before: {escaped(before, ANSWER) if case.rewritten else _marked(pieces, 'removed')}"
    yield f"- now: {escaped(now, ANSWER) if case.rewritten else _marked(pieces, 'added')}"
    if case.row.after.verdict.note:
        yield f"- why: {escaped(case.row.after.verdict.note, LINE)}"
    for fact in case.facts[:MOST_LINES]:
        weight = "" if fact.vital else " (not vital)"
        yield f"- expected: {_tick(now=fact.now, before=fact.before)}: {escaped(fact.text, LINE)}{weight}"
    for forbidden in case.forbidden[:MOST_LINES]:
        said = "✗ **said**" if forbidden.now else "✓ no longer said" if forbidden.before else "✓ not said"
        yield f"- must not be said: {said}: {escaped(forbidden.why, LINE)}"
    for line in case.citations[:MOST_LINES]:
        sign = ", **dangling**" if line.dangling else ""
        where = f"{escaped(line.article, SHORT)} ({escaped(line.support, SHORT)}{sign})"
        yield f"- cites \\[{line.marker}\\] {where}: “{escaped(line.quote, LINE)}”"


def _marked(pieces: Iterable[Piece], kind: str) -> str:
    tag = "del" if kind == "removed" else "ins"
    words = [
        escaped(piece.text, ANSWER) if piece.kind == "same" else f"<{tag}>{escaped(piece.text, ANSWER)}</{tag}>"
        for piece in pieces
        if piece.kind in ("same", kind)
    ]
    return " ".join(words) or "_nothing_"


def _tick(*, now: bool | None, before: bool | None) -> str:
    signs = {True: "✓ stated", False: "✗ missing", None: "– no answer"}
    return signs[now] if before in (now, None) else f"{signs[before]} → {signs[now]}"
