"""The answer to a question that is a day or a month: what articles say of it, and what was published then.

"What happened on 2 May 2026?" has no words that an article about that day must share. So the passages are those that
state a day of the period, and those that were published in it; each article gives one sentence. With a name, as in
"What happened in Ardmere in May?", they are those whose title or quoted sentence has it as well.

A date without a year is the one nearest to the publication. Words such as "on Thursday" count with the date that they
mean, if that is certain. A month is stated by each of its days; a day is not stated by its month.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from index.markup import readable
from index.records import Article, Filters, Span
from index.text import sentence_spans, words
from service.citations.dates import Date, resolved_dates, stated_dates
from service.date_words import Period
from service.records import DraftSentence, Passage
from service.retrieve import Retrieved, joined
from service.time_window import AskedPeriod

DAYS_OF_MONTH = 28
"""Days from which a period may have a whole month in it."""

MONTH = timedelta(days=DAYS_OF_MONTH)

QUOTED = 4
"""Articles that are quoted."""


def retrieve_period(
    find: Callable[[Filters], Retrieved], filters: Filters, asked: AskedPeriod, count: int
) -> Retrieved:
    """Return the passages that speak of a period; `find` searches for the question with some filters."""
    period = asked.days
    start, end = (datetime.combine(day, time(), UTC) for day in period)
    after = max(filters.published_after or start, start)
    before = min(filters.published_before or end, end)
    found = find(filters)
    stated = [each for each in found.passages if _speaks(each, asked, is_of_period=False)]
    published: Sequence[Passage] = ()
    if after < before:
        in_period = find(replace(filters, published_after=after, published_before=before)).passages
        published = [each for each in in_period if _speaks(each, asked, is_of_period=True)]
    # A month is asked for what was published in it, a day for what was later written of it as well.
    both = [*published, *stated] if period.end - period.start >= MONTH else [*stated, *published]
    passages = list({each.chunk.chunk_id: each for each in both}.values())
    return joined(replace(found, passages=()), passages[:count], count)


def drafts_of_period(passages: Sequence[Passage], period: Period) -> Iterator[DraftSentence]:
    """Yield one sentence of each article, in the order of their dates, with the marker of its passage."""
    chosen: dict[str, tuple[Passage, Span]] = {}
    for passage in passages:
        sentence = _sentence(passage, period, is_of_period=_is_in(passage.article, period))
        if sentence and len(chosen) < QUOTED:
            chosen.setdefault(passage.article.article_id, (passage, sentence))
    for passage, (start, end) in sorted(chosen.values(), key=lambda each: _date(each[0].article)):
        yield DraftSentence.quoting(passage.key, readable(passage.article.body[start:end]))


def _speaks(passage: Passage, asked: AskedPeriod, *, is_of_period: bool) -> bool:
    """Return whether the sentence that would be quoted, or the title, has the names: others only mention them."""
    span = _sentence(passage, asked.days, is_of_period=is_of_period)
    body = passage.article.body
    return span is not None and asked.names <= set(words(f"{passage.article.title}\n{body[slice(*span)]}"))


def _sentence(passage: Passage, period: Period, *, is_of_period: bool) -> Span | None:
    """Return the first sentence of a passage that states a day of the period, or begins an article of the asked month.

    Of an article of the asked month, the first sentence says most; of one that tells of a day, the one that states it.
    """
    chunk = passage.chunk
    inside = (span for span in sentences_of(passage.article, period) if chunk.start_char <= span.start < chunk.end_char)
    stated = next(inside, None)
    if not is_of_period or chunk.ordinal or (stated and period.end - period.start < MONTH):
        return stated
    first = next(iter(sentence_spans(chunk.text, headings=False)), None)
    return Span(chunk.start_char + first.start, chunk.start_char + first.end) if first else None


def _is_in(article: Article, period: Period) -> bool:
    published = article.published_at
    return published is not None and period.start <= published.astimezone(UTC).date() < period.end


def _date(article: Article) -> datetime:
    return article.published_at or datetime.max.replace(tzinfo=UTC)


def sentences_of(article: Article, period: Period) -> Iterator[Span]:
    """Yield the sentences of an article that state a day of a period, or its month."""
    for sentence in sentence_spans(article.body):
        span = Span(sentence.start, sentence.end)
        stated = (_nearest(each, article) for each in stated_dates(article.body[slice(*span)]))
        meant = (_of_iso(each.date) for each in resolved_dates(article, span))
        if any(_has(each, period) for each in (*stated, *meant)):
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


def _has(stated: Date, period: Period) -> bool:
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
