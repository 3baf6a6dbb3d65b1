"""RSS and Atom files: one article an entry."""

import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from io import BytesIO
from typing import cast

from ingest.errors import ArticleRejected
from ingest.load import contents
from ingest.load.dates import feed_moment
from ingest.load.fields import Record
from ingest.load.files import ArticleFile
from ingest.load.html import plain
from ingest.load.identity import guid_id, path_id
from ingest.load.silence import silenced

_ROOT = re.compile(r"<\w")
_ROOT_END = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_MARKUP = re.compile(r"<[a-zA-Z/!]|&#?\w+;")
_CLOSING_LENGTH = 1_000

Entry = Mapping[str, object]


def records(file: ArticleFile) -> Iterator[Record | ArticleRejected]:
    """The articles of an RSS or Atom file.

    The body is the content of an entry, or its summary where it has no content; HTML in it becomes
    text. The id is made of the entry's guid or link and counts as stated, so that the same entry in
    a later copy of the feed is the same article.

    Raises:
        ArticleRejected: As `contents.text`; or the file is no feed, has no entries, or declares entities.
    """
    text = contents.text(file)
    feed, entries, broken = _parsed(text, file.origin)
    cut = broken and not _ROOT_END.search(text, max(0, len(text) - _CLOSING_LENGTH))
    for number, entry in enumerate(entries, start=1):
        origin = f"{file.origin}#{number}"
        if cut and number == len(entries):
            yield ArticleRejected(origin, "the file ends in the middle of this entry: fetch it again", "truncated")
        else:
            yield Record(origin, path_id(file, number), _fields(entry, feed))


def _parsed(text: str, origin: str) -> tuple[Entry, list[Entry], bool]:
    """The feed's own fields, its entries, and whether it is not well-formed."""
    import feedparser

    root = _ROOT.search(text)
    if root and "<!ENTITY" in text[: root.start()].upper():
        raise ArticleRejected(origin, "it declares entities of its own; expected a plain RSS or Atom feed", "bad_feed")
    # A stream, as feedparser opens a string that looks like an address; the header, as the text is UTF-8 by now
    # whatever its first line declares.
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        with silenced("feedparser"):
            found = feedparser.parse(BytesIO(text.encode()), response_headers=headers)
    # Its reader of broken feeds stumbles over what a damaged element leaves behind.
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise ArticleRejected(origin, f"the feed is damaged: {contents.shown(str(error))}", "bad_feed") from error
    if not found.version:
        raise ArticleRejected(origin, "it is neither an RSS nor an Atom feed", "bad_feed")
    if not found.entries:
        raise ArticleRejected(origin, "there are no entries in the feed", "empty")
    return found.feed, found.entries, bool(found.bozo)


def _fields(entry: Entry, feed: Entry) -> dict[str, object]:
    guid = _string(entry, "id") or _string(entry, "link")
    source = entry.get("source")
    return {
        "id": guid_id(guid, _string(feed, "link") or _string(feed, "title") or "") if guid else None,
        "title": _text(entry, "title"),
        "body": _body(entry),
        "url": _link(entry),
        "source": (_string(cast("Entry", source), "title") if source else None) or _text(feed, "title"),
        "authors": [name for author in _list(entry, "authors") if (name := _string(author, "name"))],
        "language": _string(feed, "language"),
        "tags": [term for tag in _list(entry, "tags") if (term := _string(tag, "label") or _string(tag, "term"))],
        "published_at": _moment(entry, "published"),
        "updated_at": _moment(entry, "updated"),
    }


def _link(entry: Entry) -> str | None:
    """The address of an entry; a guid that fails to say it is no address is not one for that."""
    link = _string(entry, "link")
    return None if link and link == _string(entry, "id") and "://" not in link else link


def _body(entry: Entry) -> str | None:
    contained = (_plain(content) for content in _list(entry, "content"))
    return next((text for text in contained if text.strip()), None) or _text(entry, "summary")


def _text(fields: Entry, name: str) -> str | None:
    """A field that may hold HTML, as text."""
    detail = fields.get(f"{name}_detail")
    return _plain(cast("Entry", detail)) if detail else _string(fields, name)


def _plain(detail: Entry) -> str:
    value = _string(detail, "value") or ""
    is_html = "html" in (_string(detail, "type") or "") and _MARKUP.search(value)
    return plain(value) if is_html else value


def _string(fields: Entry, name: str) -> str | None:
    value = fields.get(name)
    return value if isinstance(value, str) and value else None


def _list(fields: Entry, name: str) -> list[Entry]:
    return cast("list[Entry]", fields.get(name) or [])


def _moment(entry: Entry, name: str) -> datetime | str | None:
    """The date as it stands where it cannot be read, so that it is named when it is refused."""
    # Asked first, as feedparser answers `updated` with `published` where there is none.
    stated = _string(entry, name) if name in entry else None
    try:
        return feed_moment(stated) if stated else None
    except ValueError:
        return stated
