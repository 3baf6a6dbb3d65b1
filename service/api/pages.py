"""`GET /`: what the service knows, a chat to ask it, and what a developer needs. And the files that pages share."""

import asyncio
from dataclasses import dataclass
from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse

from index.errors import DatelineError
from service.api.problems import public_message
from service.api.service_state import ServiceState, State
from service.api.templates import FOLDER, page, policy

router = APIRouter(include_in_schema=False)

HEADLINES = 3
"""Headlines that the chat offers to begin with."""


@dataclass(frozen=True, slots=True)
class Known:
    """What the service answers from; `model` is None where no language model is asked."""

    articles: int
    oldest: str | None
    newest: str | None
    made: str
    generation: str
    model: str | None
    trouble: str | None
    headlines: tuple[str, ...]


@router.get("/")
async def demo(request: Request, state: State) -> HTMLResponse:
    """The page; it is shown without an index as well, and then says what is missing."""
    known, missing = None, None
    try:
        known = await asyncio.to_thread(_known, state)
    except DatelineError as error:
        missing = public_message(error)
    return page("demo", base=str(request.base_url).rstrip("/"), known=known, missing=missing)


@router.get("/page.js")
async def script() -> FileResponse:
    """What pages do by themselves."""
    return _file("page.js", "text/javascript; charset=utf-8")


@router.get("/page.css")
async def style() -> FileResponse:
    """How pages look."""
    return _file("page.css", "text/css; charset=utf-8")


@router.get("/icon.svg")
async def icon() -> FileResponse:
    """The icon."""
    return _file("icon.svg", "image/svg+xml")


def _file(name: str, media_type: str) -> FileResponse:
    return FileResponse(Path(FOLDER / name), media_type=media_type, headers=policy())


def _known(state: ServiceState) -> Known:
    library = state.pipeline.library
    with library.pinned() as generation:
        manifest = generation.manifest
        oldest, newest = generation.catalog.dates()
        titles = [article.title for article in generation.catalog.articles(0, 12) if article.title]
        return Known(
            articles=manifest.article_count,
            oldest=oldest,
            newest=newest,
            made=manifest.created_at,
            generation=manifest.generation,
            model=state.pipeline.llm.model if state.pipeline.llm else None,
            trouble=public_message(library.trouble) if library.trouble else None,
            headlines=tuple(titles[:HEADLINES]),
        )
