"""The report as Markdown, for the summary of a CI job (GitHub allows 1 MiB)."""

import html
import re
from collections.abc import Iterator, Sequence

from eval.report import Report
from eval.report.cases import Case, Stated, cases
from eval.report.figures import MAIN, Figure, by_type, overall
from eval.report.words import clip, visible

MOST = 20
"""Rows of a list before the rest is counted."""

SIGNS = {"PASS": "✅", "FAIL": "❌", "INCOMPLETE": "⚠️", "SUBSET OK": "🔸"}

_MARKUP = re.compile(r"([\\`*_\[\]|~$])")
_NAMED = re.compile(r"([@#])(?=[\w-])")
_LINK = re.compile(r"://|(?<=www)\.", re.IGNORECASE)


def to_markdown(report: Report) -> str:
    """Render a report: verdict, what was compared, broken rules, figures, lost and won questions."""
    return "\n\n".join([*_head(report), *_rules(report), *_figures(report), *_questions(report)]) + "\n"


def escaped(text: str, length: int = 240) -> str:
    """Escape foreign text as one line of Markdown: no markup, HTML, link or mention."""
    quiet = _MARKUP.sub(r"\\\1", _escaped_html(text, length))
    return _LINK.sub(lambda found: ":\\//" if found[0] == "://" else "\\.", quiet)


def _escaped_html(text: str, length: int) -> str:
    plain = html.escape(clip(" ".join(visible(text).split()), length), quote=False)
    return _NAMED.sub("\\1\u2060", plain)


def _head(report: Report) -> Iterator[str]:
    word, why = report.verdict
    yield f"## {SIGNS[word]} {word}: {escaped(why, 1200)}"
    yield f"_{report.validated}_"
    yield "**Compared**: " + " · ".join(f"{name} {escaped(value, 80)}" for name, value in report.compared)


def _rules(report: Report) -> Iterator[str]:
    breaches = report.decision.breaches
    if breaches:
        rows = [[b.rule, f"`{b.question}`" if b.question else "", b.stage or "", escaped(b.detail)] for b in breaches]
        yield f"### Broken rules\n\n{_table(('rule', 'question', 'stage', 'detail'), rows)}"
    failed = [[f"`{r.item.id}`", escaped(r.after.verdict.note)] for r in report.rows if not r.after.prediction.reply]
    if failed:
        yield f"### Errors\n\n{_table(('question', 'error'), failed)}"


def _questions(report: Report) -> Iterator[str]:
    for change in ("lost", "won"):
        found = [case for case in cases(report) if case.change == change]
        if found:
            yield f"### {change.capitalize()}: {len(found)}"
            yield from (_folded(_summary(case), "\n".join(_story(case))) for case in found[:MOST])
        if len(found) > MOST:
            yield f"… and {len(found) - MOST} more {change}"
    yield f"`dateline eval explain {report.first_question}` prints everything about one question."


def _summary(case: Case) -> str:
    after = case.row.after.verdict
    was = f"{case.row.before.verdict.outcome} → " if case.row.before else ""
    marks = f"{' · accepted' if case.accepted else ''}{' · <b>critical</b>' if case.item.critical else ''}"
    stage = f" · stage: {after.stage}" if after.stage else ""
    asked = _escaped_html(case.item.question, 240)
    return f"<code>{case.item.id}</code> {asked}: {was}<b>{after.outcome}</b>{stage}{marks}"


def _story(case: Case) -> Iterator[str]:
    if case.row.before:
        yield f"- before: {_words(case, 'removed', 'del')}"
    yield f"- now: {_words(case, 'added', 'ins')}"
    if case.row.after.verdict.note:
        yield f"- why: {escaped(case.row.after.verdict.note)}"
    yield from (f"- expected{'' if fact.vital else ' (not vital)'}: {_stated(fact)}" for fact in case.facts[:MOST])
    yield from (f"- must not be said: {_stated(rule)}" for rule in case.forbidden[:MOST])
    for c in case.citations[:MOST]:
        status = f"{c.status}{', **dangling**' if c.dangling else ''}"
        yield f"- cites \\[{c.marker}\\] {escaped(c.article, 80)} ({status}): “{escaped(c.quote)}”"


def _words(case: Case, kind: str, tag: str) -> str:
    shown = [
        escaped(p.text, 600) if p.kind == "same" else f"<{tag}>{escaped(p.text, 600)}</{tag}>"
        for p in case.diff
        if p.kind in ("same", kind)
    ]
    return " ".join(shown) or "_nothing_"


def _stated(line: Stated) -> str:
    sign = {True: "stated", False: "not stated", None: "no answer"}
    change = sign[line.now] if line.before in (line.now, None) else f"{sign[line.before]} → {sign[line.now]}"
    return f"{escaped(line.text)}: **{change}**"


def _figures(report: Report) -> Iterator[str]:
    types = by_type(report)
    rows = [[name, str(report.summary[name].n), *map(_mean, figures)] for name, figures in types.items()]
    if rows:
        yield f"### By type\n\n{_table(('type', 'n', 'good', *MAIN), rows)}"
        lines = [
            [f.metric, _mean(f), f"{f.now.low:.2f}–{f.now.high:.2f}", f.bound, str(f.now.n)] for f in overall(report)
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
