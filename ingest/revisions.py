"""Revisions: what changed in the text of an article between two ingests, sentence by sentence, and when.

Title and body count; metadata does not. An article keeps its newest edits, not its earlier bodies.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from difflib import SequenceMatcher

from index.records import Article, Edit, Revision, isoformat
from index.text import sentence_spans

MOST_EDITS = 20
"""Edits that an article keeps, the newest ones."""

LONGEST_EDIT = 2_000
"""Code points of a sentence in an edit; a longer one, such as a row of a table, is cut."""

ALIKE = 0.4
"""Share of common words from which two sentences are one sentence that was changed."""

MOST_COMPARED = 1_000
"""Sentences that are aligned, which may take quadratic time; of more, each is only looked up among the others."""

MOST_PAIRED = 60
"""Sentences of one passage that are paired by their words."""

_EARLIEST = datetime.min.replace(tzinfo=UTC)
_WORD = re.compile(r"\w+")


def revised(
    article: Article, before: Article | None, history: Sequence[Revision], now: datetime
) -> tuple[Revision, ...]:
    """Return the history of an article that replaces another version: its new revision, if any, and the earlier ones.

    The revision has the `updated_at` of the article if that is later than the date of the version before, else `now`.
    """
    if before is None or (before.body == article.body and before.title == article.title):
        return tuple(history)
    edits = edits_between(before, article)
    if not edits:
        return tuple(history)
    updated = article.updated_at
    is_stated = updated is not None and updated > (before.updated_at or before.published_at or _EARLIEST)
    moment = updated if is_stated and updated else now
    return bounded([Revision(isoformat(moment, "seconds"), is_stated, edits), *history])


def bounded(history: Sequence[Revision]) -> tuple[Revision, ...]:
    """Return a history, newest first, without all but its newest edits."""
    kept: list[Revision] = []
    left = MOST_EDITS
    for revision in history:
        if left > 0:
            kept.append(replace(revision, edits=revision.edits[:left]))
            left -= len(revision.edits)
    return tuple(kept)


def edits_between(before: Article, after: Article) -> tuple[Edit, ...]:
    """Return the edits that turn one version into another: changed sentences first, then removed and new ones.

    A sentence that only moved is not an edit.
    """
    edits: list[Edit] = []
    if (before.title or "") != (after.title or ""):
        edits.append(Edit(_cut(before.title or ""), _cut(after.title or ""), in_title=True))
    old, new = _sentences(before.body), _sentences(after.body)
    was, stays = set(old), set(new)
    found = [
        Edit("" if one in stays else _cut(one), "" if other in was else _cut(other))
        for one, other in _pairs(old, new)
        # Only both sides together say that one sentence became the other.
        if one not in stays or other not in was
    ]
    found = [each for each in dict.fromkeys(found) if each.before or each.after]
    found.sort(key=lambda each: (not (each.before and each.after), not each.before))
    return (*edits, *found)


def _sentences(body: str) -> list[str]:
    return [" ".join(body[span.start : span.end].split()) for span in sentence_spans(body)]


def _pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the sentences that differ, each with the one that it became; an empty text stands for none."""
    if max(len(old), len(new)) > MOST_COMPARED:
        was, stays = set(old), set(new)
        yield from ((one, "") for one in old if one not in stays)
        yield from (("", other) for other in new if other not in was)
        return
    for kind, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from _paired(old[start:end], new[first:last])


def _paired(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the sentences of a passage that was replaced, paired in order with those that have most of their words."""
    words = [frozenset(_WORD.findall(text.casefold())) for text in new]
    at = 0
    for one in old:
        own = frozenset(_WORD.findall(one.casefold()))
        places = range(at, min(len(new), at + MOST_PAIRED))
        best = max(places, key=lambda place: _alike(own, words[place]), default=None)
        if best is None or _alike(own, words[best]) < ALIKE:
            yield one, ""
            continue
        yield from (("", other) for other in new[at:best])
        yield one, new[best]
        at = best + 1
    yield from (("", other) for other in new[at:])


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_EDIT else f"{text[:LONGEST_EDIT]}…"
