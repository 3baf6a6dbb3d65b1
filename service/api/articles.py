"""The articles, as JSON under `/v1/articles` and as pages under `/articles`."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import Annotated, Any, Literal, NamedTuple

from fastapi import APIRouter, Path, Query
from fastapi.responses import HTMLResponse, Response

from index.generation import Generation
from index.records import Article, Revision, Span, isoformat
from service.api.access import CallerOf
from service.api.article_text import render, web_address
from service.api.links import article_path
from service.api.state import State
from service.api.templates import language_tag, page
from service.corrections import own_corrections
from service.errors import ArticleNotFound

router = APIRouter(tags=["articles"])

NAMES = 50
"""The limit of authors, and of tags, of an article in a reply."""

CORRECTIONS = 5
"""Corrections on the page of an article, the newest ones."""

PAGE = 40
"""Articles on a page of the list."""

OPENING = 600
"""Code points of a body that are read for its opening; some of them are Markdown and not shown."""

ArticleId = Annotated[str, Path(pattern=r"^[A-Za-z0-9._:-]{1,200}$")]


@dataclass(frozen=True, slots=True)
class ArticleSummary:
    """An article without its text."""

    id: str
    title: str | None
    url: str | None
    source: str | None
    authors: tuple[str, ...]
    section: str | None
    language: str | None
    tags: tuple[str, ...]
    published_at: str | None
    updated_at: str | None
    characters: int


@dataclass(frozen=True, slots=True)
class ArticleReply(ArticleSummary):
    """An article with the text that citations point into; offsets are Unicode code points of `body`.

    `versions` are its revisions, newest first.
    """

    body: str
    versions: tuple[Revision, ...] = ()
    object: Literal["article"] = "article"
    offset_unit: Literal["unicode_code_points"] = "unicode_code_points"


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """A page of articles, newest first; `next_offset` is null on the last."""

    articles: tuple[ArticleSummary, ...]
    total: int
    next_offset: int | None
    object: Literal["list"] = "list"


@router.get("/v1/articles", summary="All articles, a page at a time")
async def list_articles(
    state: State,
    caller: CallerOf,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> ArticlePage:
    """List the articles of the current generation, newest first, those of unknown date last."""
    async with state.pipeline.pinned(caller.bounds) as generation:
        total = generation.manifest.article_count
        found = await state.read(generation.listed, offset, limit)
    following = offset + len(found)
    return ArticlePage(
        tuple(ArticleSummary(**fields_of(each.article, each.characters)) for each in found),
        total,
        following if found and following < total else None,
    )


@router.get("/v1/articles/{article_id}", summary="One article with its text")
async def get_article(article_id: ArticleId, state: State, caller: CallerOf) -> ArticleReply:
    """Return an article as it is stored and cited."""
    async with state.pipeline.pinned(caller.bounds) as generation:
        article, history = await state.read(_with_history, generation, article_id)
    if article is None:
        raise ArticleNotFound(f"no article has the id {article_id!r}")
    return ArticleReply(**fields_of(article, len(article.body)), body=article.body, versions=history)


@router.get("/articles", include_in_schema=False)
async def list_page(state: State, caller: CallerOf, offset: str = "0") -> Response:
    """Show the articles, newest first, a page at a time; any other `offset` than a number counts as 0."""
    first = int(offset) if re.fullmatch(r"[0-9]{1,9}", offset) else 0
    async with state.pipeline.pinned(caller.bounds) as generation:
        total = generation.manifest.article_count
        found = await state.read(generation.listed, first, PAGE, OPENING)
    newer = max(first - PAGE, 0) if first else None
    older = first + PAGE if first + PAGE < total else None
    articles = [each.article for each in found]
    return page(
        "articles",
        articles=articles,
        total=total,
        first=first + 1,
        newer=newer,
        older=older,
        indexed=state.allow_indexing,
    )


@router.get("/articles/{article_id}", include_in_schema=False)
async def show_article(
    article_id: str,
    state: State,
    caller: CallerOf,
    start: str | None = None,
    end: str | None = None,
    highlight: str = "",
) -> Response:
    """Show an article and mark a quote; `start` and `end` count code points of its body, half-open.

    `highlight`, such as `530-541`, is the place of the answer's words in the quote.
    """
    async with state.pipeline.pinned(caller.bounds) as generation:
        found, history = await state.read(_with_history, generation, article_id)
    if found is None:
        raise ArticleNotFound(f"no article has the id {article_id[:200]!r}", "GET /v1/articles lists all of them.")
    # A body may have megabytes: render it off the event loop.
    page_of = partial(article_page, history=history, site=Site(state.public_url, state.allow_indexing))
    return await state.read(page_of, found, start, end, highlight)


class Site(NamedTuple):
    """The address under which the service is known, and whether search engines may list its articles."""

    public_url: str | None = None
    indexed: bool = False


UNKNOWN_SITE = Site()


def article_page(
    article: Article,
    start: str | None,
    end: str | None,
    highlight: str = "",
    *,
    history: Sequence[Revision] = (),
    site: Site = UNKNOWN_SITE,
) -> HTMLResponse:
    """Return the page of an article, with the quote of its address marked, and the answer's words in it.

    Corrections of its text are above it.
    """
    first, _, last = highlight.partition("-")
    text = render(article.body, _span(start, end, len(article.body)), _span(first, last, len(article.body)))
    moved = (start, end) != (None, None) and not text.marked
    address = canonical(article, site.public_url)
    return page(
        "article",
        article=article,
        text=text,
        moved=moved,
        corrections=list(islice(own_corrections(article, history), CORRECTIONS)),
        canonical=address,
        metadata=structured(article, address),
        indexed=site.indexed,
    )


def _with_history(generation: Generation, article_id: str) -> tuple[Article | None, tuple[Revision, ...]]:
    """Return an article with its revisions, newest first."""
    return generation.article(article_id), generation.histories([article_id]).get(article_id, ())


def canonical(article: Article, public_url: str | None) -> str:
    """Return the address that search engines should know an article by: its publisher's, else that of our page."""
    ours = f"{(public_url or '').rstrip('/')}{article_path(article.article_id)}"
    return web_address(article.url) or ours


def structured(article: Article, address: str) -> dict[str, Any]:
    """Return what is known of an article as a NewsArticle of schema.org, for a data block of its page."""
    known = {
        "headline": article.title,
        "datePublished": isoformat(article.published_at),
        "dateModified": isoformat(article.updated_at),
        "author": [{"@type": "Person", "name": name} for name in article.authors[:NAMES]],
        "publisher": {"@type": "Organization", "name": article.source} if article.source else None,
        "inLanguage": language_tag(article.language),
        "url": address if web_address(address) else None,
    }
    kept = {name: value for name, value in known.items() if value}
    return {"@context": "https://schema.org", "@type": "NewsArticle", **kept}


def _span(start: str | None, end: str | None, length: int) -> Span | None:
    """Return the quote that an address names, or None if it is outside of the body."""
    if not all(given and re.fullmatch(r"[0-9]{1,9}", given) for given in (start, end)):
        return None
    span = Span(int(start or 0), int(end or 0))
    return span if span.start < span.end <= length else None


def fields_of(article: Article, characters: int) -> dict[str, Any]:
    """Return what is known of an article, as the fields of its replies."""
    kept = {name: getattr(article, name) for name in ("title", "url", "source", "section", "language")}
    lists = {name: getattr(article, name)[:NAMES] for name in ("authors", "tags")}
    times = {name: isoformat(getattr(article, name)) for name in ("published_at", "updated_at")}
    return {"id": article.article_id, **kept, **lists, **times, "characters": characters}
