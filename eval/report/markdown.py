"""The report as Markdown, for the summary of a CI job (GitHub allows 1 MiB)."""

import html
import re
from collections.abc import Iterator, Sequence

from eval.report import MAIN, Figure, Report
from eval.report.rows import Row, Statement, clip, visible

MOST = 20
"""Entries of a list that are shown; the rest is counted."""

SIGNS = {"PASS": "✅", "FAIL": "❌", "INCOMPLETE": "⚠️", "SUBSET OK": "🔸"}

_MARKUP = re.compile(r"([\\`*_\[\]|~$])")
_NAMED = re.compile(r"([@#])(?=[\w-])")
_LINK = re.compile(r"://|(?<=www)\.", re.IGNORECASE)


def to_markdown(report: Report) -> str:
    """Return a report: result, header, broken rules, figures, regressed and improved questions."""
    return "\n\n".join([*_head(report), *_rules(report), *_figures(report), *_questions(report)]) + "\n"


def escaped(text: str, length: int = 240) -> str:
    """Return foreign text as one line of Markdown without markup, HTML, links and mentions."""
    quiet = _MARKUP.sub(r"\\\1", _escaped_html(text, length))
    return _LINK.sub(lambda found: ":\\//" if found[0] == "://" else "\\.", quiet)


def _escaped_html(text: str, length: int) -> str:
    plain = html.escape(clip(" ".join(visible(text).split()), length), quote=False)
    return _NAMED.sub("\\1\u2060", plain)


def _head(report: Report) -> Iterator[str]:
    result = report.decision.result
    yield f"## {SIGNS[result]} {result}: {escaped(report.decision.reason, 1200)}"
    yield f"_{report.validated}_"
    yield "**Compared**: " + " · ".join(f"{name} {escaped(value, 80)}" for name, value in report.compared.items())


def _rules(report: Report) -> Iterator[str]:
    breaches = report.decision.breaches
    if breaches:
        rows = [[b.rule, f"`{b.question}`" if b.question else "", b.stage or "", escaped(b.detail)] for b in breaches]
        yield f"### Broken rules\n\n{_table(('rule', 'question', 'stage', 'detail'), rows)}"
    failed = [[f"`{r.item.id}`", escaped(r.after.verdict.note)] for r in report.rows if not r.after.prediction.reply]
    if failed:
        yield f"### Errors\n\n{_table(('question', 'error'), failed)}"


def _questions(report: Report) -> Iterator[str]:
    for change in ("regressed", "improved"):
        found = [row for row in report.rows if row.change == change]
        if found:
            yield f"### {change.capitalize()}: {len(found)}"
            yield from (_folded(_summary(row), "\n".join(_details(row))) for row in found[:MOST])
        if len(found) > MOST:
            yield f"… and {len(found) - MOST} more {change}"
    yield f"`dateline eval explain {report.first_question}` prints everything about one question."


def _summary(row: Row) -> str:
    after = row.after.verdict
    was = f"{row.before.verdict.outcome} → " if row.before else ""
    marks = f"{' · accepted' if row.accepted else ''}{' · <b>critical</b>' if row.item.critical else ''}"
    stage = f" · stage: {after.stage}" if after.stage else ""
    asked = _escaped_html(row.item.question, 240)
    return f"<code>{row.item.id}</code> {asked}: {was}<b>{after.outcome}</b>{stage}{marks}"


def _details(row: Row) -> Iterator[str]:
    if row.before:
        yield f"- before: {_words(row, 'removed', 'del')}"
    yield f"- now: {_words(row, 'added', 'ins')}"
    if row.after.verdict.note:
        yield f"- why: {escaped(row.after.verdict.note)}"
    yield from (f"- expected{'' if fact.vital else ' (not vital)'}: {_stated(fact)}" for fact in row.facts[:MOST])
    yield from (f"- forbidden: {_stated(statement)}" for statement in row.forbidden[:MOST])
    for c in row.citations[:MOST]:
        status = f"{c['support']}{', **dangling**' if c['dangling'] else ''}"
        yield f"- cites \\[{c['marker']}\\] {escaped(c['article_id'], 80)} ({status}): “{escaped(c['cited_text'])}”"
    yield from (f"- withheld ({s['reason']}): {escaped(s['text'])}" for s in row.withheld[:MOST])


def _words(row: Row, kind: str, tag: str) -> str:
    shown = [
        escaped(p.text, 600) if p.kind == "same" else f"<{tag}>{escaped(p.text, 600)}</{tag}>"
        for p in row.diff
        if p.kind in ("same", kind)
    ]
    return " ".join(shown) or "_nothing_"


def _stated(statement: Statement) -> str:
    words = {True: "stated", False: "not stated", None: "no answer"}
    before, now = words[statement.before], words[statement.now]
    change = now if statement.before in (statement.now, None) else f"{before} → {now}"
    return f"{escaped(statement.text)}: **{change}**"


def _figures(report: Report) -> Iterator[str]:
    rows = [[name, str(report.summary[name].n), *map(_mean, figures)] for name, figures in report.by_type().items()]
    if rows:
        yield f"### By type\n\n{_table(('type', 'n', 'good', *MAIN), rows)}"
        lines = [
            [f.metric, _mean(f), f"{f.now.low:.2f}–{f.now.high:.2f}", f.bound, str(f.now.n)] for f in report.overall()
        ]
        yield _folded("All metrics", _table(("metric", "mean", "95 %", "limit", "n"), lines, len(lines)))


def _mean(figure: Figure | None) -> str:
    if figure is None:
        return ""
    return f"{figure.now.value:.3f}{f' ({figure.change:+.3f})' if figure.change else ''}"


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], most: int = MOST) -> str:
    more = f"\n\n… and {len(rows) - most} more" if len(rows) > most else ""
    return "\n".join(f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *rows[:most])) + more


def _folded(title: str, body: str) -> str:
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"
