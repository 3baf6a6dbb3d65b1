"""The topic of a conflict in a few words: `number of people injured (Corran Mill)`, `cost (footbridge)`."""

import re
from collections.abc import Sequence

from service.conflicts.details import Statement
from service.conflicts.statement import Token
from service.conflicts.values import Amount, Detail

_POSSESSIVE = re.compile(r"['’]s?$")

SUBJECT = 4
"""Words of a name, at most."""


def topic_of(statement: Statement, detail: Detail, others: Sequence[Statement]) -> str:
    """Return what a value of a sentence is of, in words that the other sentences share and of `lexicon.json`."""
    shared = frozenset.intersection(*(other.context for other in others)) if others else frozenset[str]()
    label, subject = _label(statement, detail), _subject(statement, detail, shared)
    if label and subject and subject not in label:
        return f"{label} ({subject})"
    return label or subject or (statement.article.title or "").strip() or statement.article.article_id


def _label(statement: Statement, detail: Detail) -> str:
    labels = statement.lexicon.words.labels
    if detail.kind == "number" and isinstance(detail.value, Amount):
        measure = next((key.removeprefix("measure ") for key in sorted(detail.keys) if key.startswith("measure ")), "")
        known = labels.get(measure) or labels.get(f"unit {detail.value.unit}", "")
        counted = " ".join(token.text for token in _counted(statement, detail))
        return known or (labels["number"].format(counted) if counted and not detail.value.unit else "")
    if detail.kind == "name":
        role = next((key.removeprefix("role ") for key in sorted(detail.keys)), "")
        return next((token.lower for token in statement.tokens if token.form == role), "")
    return labels.get(detail.kind, "")


def _counted(statement: Statement, detail: Detail) -> list[Token]:
    """Return the words behind a number that it counts, and the word for what became of them."""
    behind = [token for token in statement.tokens if token.start >= detail.span.end]
    counted: list[Token] = []
    for token in behind[:2]:
        if not token.form or token.form not in detail.keys:
            break
        counted.append(token)
    if counted and statement.roles:
        roles = {form for phrases in statement.lexicon.words.roles.values() for phrase in phrases for form in phrase}
        counted += [token for token in behind if token.lower in roles and token not in counted][:1]
    return counted


def _subject(statement: Statement, detail: Detail, shared: frozenset[str]) -> str:
    """Return the longest name of the sentence or the title that is shared, else a word that is."""
    outside = [token for token in statement.tokens if not detail.span.start <= token.start < detail.span.end]
    for tokens, text in ((outside, statement.article.body), (statement.story.title, statement.article.title or "")):
        runs = [run for run in _runs([token for token in tokens if token.form in shared]) if len(run) <= SUBJECT]
        if runs:
            best = max(runs, key=len)
            return _POSSESSIVE.sub("", text[best[0].start : best[-1].end])
    words = [token.text for token in outside if token.form in shared - detail.keys and token.text.isalpha()]
    return words[0] if words else ""


def _runs(tokens: list[Token]) -> list[list[Token]]:
    runs: list[list[Token]] = []
    for token in tokens:
        if not token.is_name:
            continue
        if runs and token.start - runs[-1][-1].end == 1:
            runs[-1].append(token)
        else:
            runs.append([token])
    return runs
