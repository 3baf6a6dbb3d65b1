"""The pages `/`, `/developers`, `/docs`, `/embed` and `/a/…`, and the files that pages load.

`/a/…` is the page of an answer: its question, and its quotes checked against the articles as they are now.
"""

import logging
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import quote as percent_encoded

from fastapi import APIRouter, Request
from fastapi.responses import PlainTextResponse, Response

from index.errors import DatelineError
from index.generation import Generation
from index.records import Filters
from service.answer import day
from service.api.access import CallerOf
from service.api.article_text import render, visible, web_address
from service.api.ask import suggested
from service.api.links import article_path, base_address
from service.api.state import ServiceState, State
from service.citations.dates import resolved_dates
from service.errors import LinkInvalid
from service.permalink import Link
from service.recheck import CheckedQuote, Recheck, recheck

if TYPE_CHECKING:
    pass


from service.api.templates import NO_ARTICLES, SCRIPTS, accepts, language_tag, page, page_asset, policy, user_notice

logger = logging.getLogger("dateline")
router = APIRouter(include_in_schema=False)


HEADLINES = 4
"""Headlines on the home page."""

SUGGESTIONS = 4
"""Suggested questions on the home page."""

EMBED_CHARACTERS = 2_000
"""The limit of an option of the page to embed; the rest is cut off."""

EMBED_OPTIONS = {"title": "", "lang": "en", "theme": "auto", "questions": "", "intro": ""}
"""The attributes of the widget that the address of the page to embed may set, with their defaults."""


IMMUTABLE = "public, max-age=31536000, immutable"
MINUTES = "public, max-age=600, stale-while-revalidate=86400"

_EMBED = {
    "en": ("Ask the archive", "Asking needs JavaScript.", "Browse the articles"),
    "de": ("Fragen Sie das Archiv", "Zum Fragen wird JavaScript gebraucht.", "Artikel ansehen"),
    "ar": ("اسأل الأرشيف", "يحتاج طرح الأسئلة إلى جافاسكريبت.", "تصفّح المقالات"),
}
"""The title, and the text without JavaScript, of the page to embed, in the languages of the widget."""

_ARTICLE_ID = re.compile(r"[A-Za-z0-9._:-]{1,200}")


@router.get("/")
async def home(state: State, caller: CallerOf, article: str = "", again: str = "") -> Response:
    """Show the page to ask on, even without an index.

    With `article`, only that article is asked. `again` is the signed part of a permalink, whose question is offered:
    a link cannot put other words on this page.
    """
    archive, notice = None, None
    try:
        archive = await state.read(_archive, state, caller.bounds, article)
    except DatelineError as error:
        notice = user_notice(error)
        logger.warning("%s", " ".join(str(error).split()))
    if archive is not None and not archive["articles"]:
        archive, notice = None, NO_ARTICLES
    link = state.permalinks.read(again)
    about = [article] if archive and archive["about"] else None
    found = await suggested(state, caller.bounds, about, SUGGESTIONS) if archive else []
    questions = [link.question] if link else [each.question for each in found]
    return page(
        "home",
        archive=archive,
        notice=notice,
        questions=questions,
        key=state.access.pages_key,
        indexed=state.allow_indexing,
    )


@router.get("/developers")
async def developers(request: Request, state: State) -> Response:
    """Show how to ask from a program, and how to put the chat on a site."""
    base, needs_key = base_address(request, state), state.access.needs_keys
    return page("developers", base=base, needs_key=needs_key, indexed=state.allow_indexing)


@router.get("/docs")
async def docs(request: Request, state: State) -> Response:
    """Show the description of the API."""
    base, needs_key = base_address(request, state), state.access.needs_keys
    return page("docs", base=base, needs_key=needs_key, api=request.app.openapi(), indexed=state.allow_indexing)


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
        headers=policy(("'self'", *state.access.allowed_origins())) | {"Vary": "Sec-Fetch-Dest"},
        title=given["title"][:EMBED_CHARACTERS] or name,
        lang=given["lang"] if language in _EMBED else "en",
        direction="rtl" if language == "ar" else "ltr",
        attributes={name: text[:EMBED_CHARACTERS] for name, text in given.items() if text},
        key=state.access.pages_key,
        no_script=no_script,
        browse=browse,
    )


@router.get("/widget.js")
@router.get("/explanation.js")
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
        **({"Cross-Origin-Resource-Policy": "cross-origin"} if name in SCRIPTS else policy()),
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


def _archive(state: ServiceState, bounds: Filters, about: str) -> dict[str, Any]:
    """Return what the home page shows of the articles to a caller.

    `outdated` is True if a newer generation could not be opened, `about` is the id and title of the only article to
    ask, and `model` is None without a language model.
    """
    with state.pipeline.library.pinned() as complete:
        generation = complete.restricted(bounds)
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
async def show_answer(token: str, state: State, caller: CallerOf) -> Response:
    """Show an answer's question and its quotes, each checked again; any other address is not found.

    A quote of an article outside the caller's bounds is gone.
    """
    link = state.permalinks.read(token)
    if link is None:
        raise LinkInvalid(f"this service did not sign the link {token[:40]!r}")
    async with state.pipeline.pinned(caller.bounds) as generation:
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
        conflicts=[listed([str(place + 1) for place in group]) for group in link.conflicts],
        quotes=[shown(quote) for quote in checked.quotes],
    )


def listed(words: Sequence[str]) -> str:
    """Return words as a list in a sentence: "1, 2 and 3"."""
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


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
    return ShownQuote(
        quote,
        language_tag(article.language),
        render(quote.text).html if quote.state == "present" else "",
        text_fragment(theirs, words) if theirs else None,
        article_path(article.article_id, span),
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
