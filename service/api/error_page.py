"""Errors as pages, for browsers that ask for one; programs get JSON."""

import logging
import re

from fastapi import Request
from fastapi.responses import HTMLResponse

from index.errors import DatelineError, IndexNotFound, IndexUnavailable
from service.api.request_id import request_id_of
from service.api.templates import page
from service.errors import ArticleNotFound

logger = logging.getLogger("dateline")

NO_ARTICLES = "No articles have been added yet."
NOT_NOW = "The articles cannot be read at the moment. Please try again later."

_HTML = re.compile(r"text/html\s*(?:;\s*q=(?:1(?:\.0*)?|0\.0*[1-9]\d*))?", re.IGNORECASE)
_FOR_PROGRAMS = re.compile(r"/v1/|/healthz$|/readyz$|.*\.(?:json|js|css)$")
_WORDS = {
    404: ("Page not found", "There is nothing at this address. The link may be wrong."),
    405: ("Page not found", "This address cannot be opened in this way."),
    503: ("Please try again later", NOT_NOW),
}
_OTHERWISE = ("Something went wrong", "Please try again. If it happens again, tell the people who run this service.")


def error_page(request: Request, status: int, error: Exception | None = None) -> HTMLResponse | None:
    """Return the page of an error where a browser asks for a page, else None; it has no words of the error itself."""
    if _FOR_PROGRAMS.match(request.url.path) or not _takes_html(request.headers.get("Accept", "")):
        return None
    title, text = _WORDS.get(status, _OTHERWISE)
    if isinstance(error, ArticleNotFound):
        title, text = "No such article", "It may have been removed, or the link may be wrong."
    elif isinstance(error, IndexUnavailable):
        title, text = "There are no articles to show", reader_notice(error)
    request_id = request_id_of(request) if status >= 500 else None
    return page("missing", status, title=title, text=text, request_id=request_id)


def reader_notice(error: DatelineError) -> str:
    """Return what readers are told where the articles cannot be read."""
    return NO_ARTICLES if isinstance(error, IndexNotFound) else NOT_NOW


def _takes_html(accepted: str) -> bool:
    return any(_HTML.fullmatch(each.strip()) for each in accepted.split(","))
