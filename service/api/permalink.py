"""The page `/a/…` of an answer: its question, and its quotes checked against the articles as they are now."""

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import quote as percent_encoded

from fastapi import APIRouter
from fastapi.responses import Response

from index.generation import Generation
from service.answer import day
from service.api.admission import State
from service.api.article_text import render, visible, web_address
from service.api.pages import language_tag, page
from service.citations.dates import resolved_dates
from service.errors import LinkInvalid
from service.permalink import CheckedQuote, Link, Recheck, recheck

router = APIRouter(include_in_schema=False)

EDGE_WORDS = 5
"""Words at both ends of a quote in a text fragment; a shorter quote is given completely."""


@dataclass(frozen=True, slots=True)
class ShownQuote:
    """A quote as the page shows it; the addresses lead to the quote at the publisher and in our copy.

    `edits` are pairs of a sentence before and after a change, without Markdown; one of them may be empty. `dates` are
    pairs of words that depend on the article's day, and the date that they mean.
    """

    checked: CheckedQuote
    language: str | None = None
    html: str = ""
    publisher: str | None = None
    copy: str | None = None
    edits: tuple[tuple[str, str], ...] = ()
    dates: tuple[tuple[str, str], ...] = ()


@router.get("/a/{token:path}")
async def show_answer(token: str, state: State) -> Response:
    """Show an answer's question and its quotes, each checked again; any other address is not found."""
    link = state.permalinks.read(token)
    if link is None:
        raise LinkInvalid(f"this service did not sign the link {token[:40]!r}")
    async with state.pipeline.pinned() as generation:
        return await state.read(_answer_page, token, link, generation, state.pipeline.clock().date().isoformat())


def _answer_page(token: str, link: Link, generation: Generation, today: str) -> Response:
    ids = {quote.article_id for quote in link.quotes}
    checked = recheck(link, generation.article, generation.histories(ids))
    return page(
        "answer",
        token=token,
        link=link,
        today=today,
        is_whole=checked.present == len(checked.quotes) and not checked.changed_articles,
        summary=" ".join(summary(checked)),
        quotes=[shown(quote) for quote in checked.quotes],
    )


def summary(checked: Recheck) -> Iterator[str]:
    """Yield sentences on how many quotes are still there, and how many articles changed or are gone."""
    total, one = len(checked.quotes), "The article" if checked.articles == 1 else "One article"
    if checked.present == total:
        yield "The quote is still there." if total == 1 else f"{total} of {total} quotes are still there."
    elif total == 1:
        yield "The quote is not there any more."
    else:
        yield f"{checked.present} of {total} quotes {'is' if checked.present == 1 else 'are'} still there."
    if changed := checked.changed_articles:
        yield f"{one} was changed since." if changed == 1 else f"{changed} articles were changed since."
    if gone := checked.gone_articles:
        yield f"{one} is no longer available." if gone == 1 else f"{gone} articles are no longer available."


def shown(quote: CheckedQuote) -> ShownQuote:
    """Return what the page shows of a quote; nothing of an article that is gone."""
    article, span = quote.article, quote.span
    if article is None:
        return ShownQuote(quote)
    words = visible(article.body[span.start : span.end]) if span else ""
    theirs = web_address(article.url)
    place = f"?start={span.start}&end={span.end}#quote" if span else ""
    return ShownQuote(
        quote,
        language_tag(article.language),
        render(quote.text).html if quote.state == "present" else "",
        text_fragment(theirs, words) if theirs else None,
        f"/articles/{percent_encoded(article.article_id)}{place}",
        tuple((visible(edit.before), visible(edit.after)) for edit in quote.edits),
        tuple((date.text, written(date.date)) for date in resolved_dates(article, span)) if span else (),
    )


def written(date: str) -> str:
    """Return a day, a month or a year in ISO 8601 in words: "4 December 2025", "December 2025", "2025"."""
    year, _, month_and_day = date.partition("-")
    if not month_and_day:
        return year
    in_words = day(f"{date}-01"[:10])
    return in_words if date.count("-") == 2 else in_words.partition(" ")[2]


def text_fragment(address: str, quote: str) -> str:
    """Return the address of a page at these words, which browsers with text fragments show."""
    words = quote.split()
    if not words:
        return address
    ends = [words[:EDGE_WORDS], words[-EDGE_WORDS:]] if len(words) > 2 * EDGE_WORDS else [words]
    # Hyphens and commas have a meaning in text fragments.
    text = ",".join(percent_encoded(" ".join(part), safe="").replace("-", "%2D") for part in ends)
    return f"{address}{'' if '#' in address else '#'}:~:text={text}"
