"""The quotes of a permalink, checked again: whether their words are still there, and whether the articles changed."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Literal

from index.records import Article, Edit, Revision, Span, isoformat
from service.permalink import Link, LinkedQuote, article_digest, digest
from service.versions import compare_quote

State = Literal["present", "changed", "gone"]
"""Of a quote: its words are in the article; they are not; the article is not in the index any more."""

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

    Edits are undone from the newest on until the words are there. A removed sentence is looked for by itself.
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
