"""The quotes of a permalink, checked again: whether their words are still there, and whether the articles changed."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from index.records import Article, Span
from service.permalink import Link, LinkedQuote, article_digest, digest

State = Literal["present", "changed", "gone"]
"""Of a quote: its words are in the article; they are not; the article is not in the index any more."""

LONGEST_SEARCH = 1_000_000
"""Code points of a body that are searched for a quote that is not at its place: 1 s at most."""

_START = re.compile(r"(?<!\w)\S|(?<=\W)\w")


@dataclass(frozen=True, slots=True)
class CheckedQuote:
    """A quote of a link as it is now: `article.body[span.start:span.end] == text` if it is present.

    `article` is None if it is gone. `is_changed` is True if title or body of the article differ from those at the time
    of the answer.
    """

    state: State
    article: Article | None = None
    span: Span | None = None
    text: str = ""
    is_changed: bool = False


@dataclass(frozen=True, slots=True)
class Recheck:
    """The quotes of a link, checked again, in the order of the answer."""

    quotes: tuple[CheckedQuote, ...]
    gone_articles: int = 0

    @property
    def present(self) -> int:
        """Return the number of quotes whose words are still in their articles."""
        return sum(quote.state == "present" for quote in self.quotes)

    @property
    def changed_articles(self) -> int:
        """Return the number of articles that differ from those at the time of the answer."""
        return len({quote.article.article_id for quote in self.quotes if quote.article and quote.is_changed})


def recheck(link: Link, article_of: Callable[[str], Article | None]) -> Recheck:
    """Return the quotes of a link as the articles are now; `article_of` returns an article by its id."""
    articles = {article_id: article_of(article_id) for article_id in {quote.article_id for quote in link.quotes}}
    checked = tuple(_checked(quote, articles[quote.article_id]) for quote in link.quotes)
    return Recheck(checked, sum(article is None for article in articles.values()))


def _checked(quote: LinkedQuote, article: Article | None) -> CheckedQuote:
    if article is None:
        return CheckedQuote("gone")
    is_changed = article_digest(article) != quote.article_digest
    span = place_of(quote, article.body)
    if span is None:
        return CheckedQuote("changed", article, is_changed=is_changed)
    return CheckedQuote("present", article, span, article.body[span.start : span.end], is_changed)


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
