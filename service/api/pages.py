"""The pages `/`, `/developers`, `/docs`, `/embed` and `/a/…`, the files that they load, and the templates of all pages.

`/a/…` is the page of an answer: its question, and its quotes checked against the articles as they are now. The widget's
script is made of the ES modules of `service/widget`, joined into one classic script.
"""

import gzip
import hashlib
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent_encoded

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, PlainTextResponse, Response

from index.errors import DatelineError, IndexNotFound
from index.generation import Generation
from service.answer import day
from service.api.admission import ServiceState, State
from service.api.article_text import opening, render, visible, web_address
from service.citations.dates import resolved_dates
from service.errors import LinkInvalid
from service.permalink import CheckedQuote, Link, Recheck, recheck

if TYPE_CHECKING:
    from jinja2 import Environment

WIDGET = Path(__file__).resolve().parents[1] / "widget"
ENTRY = "chat.js"

_IMPORT = re.compile(
    r'^import (?:\{ (?P<names>[\w, ]+) \}|(?P<default>\w+)) from "\./(?P<file>[\w.-]+)"(?: with \{ type: "css" \})?;\n',
    re.MULTILINE,
)
_EXPORT = re.compile(r"^export (?=(?:async )?(?:function\*?|class|const) (\w+))", re.MULTILINE)
_UNKNOWN = re.compile(r"^(?:import|export)\b.*", re.MULTILINE)
_COMMENT = re.compile(r"^[ \t]*(?:/\*\*.*?\*/|//[^\n]*)\n", re.MULTILINE | re.DOTALL)
_STYLE_COMMENT = re.compile(r"/\*.*?\*/\n?", re.DOTALL)


@cache
def widget_script() -> str:
    """Return the widget's script, joined once in a process."""
    return join_modules(WIDGET, ENTRY)


def join_modules(folder: Path, entry: str) -> str:
    """Return an entry module after the modules that it imports, each in its own scope, without comments.

    Imported style sheets become constructed ones. Raises ValueError for other forms of import and export than the
    widget's.
    """
    done: dict[str, str] = {}
    _add(folder, entry, done)
    return '(() => {\n"use strict";\n' + "".join(done.values()) + "})();\n"


def _add(folder: Path, name: str, done: dict[str, str]) -> None:
    if name in done:
        return
    text, variable = (folder / name).read_text(encoding="utf-8"), _variable(name)
    if name.endswith(".css"):
        rules = json.dumps(_STYLE_COMMENT.sub("", text), ensure_ascii=False)
        done[name] = f"const {variable} = new CSSStyleSheet();\n{variable}.replaceSync({rules});\n"
        return
    for needed in _IMPORT.finditer(text):
        _add(folder, needed["file"], done)
    code = _IMPORT.sub(_assignment, _COMMENT.sub("", text))
    exported = ", ".join(found[1] for found in _EXPORT.finditer(code))
    code = _EXPORT.sub("", code)
    if unknown := _UNKNOWN.search(code):
        raise ValueError(
            f'{name}: found {unknown[0]!r}, expected `import {{ a, b }} from "./file.js";` on one line, or `export`'
            " before a function, a class or a const"
        )
    done[name] = f"const {variable} = (() => {{\n{code}return {{ {exported} }};\n}})();\n"


def _assignment(found: re.Match[str]) -> str:
    names = f"{{ {found['names']} }}" if found["names"] else found["default"]
    return f"const {names} = {_variable(found['file'])};\n"


def _variable(file: str) -> str:
    return "$" + re.sub(r"\W", "_", file)


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
