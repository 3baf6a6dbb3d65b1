"""Web pages: the main text, and what the page states about itself."""

import re
from collections.abc import Iterator

from ingest.clean import clean
from ingest.errors import ArticleRejected
from ingest.load import contents, encodings
from ingest.load.fields import Record
from ingest.load.files import ArticleFile
from ingest.load.identity import path_id
from ingest.load.page import headings, stated_fields
from ingest.load.prose import Element, prose
from ingest.load.silence import silenced

_PAGE = re.compile(r"<html\b", re.IGNORECASE)
_PAGE_START = 4_096
# Such as 502 Bad Gateway; 404 | Page not found; Error 503: Service Unavailable.
_ERROR = re.compile(
    r"\b[45]\d\d\b\W*(?:error|bad gateway|bad request|unauthori[sz]ed|forbidden|(?:page )?not found|too many requests"
    r"|internal server error|service (?:temporarily )?unavailable|gateway time-?out)\b",
    re.IGNORECASE,
)
_ERROR_PAGE_LENGTH = 1_000
_QUOTE_START = re.compile(r"<q(?:\s[^<>]{0,500})?>", re.IGNORECASE)
_QUOTE_END = re.compile(r"</q\s{0,9}>", re.IGNORECASE)


def records(file: ArticleFile) -> Iterator[Record]:
    """The one article of a .html file.

    The body is the main text as trafilatura finds it, without comments; the other fields are what
    `page.stated_fields` reads from the markup.

    Raises:
        ArticleRejected: As `contents.text`; or there is no article in the page, or it is a server's error page.
    """
    tree = parsed(contents.text(file, declared=encodings.of_page))
    body = clean(_main_text(tree)) if tree is not None else ""
    if tree is None or not body:
        raise ArticleRejected(file.origin, "there is no article text in the page", "empty")
    error = next(filter(_ERROR.search, headings(tree)), None)
    if error and len(body) < _ERROR_PAGE_LENGTH:
        reason = f"it is the error page of a server ({contents.shown(error)}): fetch it again"
        raise ArticleRejected(file.origin, reason, "error_page")
    yield Record(file.origin, path_id(file), {**stated_fields(tree), "body": body}, public=True)


def plain(fragment: str) -> str:
    """The text of a piece of HTML, such as a feed carries: all of it, as there is nothing but article in it."""
    tree = parsed(fragment)
    return "" if tree is None else prose(tree)


def parsed(html: str) -> Element | None:
    """The tree of a page or of a piece of one; None where there is nothing in it."""
    from trafilatura import load_html

    # Browsers draw the quotation marks of a q element; taken out with its tag, a quotation would lose them.
    html = _QUOTE_END.sub("”", _QUOTE_START.sub("“", html))
    if not _PAGE.search(html, 0, _PAGE_START):
        html = f"<html><body>{html}</body></html>"
    with silenced("trafilatura"):
        tree: Element | None = load_html(html)
    return tree


def _main_text(tree: Element) -> str:
    from trafilatura import bare_extraction

    with silenced("trafilatura"):
        found = bare_extraction(tree, include_comments=False, include_tables=True, with_metadata=False)
    return "" if found is None or isinstance(found, dict) else prose(found.body)
