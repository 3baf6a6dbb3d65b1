"""`GET /articles`: what there is to read. `GET /articles/{id}`: an article, at the words that a citation quotes."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from index.records import Article, Span
from service.api.article_text import render
from service.api.assets import unless_known
from service.api.service_state import State
from service.api.tasks import on
from service.api.templates import page
from service.errors import ArticleNotFound

router = APIRouter(include_in_schema=False)

PAGE = 40
"""Articles on a page of the list."""

OPENING = 600
"""Code points of a body that are read for its opening; some of them are Markdown and not shown."""


@router.get("/articles")
async def articles(request: Request, state: State, offset: str = "0") -> Response:
    """The articles, newest first, a page at a time; an `offset` that is no number is the beginning."""
    first = int(offset) if re.fullmatch(r"[0-9]{1,9}", offset) else 0
    async with state.pipeline.pinned() as generation:
        total = generation.manifest.article_count
        found = await on(state.reading, generation.catalog.headlines, first, PAGE, OPENING)
    newer = max(first - PAGE, 0) if first else None
    older = first + PAGE if first + PAGE < total else None
    shown = page("articles", articles=found, total=total, first=first + 1, newer=newer, older=older)
    return unless_known(request, shown)


@router.get("/articles/{article_id}")
async def article(
    request: Request, article_id: str, state: State, start: str | None = None, end: str | None = None
) -> Response:
    """An article; `start` and `end` count code points of its body, half-open, and are marked in it."""
    async with state.pipeline.pinned() as generation:
        found = await on(state.reading, generation.catalog.article, article_id)
    if found is None:
        raise ArticleNotFound(f"no article has the id {article_id[:200]!r}", "GET /v1/articles lists all of them.")
    # A body may have megabytes: rendering it is not for the event loop.
    return unless_known(request, await on(state.reading, article_page, found, start, end))


def article_page(article: Article, start: str | None, end: str | None) -> HTMLResponse:
    """Return the page of an article, with the words that the address names marked."""
    text = render(article.body, _span(start, end, len(article.body)))
    moved = (start, end) != (None, None) and not text.marked
    return page("article", article=article, text=text, moved=moved)


def _span(start: str | None, end: str | None, length: int) -> Span | None:
    """The words that an address names, or None where the body has none there: the address came from anywhere."""
    if not all(given and re.fullmatch(r"[0-9]{1,9}", given) for given in (start, end)):
        return None
    span = Span(int(start or 0), int(end or 0))
    return span if span.start < span.end <= length else None
