"""`GET /widget.js`: the chat for any site, by one script tag. `GET /embed`: the same in a page to frame."""

import re

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from service.api.bundle import Script, widget_script
from service.api.templates import page, policy

router = APIRouter(include_in_schema=False)

FOR_GOOD = "public, max-age=31536000, immutable"
FOR_NOW = "public, max-age=600, stale-while-revalidate=86400"

SAID = 2_000
"""Characters of a text for the frame; the rest is cut off."""

_ZIPPED = re.compile(r"gzip\s*(?:;\s*q=(?:1(?:\.0*)?|0\.0*[1-9]\d*))?", re.IGNORECASE)


@router.get("/widget.js")
async def widget(request: Request, v: str = "") -> Response:
    """The script; kept for good by whoever asks for it by its digest, `?v=…`, else for minutes."""
    script = widget_script()
    accepted = request.headers.get("Accept-Encoding", "").split(",")
    zipped = any(_ZIPPED.fullmatch(each.strip()) for each in accepted)
    headers = _headers(script, zipped=zipped, for_good=v == script.digest)
    if headers["ETag"] in [
        tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")
    ]:
        return Response(status_code=304, headers=headers)
    body = script.gzipped if zipped else script.plain
    return Response(body, headers=headers, media_type="text/javascript; charset=utf-8")


@router.get("/embed")
async def embed(
    request: Request, title: str = "", lang: str = "en", theme: str = "auto", questions: str = "", intro: str = ""
) -> HTMLResponse:
    """The chat as a page of its own, to be framed by this service's pages and those of the allowed origins."""
    attributes = {"title": title, "lang": lang, "theme": theme, "questions": questions, "intro": intro}
    framed_by = policy(("'self'", *request.app.state.allowed_origins))
    given = {name: said[:SAID] for name, said in attributes.items() if said}
    return page("embed", headers=framed_by, title=title[:SAID], lang=lang, attributes=given)


def _headers(script: Script, *, zipped: bool, for_good: bool) -> dict[str, str]:
    headers = {
        "Cache-Control": FOR_GOOD if for_good else FOR_NOW,
        "ETag": f'"{script.digest}{"-gz" if zipped else ""}"',
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
        "Cross-Origin-Resource-Policy": "cross-origin",
    }
    return headers | ({"Content-Encoding": "gzip"} if zipped else {})
