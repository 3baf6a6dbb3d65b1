"""The pages `/`, `/developers`, `/docs` and `/embed`, the files that pages load, and the templates of every page."""

import gzip
import hashlib
import json
import logging
import re
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from index.errors import DatelineError, IndexNotFound
from service.answer import day
from service.api.admission import ServiceState, State
from service.api.article_text import opening, render, web_address
from service.api.widget import widget_script

if TYPE_CHECKING:
    from jinja2 import Environment

logger = logging.getLogger("dateline")
router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parent / "page"

HEADLINES = 4
"""Headlines on the home page."""

SUGGESTIONS = 4
"""Suggested questions on the home page."""

EMBED_CHARACTERS = 2_000
"""The limit of an option of the page to embed; the rest is cut off."""

EMBED_OPTIONS = {"title": "", "lang": "en", "theme": "auto", "questions": "", "intro": ""}
"""The attributes of the widget that the address of the page to embed may set, with their defaults."""

NO_ARTICLES = "No articles have been added yet."
NOT_NOW = "The articles cannot be read at the moment. Please try again later."

IMMUTABLE = "public, max-age=31536000, immutable"
MINUTES = "public, max-age=600, stale-while-revalidate=86400"

_TYPES = {".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
_EMBED = {
    "en": ("Ask the archive", "Asking needs JavaScript.", "Browse the articles"),
    "de": ("Fragen Sie das Archiv", "Zum Fragen wird JavaScript gebraucht.", "Artikel ansehen"),
    "ar": ("اسأل الأرشيف", "يحتاج طرح الأسئلة إلى جافاسكريبت.", "تصفّح المقالات"),
}
"""The title, and the text without JavaScript, of the page to embed, in the languages of the widget."""

_LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_ARTICLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")


@router.get("/")
async def home(state: State, article: str = "", again: str = "") -> Response:
    """Show the page to ask on, even without an index.

    With `article`, only that article is asked. `again` is the signed part of a permalink, whose question is offered:
    a link cannot put other words on this page.
    """
    archive, notice = None, None
    try:
        archive = await state.read(_archive, state, article)
    except DatelineError as error:
        notice = user_notice(error)
        logger.warning("%s", " ".join(str(error).split()))
    if archive is not None and not archive["articles"]:
        archive, notice = None, NO_ARTICLES
    link = state.permalinks.read(again)
    today = state.pipeline.clock().date()
    about = [article] if archive and archive["about"] else None
    suggested = [each.question for each in state.suggestions.of(today, about, SUGGESTIONS)]
    questions = [link.question] if link else suggested
    return page("home", archive=archive, notice=notice, questions=questions, indexed=state.allow_indexing)


@router.get("/developers")
async def developers(request: Request, state: State) -> Response:
    """Show how to ask from a program, and how to put the chat on a site."""
    return page("developers", base=_base_address(request, state), indexed=state.allow_indexing)


@router.get("/docs")
async def docs(request: Request, state: State) -> Response:
    """Show the description of the API."""
    return page("docs", base=_base_address(request, state), api=request.app.openapi(), indexed=state.allow_indexing)


@router.get("/embed")
async def embed(request: Request, state: State) -> Response:
    """Show the chat as a page that this service and the allowed origins may frame."""
    given = {name: request.query_params.get(name, default) for name, default in EMBED_OPTIONS.items()}
    if request.headers.get("Sec-Fetch-Dest") == "document":
        # A link to this page must not show words of its author under the newsroom's address.
        given |= {"title": "", "intro": ""}
    language = given["lang"].split("-", maxsplit=1)[0].lower()
    name, no_script, browse = _EMBED.get(language, _EMBED["en"])
    return page(
        "embed",
        headers=policy(("'self'", *state.allowed_origins)) | {"Vary": "Sec-Fetch-Dest"},
        title=given["title"][:EMBED_CHARACTERS] or name,
        lang=given["lang"] if language in _EMBED else "en",
        direction="rtl" if language == "ar" else "ltr",
        attributes={name: text[:EMBED_CHARACTERS] for name, text in given.items() if text},
        no_script=no_script,
        browse=browse,
    )


@router.get("/widget.js")
@router.get("/page.js")
@router.get("/page.css")
@router.get("/icon.svg")
@router.get("/favicon.ico")
async def file(request: Request, v: str = "") -> Response:
    """Send a file that pages load, compressed if the caller takes gzip; pages of any origin may load the widget.

    Caches keep it for a year if `v` is its digest, else for minutes. Browsers that have not loaded a page, which has
    the address of the icon, ask for `/favicon.ico`.
    """
    name = request.url.path.removeprefix("/").replace("favicon.ico", "icon.svg")
    asset, zipped = page_asset(name), accepts(request.headers.get("Accept-Encoding", ""), "gzip")
    headers = {
        **({"Cross-Origin-Resource-Policy": "cross-origin"} if name == "widget.js" else policy()),
        "Cache-Control": IMMUTABLE if v == asset.digest else MINUTES,
        "ETag": f'"{asset.digest}{"-gz" if zipped else ""}"',
        "Vary": "Accept-Encoding",
        **({"Content-Encoding": "gzip"} if zipped else {}),
    }
    return Response(asset.gzipped if zipped else asset.plain, headers=headers, media_type=asset.media_type)


@router.get("/robots.txt")
async def robots() -> PlainTextResponse:
    """Keep search engines away from the API; pages have a `noindex` of their own."""
    return PlainTextResponse("User-agent: *\nDisallow: /v1/\n", headers={"Cache-Control": MINUTES})


def policy(frame_ancestors: tuple[str, ...] = ("'none'",)) -> dict[str, str]:
    """Return the headers of a page: it loads only files of this service, and only `frame_ancestors` may frame it."""
    return {
        "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self';"
        " img-src 'self'; base-uri 'none'; form-action 'none';"
        f" frame-ancestors {' '.join(frame_ancestors)}; require-trusted-types-for 'script'; trusted-types 'none'",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def page(name: str, status: int = 200, headers: dict[str, str] | None = None, **values: object) -> HTMLResponse:
    """Return a page from its template, with every value escaped; `headers` replaces the usual policy.

    Browsers cache a page and validate it each time; an error is not cached. Search engines may index it only with
    `indexed=True`.
    """
    text = _environment().get_template(f"{name}.html.jinja2").render(values)
    cached = {"Cache-Control": "no-cache", "ETag": f'"{_digest(text.encode())}"'}
    return HTMLResponse(
        text, status, (cached if status == 200 else {"Cache-Control": "no-store"}) | (headers or policy())
    )


def _base_address(request: Request, state: ServiceState) -> str:
    """Return the address at which users reach the service, without a slash at its end."""
    return str(state.public_url or request.base_url).rstrip("/")


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `digest` is the start of the SHA-256 of its bytes."""

    plain: bytes
    gzipped: bytes
    digest: str
    media_type: str


@cache
def page_asset(name: str) -> Asset:
    """Return a file that pages load: the widget's script, or a file of the pages' folder."""
    plain = widget_script().encode() if name == "widget.js" else (FOLDER / name).read_bytes()
    return Asset(plain, gzip.compress(plain, mtime=0), _digest(plain), _TYPES[Path(name).suffix])


def accepts(header: str, value: str) -> bool:
    """Return whether a header such as `Accept` names a value, with a quality above 0; a wildcard names none."""
    named = re.compile(rf"{value}\s*(?:;\s*q=(?:1(?:\.0*)?|0\.0*[1-9]\d*))?", re.IGNORECASE)
    return any(named.fullmatch(each.strip()) for each in header.split(","))


def user_notice(error: DatelineError) -> str:
    """Return the text for users if the articles cannot be read."""
    return NO_ARTICLES if isinstance(error, IndexNotFound) else NOT_NOW


def language_tag(language: str | None) -> str | None:
    """Return a language if it is a tag that a browser may understand."""
    return language if language and _LANGUAGE.fullmatch(language) else None


@cache
def _environment() -> "Environment":
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        "address": lambda name: f"/{name}?v={page_asset(name).digest}",
        "day": day,
        "json": partial(json.dumps, ensure_ascii=False),
        "language_tag": language_tag,
        "markdown": lambda text: render(text).html,
        "opening": opening,
        "web_address": web_address,
    }
    return environment


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


def _archive(state: ServiceState, about: str) -> dict[str, Any]:
    """Return what the home page shows of the articles.

    `outdated` is True if a newer generation could not be opened, `about` is the id and title of the only article to
    ask, and `model` is None without a language model.
    """
    with state.pipeline.library.pinned() as generation:
        oldest, newest = generation.dates()
        chosen = generation.article(about) if _ARTICLE_ID.fullmatch(about) else None
        return {
            "articles": generation.manifest.article_count,
            "oldest": oldest,
            "newest": newest,
            "updated": generation.manifest.created_at,
            "outdated": bool(state.pipeline.library.error),
            "headlines": [each.article for each in generation.listed(0, HEADLINES, 0)],
            "about": None if chosen is None else (about, chosen.title or "Untitled article"),
            "model": state.pipeline.llm.model if state.pipeline.llm else None,
        }
