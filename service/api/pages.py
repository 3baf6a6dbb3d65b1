"""`GET /`: ask the archive. `GET /developers`: use it from a program or a site. And the files that pages share."""

import logging
import re
from dataclasses import dataclass

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from index.catalog import Headline
from index.errors import DatelineError
from service.api.assets import FOR_NOW, page_asset, send, unless_known
from service.api.error_page import NO_ARTICLES, reader_notice
from service.api.service_state import ServiceState, State
from service.api.tasks import on
from service.api.templates import base_address, page, policy

logger = logging.getLogger("dateline")
router = APIRouter(include_in_schema=False)

HEADLINES = 4
"""Headlines that the home page shows, to read."""

_ARTICLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")


@dataclass(frozen=True, slots=True)
class Archive:
    """What the service answers from; `model` is None where no language model is asked.

    `outdated` is True where a newer generation could not be opened; `about` is the id and title of an article to ask.
    """

    articles: int
    oldest: str | None
    newest: str | None
    updated: str
    outdated: bool
    headlines: tuple[Headline, ...]
    about: tuple[str, str] | None
    model: str | None


@router.get("/")
async def home(request: Request, state: State, article: str = "") -> Response:
    """The page to ask on, without an index as well; with `article`, only that article is asked."""
    archive, notice = None, None
    try:
        archive = await on(state.reading, _archive, state, article)
    except DatelineError as error:
        notice = reader_notice(error)
        logger.warning("%s", " ".join(str(error).split()))
    if archive is not None and not archive.articles:
        archive, notice = None, NO_ARTICLES
    return unless_known(request, page("home", archive=archive, notice=notice))


@router.get("/developers")
async def developers(request: Request) -> Response:
    """How to ask from a program, and how to put the chat on a site."""
    return unless_known(request, page("developers", base=base_address(request)))


@router.get("/page.js")
@router.get("/page.css")
@router.get("/icon.svg")
async def file(request: Request, v: str = "") -> Response:
    """What pages do by themselves, how they look, and their icon."""
    return send(request, page_asset(request.url.path.removeprefix("/")), v, policy())


@router.get("/favicon.ico")
async def icon(request: Request) -> Response:
    """The icon, for browsers that ask for it without having seen a page."""
    return send(request, page_asset("icon.svg"), "", policy())


@router.get("/robots.txt")
async def robots() -> PlainTextResponse:
    """What search engines should leave alone; article pages say for themselves that they are not to be indexed."""
    return PlainTextResponse("User-agent: *\nDisallow: /v1/\n", headers={"Cache-Control": FOR_NOW})


def _archive(state: ServiceState, about: str) -> Archive:
    with state.pipeline.library.pinned() as generation:
        oldest, newest = generation.catalog.dates()
        title = generation.catalog.title_of(about) if _ARTICLE_ID.fullmatch(about) else None
        return Archive(
            articles=generation.manifest.article_count,
            oldest=oldest,
            newest=newest,
            updated=generation.manifest.created_at,
            outdated=bool(state.pipeline.library.trouble),
            headlines=tuple(generation.catalog.headlines(0, HEADLINES, 0)),
            about=None if title is None else (about, title or "Untitled article"),
            model=state.pipeline.llm.model if state.pipeline.llm else None,
        )
