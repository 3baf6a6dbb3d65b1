"""Load article files: find them, parse each format, and make valid articles or rejections."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from ingest.errors import ArticleRejected
from ingest.load.feed import parse_feed
from ingest.load.fields import LoadedArticle, to_article
from ingest.load.files import ArticleFile, find, open_file
from ingest.load.html import parse_page
from ingest.load.jsonfile import parse_json, parse_json_lines
from ingest.load.pdf import parse_pdf
from ingest.load.raw_article import RawArticle
from ingest.load.text import parse_markdown, parse_text

__all__ = ["PARSERS", "ArticleFile", "LoadedArticle", "find", "load"]

# File systems allow these characters; databases and terminals do not.
_UNNAMEABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

Parser = Callable[[ArticleFile], Iterator[RawArticle | ArticleRejected]]

PARSERS: dict[str, Parser] = {
    ".txt": parse_text,
    ".md": parse_markdown,
    ".markdown": parse_markdown,
    ".html": parse_page,
    ".htm": parse_page,
    ".json": parse_json,
    ".jsonl": parse_json_lines,
    ".pdf": parse_pdf,
    ".rss": parse_feed,
    ".xml": parse_feed,
    ".atom": parse_feed,
}


def load(file: ArticleFile, now: datetime | None = None) -> Iterator[LoadedArticle | ArticleRejected]:
    """Yield the articles of a file in order, with a rejection in place of each invalid one.

    Nothing in a file raises: an invalid article does not affect the others, and an unreadable file yields one
    rejection. An article scheduled for a time after `now`, by default the time of the call, is rejected as unpublished.
    """
    now = now or datetime.now(UTC)
    try:
        for raw in _parser(file)(file):
            try:
                item = raw if isinstance(raw, ArticleRejected) else to_article(raw, now)
            except ArticleRejected as rejection:
                item = rejection
            yield item
    except ArticleRejected as rejection:
        yield rejection
    except OSError as error:
        yield ArticleRejected(file.origin, f"it cannot be read: {error.strerror or error}", "unreadable")


def _parser(file: ArticleFile) -> Parser:
    """Return the parser of a file by its extension; raises ArticleRejected if it has none, or OSError."""
    if _UNNAMEABLE.search(file.origin):
        shown = file.origin.encode("unicode_escape").decode()
        raise ArticleRejected(shown, "its name contains control characters or is not UTF-8: rename it", "unreadable")
    if file.leads_to is not None:
        reason = (
            f"it is a link to {file.leads_to}, outside of the ingested folders: give that path as well,"
            " or follow such links with --follow-links"
        )
        raise ArticleRejected(file.origin, reason, "link_outside")
    parser = PARSERS.get(file.path.suffix.lower())
    if parser is None:
        open_file(file).close()
        expected = ", ".join(PARSERS)
        found = f"files ending in {file.path.suffix}" if file.path.suffix else "files without an extension"
        raise ArticleRejected(file.origin, f"{found} are not supported; expected one of {expected}", "unsupported")
    return parser
