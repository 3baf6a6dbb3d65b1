"""`GET /articles`: what there is to read. `GET /articles/{id}`: an article, at the words that a citation quotes."""

import asyncio
import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Query
from fastapi.responses import HTMLResponse

from index.errors import IndexUnavailable
from index.records import Article, Span
from service.api.problems import public_message
from service.api.service_state import State
from service.api.templates import page

router = APIRouter(include_in_schema=False)

PAGE = 40
"""Articles on a page of the list."""

Place = Annotated[str | None, Query(max_length=40)]


@dataclass(frozen=True, slots=True)
class Shown:
    """An article's body in three parts; `quote` is empty where no words are marked, `astray` if some should be."""

    before: str
    quote: str
    after: str
    astray: bool


@router.get("/articles")
async def articles(state: State, offset: str = "0") -> HTMLResponse:
    """The articles, newest first, a page at a time; an `offset` that is no number is the beginning."""
    first = int(offset) if re.fullmatch(r"[0-9]{1,9}", offset) else 0
    try:
        async with state.pipeline.pinned() as generation:
            total = generation.manifest.article_count
            found = await asyncio.to_thread(generation.catalog.articles, first, PAGE)
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
    return page("article", article=found, shown=_shown(found, start, end))


def _shown(article: Article, start: str | None, end: str | None) -> Shown:
    body = article.body
    if start is None and end is None:
        return Shown(body, "", "", astray=False)
    span = _span(start, end)
    if span is None or span.end > len(body):
        return Shown(body, "", "", astray=True)
    return Shown(body[: span.start], body[span.start : span.end], body[span.end :], astray=False)


def _span(start: str | None, end: str | None) -> Span | None:
    """The words that an address names, or None where it names none: the address came from anywhere."""
    if not all(given and re.fullmatch(r"[0-9]{1,9}", given) for given in (start, end)):
        return None
    span = Span(int(start or 0), int(end or 0))
    return span if span.start < span.end else None


def _no_index(error: IndexUnavailable) -> HTMLResponse:
    return page("missing", 503, title="There are no articles to show", text=public_message(error))
