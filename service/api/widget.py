"""`GET /widget.js`: the chat for any site, by one script tag. `GET /embed`: the same in a page to frame."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.api.assets import send, unless_known
from service.api.bundle import widget_script
from service.api.templates import page, policy

router = APIRouter(include_in_schema=False)

SAID = 2_000
"""Characters of a text for the frame; the rest is cut off."""

_WORDS = {
    "en": ("Ask the archive", "Asking needs JavaScript.", "Browse the articles"),
    "de": ("Fragen Sie das Archiv", "Zum Fragen wird JavaScript gebraucht.", "Artikel ansehen"),
    "ar": ("اسأل الأرشيف", "يحتاج طرح الأسئلة إلى جافاسكريبت.", "تصفّح المقالات"),
}
"""The page's title, and what is said where no script runs; the languages are those of the widget."""


@router.get("/widget.js")
async def widget(request: Request, v: str = "") -> Response:
    """The script; kept for good by whoever asks for it by its digest, `?v=…`, else for minutes."""
    return send(request, widget_script(), v, {"Cross-Origin-Resource-Policy": "cross-origin"})


@router.get("/embed")
async def embed(
    request: Request, title: str = "", lang: str = "en", theme: str = "auto", questions: str = "", intro: str = ""
) -> Response:
    """The chat as a page of its own, to be framed by this service's pages and those of the allowed origins."""
    attributes = {"title": title, "lang": lang, "theme": theme, "questions": questions, "intro": intro}
    framed_by = policy(("'self'", *request.app.state.allowed_origins))
    given = {name: said[:SAID] for name, said in attributes.items() if said}
    language = lang.split("-", maxsplit=1)[0].lower()
    spoken, (name, no_script, browse) = (lang, _WORDS[language]) if language in _WORDS else ("en", _WORDS["en"])
    shown = page(
        "embed",
        headers=framed_by,
        title=title[:SAID] or name,
        lang=spoken,
        direction="rtl" if language == "ar" else "ltr",
        attributes=given,
        no_script=no_script,
        browse=browse,
    )
    return unless_known(request, shown)
