"""The recheck of quotes: where the words of a permalink, or of one quote, are in the articles of today.

`recheck` looks for all quotes of a link; `compare_quote` says what became of one.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from index.records import Article, Edit, Revision, Span, isoformat
from index.text import sentence_spans
from service.permalink import Link, LinkedQuote, article_digest, digest

State = Literal["present", "changed", "gone"]
"""State of a quote: its words are in the article; they are not; the index does not have the article."""

LONGEST_SEARCH = 1_000_000
"""Code points of a text that are searched for a quote that is not at its place: .3 s."""

EDITS = 3
"""The limit of other edits of an article that are shown."""

_START = re.compile(r"(?<!\w)\S|(?<=\W)\w")


@dataclass(frozen=True, slots=True)
class CheckedQuote:
    """A quote of a link as it is now: `article.body[span.start:span.end] == text` if it is present.

    `article` is None if it is gone. `is_changed` is True if title or body of the article differ from those at the time
    of the answer. `edits` are those of the quote, if their versions were kept, else the latest of its article since the
    answer. `span` of a changed quote is the place of its words of today, if they are known.
    """

    state: State
    article: Article | None = None
    span: Span | None = None
    text: str = ""
    is_changed: bool = False
    edits: tuple[Edit, ...] = ()


@dataclass(frozen=True, slots=True)
class Recheck:
    """The quotes of a link, checked again, in the order of the answer; the numbers of all and of gone articles."""

    quotes: tuple[CheckedQuote, ...]
    articles: int = 0
    gone_articles: int = 0

    @property
    def present(self) -> int:
        """Return the number of quotes whose words are still in their articles."""
        return sum(quote.state == "present" for quote in self.quotes)

    @property
    def changed_articles(self) -> int:
        """Return the number of articles that differ from those at the time of the answer."""
        return len({quote.article.article_id for quote in self.quotes if quote.article and quote.is_changed})


def recheck(
    link: Link,
    article_of: Callable[[str], Article | None],
    histories: Mapping[str, Sequence[Revision]] = MappingProxyType({}),
) -> Recheck:
    """Return the quotes of a link as the articles are now.

    `article_of` returns an article by its id; `histories` are the revisions of articles, newest first.
    """
    articles = {article_id: article_of(article_id) for article_id in {quote.article_id for quote in link.quotes}}
    since = isoformat(link.asked_at)
    checked = [
        _checked(quote, articles[quote.article_id], histories.get(quote.article_id, ())) for quote in link.quotes
    ]
    for article_id in {quote.article_id for quote in link.quotes}:
        _add_edits(checked, article_id, since, histories.get(article_id, ()))
    return Recheck(tuple(checked), len(articles), sum(article is None for article in articles.values()))


def _checked(quote: LinkedQuote, article: Article | None, history: Sequence[Revision]) -> CheckedQuote:
    if article is None:
        return CheckedQuote("gone")
    is_changed = article_digest(article) != quote.article_digest
    if span := place_of(quote, article.body):
        return CheckedQuote("present", article, span, article.body[span.start : span.end], is_changed)
    former = former_words(quote, article.body, history)
    now = compare_quote(article, history, former, *quote.span)
    if now.span and now.status == "moved":
        return CheckedQuote("present", article, now.span, article.body[now.span.start : now.span.end], is_changed)
    return CheckedQuote("changed", article, now.span, former, is_changed, now.edits)


def _add_edits(checked: list[CheckedQuote], article_id: str, since: str, history: Sequence[Revision]) -> None:
    """Give the first quote of an article that changed its latest edits, if no quote shows an edit of it."""
    own = [at for at, each in enumerate(checked) if each.article and each.article.article_id == article_id]
    if own and checked[own[0]].is_changed and not any(checked[at].edits for at in own):
        edits = [edit for revision in history if revision.changed_at > since for edit in revision.edits]
        checked[own[0]] = replace(checked[own[0]], edits=tuple(edits[:EDITS]))


def former_words(quote: LinkedQuote, body: str, history: Sequence[Revision]) -> str:
    """Return the words of a quote that is not in its article any more; empty if its versions were not kept.

    Edits are undone from the newest on until the words are there. A removed sentence is looked up on its own.
    """
    for revision in history:
        for edit in revision.edits:
            if place := place_of(quote, edit.before):
                return edit.before[place.start : place.end]
            if edit.before and edit.after and not edit.in_title:
                body = body.replace(edit.after, edit.before, 1)
        if place := place_of(quote, body):
            return body[place.start : place.end]
    return ""


def place_of(quote: LinkedQuote, body: str) -> Span | None:
    """Return the place of a quote's words in a body, the nearest to its former place; None if it has none.

    The words are known by their length and digest only.
    """
    if digest(body[quote.span.start : quote.span.end]) == quote.digest:
        return quote.span
    length = quote.span.end - quote.span.start
    if len(body) > LONGEST_SEARCH:
        return None
    places: Sequence[int] = [found.start() for found in _START.finditer(body)]
    found = [start for start in places if digest(body[start : start + length]) == quote.digest]
    start = min(found, key=lambda start: abs(start - quote.span.start), default=None)
    return None if start is None else Span(start, start + length)


QuoteStatus = Literal["same", "moved", "changed", "gone"]


@dataclass(frozen=True, slots=True)
class QuoteState:
    """A quote in the article of today: `same`, `moved` (the same words elsewhere), `changed` or `gone`.

    `span` is the place of its words, or of the changed ones, in the body of today; None if it is gone. `edits` are the
    sentences of the quote that were changed, each as it was in the quote and as it is now (empty if it was removed). A
    quote whose change was not kept is gone.
    """

    status: QuoteStatus
    span: Span | None = None
    edits: tuple[Edit, ...] = ()


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
    edits = tuple(dict.fromkeys(_changes(history, parts, body)))
    now = [place for edit in edits if edit.after for place in _places(edit.after, body)[:1]]
    if edits and (now or left):
        return QuoteState("changed", (now or left)[0], edits)
    if left and len(left) == len(parts):
        # New sentences stand between those of the quote.
        return QuoteState("moved", left[0])
    return QuoteState("gone", None, edits)


def _changes(history: Sequence[Revision], parts: Sequence[str], body: str) -> Iterator[Edit]:
    """Yield what became of each part of a quote that is not in the body."""
    for part in parts:
        if _places(part, body):
            continue
        # The latest revision that removed these words is the one after which the quote was not true any more.
        for number, revision in enumerate(history):
            if edit := next((each for each in revision.edits if _concerns(each, part)), None):
                yield _followed(edit, history[:number])
                break


def _concerns(edit: Edit, part: str) -> bool:
    was, words = _plain(edit.before), _plain(part)
    return bool(was) and not edit.in_title and (words in was or was in words)


def _followed(edit: Edit, later: Sequence[Revision]) -> Edit:
    """Return an edit to what its sentence became in the end."""
    after = edit.after
    for newer in reversed(later):
        following = next((each for each in newer.edits if after and each.before == after and not each.in_title), None)
        after = following.after if following else after
    return Edit(edit.before, after)


def _places(text: str, body: str) -> list[Span]:
    """Return the places of a text in a body; white space may differ."""
    words = text.split()
    if not words:
        return []
    return [Span(*found.span()) for found in re.finditer(r"\s+".join(map(re.escape, words)), body)]


def _plain(text: str) -> str:
    return " ".join(text.split())
