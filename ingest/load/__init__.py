"""Article files: found, read and turned into articles, or rejected by name."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from ingest.errors import ArticleRejected
from ingest.load import contents, feed, html, jsonfile, markdown, pdf, text
from ingest.load.fields import LoadedArticle, Record, loaded
from ingest.load.files import ArticleFile, find

__all__ = ["ArticleFile", "LoadedArticle", "find", "load"]

# A name the file system holds, and neither a store nor a terminal can.
_UNNAMEABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")

_Reader = Callable[[ArticleFile], Iterator[Record | ArticleRejected]]

_READERS: dict[str, _Reader] = {
    ".txt": text.records,
    ".md": markdown.records,
    ".markdown": markdown.records,
    ".html": html.records,
    ".htm": html.records,
    ".json": jsonfile.records,
    ".jsonl": jsonfile.records_of_lines,
    ".pdf": pdf.records,
    ".rss": feed.records,
    ".xml": feed.records,
    ".atom": feed.records,
}


def load(file: ArticleFile, now: datetime | None = None) -> Iterator[LoadedArticle | ArticleRejected]:
    """The articles of a file in order, and in the place of each that is not fit to be taken in its rejection.

    Nothing in a file raises: one bad record costs itself alone, a file that cannot be read at all
    costs one rejection. A .jsonl file is read line by line, so that it may be of any size. What is published
    later than `now`, by default the time of the call, is rejected as unpublished.
    """
    now = now or datetime.now(UTC)
    try:
        for record in _reader(file)(file):
            yield record if isinstance(record, ArticleRejected) else _loaded(record, now)
    except ArticleRejected as rejection:
        yield rejection
    except OSError as error:
        yield ArticleRejected(file.origin, f"it cannot be read: {error.strerror or error}", "unreadable")


def _loaded(record: Record, now: datetime) -> LoadedArticle | ArticleRejected:
    try:
        return loaded(record, now)
    except ArticleRejected as rejection:
        return rejection


def _reader(file: ArticleFile) -> _Reader:
    """The reader of a kind of file, by its extension; raises ArticleRejected where there is none, or OSError."""
    if _UNNAMEABLE.search(file.origin):
        shown = file.origin.encode("unicode_escape").decode()
        raise ArticleRejected(shown, "its name holds control characters or is not UTF-8: rename it", "unreadable")
    if file.leads_to is not None:
        reason = (
            f"it is a link that leads out of the ingested folders, to {file.leads_to}: name that path as well,"
            " or follow such links with --follow-links"
        )
        raise ArticleRejected(file.origin, reason, "link_outside")
    reader = _READERS.get(file.path.suffix.lower())
    if reader is None:
        contents.opened(file).close()
        expected = ", ".join(_READERS)
        found = f"files ending in {file.path.suffix}" if file.path.suffix else "files without an extension"
        raise ArticleRejected(file.origin, f"{found} are not read; expected one of {expected}", "unsupported")
    return reader
