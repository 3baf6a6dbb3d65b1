"""`GET /v1/articles` and `GET /v1/articles/{id}`."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response

from index.records import Article, isoformat
from service.api.reply import json_reply
from service.api.service_state import State
from service.api.tasks import on
from service.errors import ArticleNotFound

router = APIRouter(prefix="/v1/articles", tags=["articles"])

NAMES = 50
"""Authors, and tags, of an article that a reply has."""

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
    """An article with the text that citations point into; offsets are Unicode code points of `body`."""

    body: str
    object: Literal["article"] = "article"
    offset_unit: Literal["unicode_code_points"] = "unicode_code_points"


@dataclass(frozen=True, slots=True)
class ArticlePage:
    """A page of articles, newest first; `next_offset` is null on the last."""

    articles: tuple[ArticleSummary, ...]
    total: int
    next_offset: int | None
    object: Literal["list"] = "list"


@router.get("", response_model=ArticlePage, summary="All articles, a page at a time")
async def list_articles(
    state: State,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    offset: Annotated[int, Query(ge=0, le=2**31)] = 0,
) -> Response:
    """The articles of the current generation, newest first, those of unknown date last."""
    async with state.pipeline.pinned() as generation:
        total = generation.manifest.article_count
        found = await on(state.reading, generation.catalog.listed, offset, limit)
    following = offset + len(found)
    page = ArticlePage(
        tuple(_summary(each.article, each.characters) for each in found),
        total,
        following if found and following < total else None,
    )
    return json_reply(page)


@router.get("/{article_id}", response_model=ArticleReply, summary="One article with its text")
async def get_article(article_id: ArticleId, state: State) -> Response:
    """An article as it is stored and cited."""
    async with state.pipeline.pinned() as generation:
        article = await on(state.reading, generation.catalog.article, article_id)
    if article is None:
        raise ArticleNotFound(f"no article has the id {article_id!r}")
    return json_reply(ArticleReply(**_fields(article, len(article.body)), body=article.body))


def _summary(article: Article, characters: int) -> ArticleSummary:
    return ArticleSummary(**_fields(article, characters))


def _fields(article: Article, characters: int) -> dict[str, Any]:
    return {
        "id": article.article_id,
        "title": article.title,
        "url": article.url,
        "source": article.source,
        "authors": article.authors[:NAMES],
        "section": article.section,
        "language": article.language,
        "tags": article.tags[:NAMES],
        "published_at": isoformat(article.published_at),
        "updated_at": isoformat(article.updated_at),
        "characters": characters,
    }
