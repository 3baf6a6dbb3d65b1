"""`GET /articles`: what there is to read. `GET /articles/{id}`: an article, at the words that a citation quotes."""

import asyncio
import re
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from index.errors import IndexUnavailable
from index.records import Article, Span
from service.api.article_text import Rendered, render
from service.api.service_state import State
from service.api.templates import page

router = APIRouter(include_in_schema=False)

PAGE = 40
"""Articles on a page of the list."""

OPENING = 600
"""Code points of a body that are read for its opening; some of them are Markdown and not shown."""

Place = Annotated[str | None, Query(max_length=40)]


@router.get("/articles")
async def articles(state: State, offset: str = "0") -> HTMLResponse:
    """The articles, newest first, a page at a time; an `offset` that is no number is the beginning."""
    first = int(offset) if re.fullmatch(r"[0-9]{1,9}", offset) else 0
    try:
        async with state.pipeline.pinned() as generation:
            total = generation.manifest.article_count
            found = await asyncio.to_thread(generation.catalog.headlines, first, PAGE, OPENING)
    except IndexUnavailable as error:
        return _no_index(error)
    newer = max(first - PAGE, 0) if first else None
    older = first + PAGE if first + PAGE < total else None
    return page("articles", articles=found, total=total, first=first + 1, newer=newer, older=older)


@router.get("/articles/{article_id}")
async def article(article_id: str, state: State, start: Place = None, end: Place = None) -> HTMLResponse:
    """An article; `start` and `end` count code points of its body, half-open, and are marked in it."""
    try:
        async with state.pipeline.pinned() as generation:
            found = await asyncio.to_thread(generation.catalog.article, article_id)
    except IndexUnavailable as error:
        return _no_index(error)
    if found is None:
        return page("missing", 404, title="No such article", text="It may have been removed, or the link may be wrong.")
    # A body may have megabytes: rendering it is not for the event loop.
    return await asyncio.to_thread(article_page, found, start, end)


def article_page(article: Article, start: str | None, end: str | None) -> HTMLResponse:
    """Return the page of an article, with the words that the address names marked."""
    quote = _span(start, end)
    text = render(article.body, quote)
    moved = (start, end) != (None, None) and not _is_found(text, quote, len(article.body))
    return page("article", article=article, text=text, moved=moved)


def _is_found(text: Rendered, quote: Span | None, length: int) -> bool:
    return quote is not None and quote.end <= length and text.marked


def _span(start: str | None, end: str | None) -> Span | None:
    """The words that an address names, or None where it names none: the address came from anywhere."""
    if not all(given and re.fullmatch(r"[0-9]{1,9}", given) for given in (start, end)):
        return None
    span = Span(int(start or 0), int(end or 0))
    return span if span.start < span.end else None


def _no_index(error: IndexUnavailable) -> HTMLResponse:
    return page("missing", 503, title="There are no articles to show", text=str(error))
