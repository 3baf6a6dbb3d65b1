"""Compare the quote of an earlier answer with what its article says today."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from index.records import Article, Edit, Revision, Span
from index.text import sentence_spans

QuoteStatus = Literal["same", "moved", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class QuoteState:
    """A quote in the article of today: `same`, `moved` (the same words elsewhere), `changed` or `gone`.

    `span` is the place of its words, or of the changed ones, in the body of today; None if it is gone. `edits` are the
    sentences of the quote that were changed, each as it was in the quote and as it is now (empty if it was removed);
    `changed_at` is the time of the last of these changes. A quote whose change was not kept is gone.
    """

    status: QuoteStatus
    span: Span | None = None
    edits: tuple[Edit, ...] = ()
    changed_at: str | None = None


def compare_quote(article: Article | None, history: Sequence[Revision], quote: str, start: int, end: int) -> QuoteState:
    """Return the state of a quote that an answer once had at `start` to `end` of an article's body.

    `article` is the article of today, None if there is none; `history` are its revisions, newest first.
    """
    if article is None or not quote.strip():
        return QuoteState("gone")
    body = article.body
    if 0 <= start < end and body[start:end] == quote:
        return QuoteState("same", Span(start, end))
    if places := _places(quote, body):
        return QuoteState("moved", min(places, key=lambda place: abs(place.start - start)))
    parts = [quote[span.start : span.end] for span in sentence_spans(quote, headings=False)]
    left = [place for part in parts if (place := next(iter(_places(part, body)), None))]
    changes = list(_changes(history, parts, body))
    edits = tuple(dict.fromkeys(edit for edit, _ in changes))
    moment = max((when for _, when in changes), default=None)
    now = [place for edit in edits if edit.after for place in _places(edit.after, body)[:1]]
    if edits and (now or left):
        return QuoteState("changed", (now or left)[0], edits, moment)
    if left and len(left) == len(parts):
        # New sentences stand between those of the quote.
        return QuoteState("moved", left[0])
    return QuoteState("gone", None, edits, moment)


def _changes(history: Sequence[Revision], parts: Sequence[str], body: str) -> Iterator[tuple[Edit, str]]:
    """Yield what became of each part of a quote that is not in the body, and when."""
    for part in parts:
        if _places(part, body):
            continue
        # The latest revision that removed these words is the one after which the quote was not true any more.
        for number, revision in enumerate(history):
            if edit := next((each for each in revision.edits if _concerns(each, part)), None):
                yield _followed(edit, revision, history[:number])
                break


def _concerns(edit: Edit, part: str) -> bool:
    was, words = _plain(edit.before), _plain(part)
    return bool(was) and not edit.in_title and (words in was or was in words)


def _followed(edit: Edit, revision: Revision, later: Sequence[Revision]) -> tuple[Edit, str]:
    """Return an edit to what its sentence became in the end, with the time of the last change."""
    after, moment = edit.after, revision.changed_at
    for newer in reversed(later):
        following = next((each for each in newer.edits if after and each.before == after and not each.in_title), None)
        if following is not None:
            after, moment = following.after, newer.changed_at
    return Edit(edit.before, after), moment


def _places(text: str, body: str) -> list[Span]:
    """Return the places of a text in a body; white space may differ."""
    words = text.split()
    if not words:
        return []
    return [Span(*found.span()) for found in re.finditer(r"\s+".join(map(re.escape, words)), body)]


def _plain(text: str) -> str:
    return " ".join(text.split())
