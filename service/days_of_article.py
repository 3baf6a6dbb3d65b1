"""Whether an article speaks of a day or a month: it was published then, or states it.

A date without a year is the one nearest to the publication. Words such as "on Thursday" count with the date that they
mean, if that is certain. A month is stated by each of its days; a day is not stated by its month.
"""

from collections.abc import Iterator
from datetime import UTC, date

from index.records import Article, Span
from index.text import sentence_spans
from service.citations.dates import Date, resolved_dates, stated_dates
from service.date_words import Period

DAYS_OF_MONTH = 28
"""Days from which a period may have a whole month in it."""


def speaks_of(article: Article, period: Period) -> bool:
    """Return whether an article was published on a day of a period, or has a sentence that states one."""
    published = article.published_at
    is_of_period = published is not None and period.start <= published.astimezone(UTC).date() < period.end
    return is_of_period or next(sentences_of(article, period), None) is not None


def sentences_of(article: Article, period: Period) -> Iterator[Span]:
    """Yield the sentences of an article that state a day of a period, or its month."""
    for sentence in sentence_spans(article.body):
        span = Span(sentence.start, sentence.end)
        stated = (_nearest(each, article) for each in stated_dates(article.body[slice(*span)]))
        meant = (_of_iso(each.date) for each in resolved_dates(article, span))
        if any(_is_in(each, period) for each in (*stated, *meant)):
            yield span


def _nearest(stated: Date, article: Article) -> Date:
    """Return a date with the year that is nearest to the publication, if it has none and that is known."""
    if stated.year or article.published_at is None:
        return stated
    if not stated.day and stated.month and stated.month > article.published_at.month:
        return stated  # "in February", written in January, may be of either year
    published = article.published_at.date()
    away = {}
    for year in (published.year - 1, published.year, published.year + 1):
        try:
            away[abs((date(year, stated.month or 0, stated.day or 15) - published).days)] = year
        except ValueError:
            continue
    return stated._replace(year=away[min(away)]) if away else stated


def _of_iso(text: str) -> Date:
    """Return a day, a month or a year in ISO 8601 as a date."""
    year, month, day = (*map(int, text.split("-")), None, None)[:3]
    return Date(year, month, day)


def _is_in(stated: Date, period: Period) -> bool:
    """Return whether a date is in a period; a month is if all of it is."""
    if not stated.year or not stated.month:
        return False
    try:
        if stated.day:
            return period.start <= date(stated.year, stated.month, stated.day) < period.end
        first, last = (date(stated.year, stated.month, day) for day in (1, DAYS_OF_MONTH))
    except ValueError:
        return False
    return period.start <= first and last < period.end
