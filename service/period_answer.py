"""The answer to a question that is a day or a month: what articles say of it, and what was published then.

"What happened on 2 May 2026?" has no words that an article about that day must share. So the passages are those that
state a day of the period, and those that were published in it; each article gives one sentence.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

from index.markup import readable
from index.records import Article, Filters, Span
from index.text import sentence_spans
from service.date_words import Period
from service.days_of_article import sentences_of
from service.records import DraftSentence, Passage
from service.retrieve import Retrieved, joined

MONTH = timedelta(days=28)

QUOTED = 4
"""Articles that are quoted."""


def retrieve_period(find: Callable[[Filters], Retrieved], filters: Filters, period: Period, count: int) -> Retrieved:
    """Return the passages that speak of a period; `find` searches for the question with some filters."""
    start, end = (datetime.combine(day, time(), UTC) for day in period)
    after = max(filters.published_after or start, start)
    before = min(filters.published_before or end, end)
    found = find(filters)
    stated = [passage for passage in found.passages if _sentence(passage, period, is_of_period=False)]
    published: Sequence[Passage] = ()
    if after < before:
        published = find(replace(filters, published_after=after, published_before=before)).passages
    # A month is asked for what was published in it, a day for what was later written of it as well.
    both = [*published, *stated] if period.end - period.start >= MONTH else [*stated, *published]
    passages = list({passage.chunk.chunk_id: passage for passage in both}.values())
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


def _sentence(passage: Passage, period: Period, *, is_of_period: bool) -> Span | None:
    """Return the first sentence of a passage that states a day of the period; of an article of the period, any first.

    Of an article of the asked month, the first sentence says most; of one that tells of a day, the one that states it.
    """
    chunk = passage.chunk
    inside = (span for span in sentences_of(passage.article, period) if chunk.start_char <= span.start < chunk.end_char)
    stated = next(inside, None)
    if not is_of_period or (stated and period.end - period.start < MONTH):
        return stated
    first = next(iter(sentence_spans(chunk.text, headings=False)), None)
    return Span(chunk.start_char + first.start, chunk.start_char + first.end) if first else None


def _is_in(article: Article, period: Period) -> bool:
    published = article.published_at
    return published is not None and period.start <= published.astimezone(UTC).date() < period.end


def _date(article: Article) -> datetime:
    return article.published_at or datetime.max.replace(tzinfo=UTC)
