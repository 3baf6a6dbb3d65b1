"""RSS and Atom files: one article an entry."""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, cast

from ingest.errors import ArticleRejected
from ingest.load import contents, encodings
from ingest.load.contents import shown
from ingest.load.fields import Record
from ingest.load.files import ArticleFile
from ingest.load.html import plain
from ingest.load.identity import guid_id, path_id
from ingest.load.silence import silenced

if TYPE_CHECKING:
    from feedparser import FeedParserDict

# Before the root there may be comments and instructions, which may hold anything that looks like a root.
_DOCTYPE = re.compile(
    r"\A\ufeff?(?:\s+|<!--(?:(?!-->).)*+-->|<\?(?:(?!\?>).)*+\?>)*+"
    r"<!DOCTYPE(?:\"[^\"]*+\"|'[^']*+'|[^\[>\"'])*+(?P<end>[\[>])",
    re.IGNORECASE | re.DOTALL,
)
_ROOT_END = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_MARKUP = re.compile(r"<[a-zA-Z/!]|&#?\w+;")
_CLOSING_LENGTH = 1_000
# Exports of WordPress are RSS, those of the Atom publishing protocol Atom; both mark drafts with names of their own.
_EXPORTS = {"wp": "wordpress.org/export/", "app": "/app"}

Entry = Mapping[str, object]


def records(file: ArticleFile) -> Iterator[Record | ArticleRejected]:
    """The articles of an RSS or Atom file.

    The body is the content of an entry, or its summary where it has no content; HTML in it becomes
    text. The id is made of the entry's guid or link and counts as stated, so that the same entry in
    a later copy of the feed is the same article.

    Raises:
        ArticleRejected: As `contents.text`; or the file is no feed, has no entries, or declares entities.
    """
    text = contents.text(file, declared=encodings.of_xml)
    found = _parsed(text, file.origin)
    prefixes = {name: _prefix(found, address) or name for name, address in _EXPORTS.items()}
    cut = found.bozo and not _ROOT_END.search(text, max(0, len(text) - _CLOSING_LENGTH))
    for number, entry in enumerate(found.entries, start=1):
        origin = f"{file.origin}#{number}"
        fields = _fields(entry, found.feed)
        if cut and number == len(found.entries):
            yield ArticleRejected(origin, "the file ends in the middle of this entry: fetch it again", "truncated")
        elif not fields["body"]:
            title = f" {shown(fields['title'])}" if fields["title"] else ""
            yield ArticleRejected(origin, f"the entry{title} has neither content nor a summary", "empty")
        else:
            fields |= _marks(entry, prefixes)
            yield Record(origin, path_id(file, number), fields, public=True)


def _prefix(found: "FeedParserDict", address: str) -> str | None:
    """The prefix that a feed uses for names of a format."""
    return next((prefix for prefix, uri in found.namespaces.items() if prefix and address in uri), None)


def _marks(entry: Entry, prefixes: Mapping[str, str]) -> dict[str, object]:
    """Return what an export says of an entry beside its text, under the names that `unpublished` knows."""
    exported = {
        f"{name}:{part}": entry.get(f"{prefixes[name]}_{part}")
        for name, part in (("wp", "status"), ("wp", "post_type"), ("wp", "post_password"), ("app", "draft"))
    }
    return exported | {name: _string(entry, name) for name in ("status", "visibility", "draft", "embargo")}


def _parsed(text: str, origin: str) -> "FeedParserDict":
    """The feed and its entries."""
    import feedparser

    doctype = _DOCTYPE.match(text)
    if doctype and doctype["end"] == "[":
        raise ArticleRejected(origin, "it declares entities of its own; expected a plain RSS or Atom feed", "bad_feed")
    # A stream, as feedparser opens a string that looks like an address; the header, as the text is UTF-8 by now
    # whatever its first line declares.
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        with silenced("feedparser"):
            found = feedparser.parse(BytesIO(text.encode()), response_headers=headers)
    # Its reader of broken feeds stumbles over what a damaged element leaves behind.
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        raise ArticleRejected(origin, f"the feed is damaged: {shown(str(error))}", "bad_feed") from error
    if not found.get("version"):
        raise ArticleRejected(origin, "it is neither an RSS nor an Atom feed", "bad_feed")
    if not found.entries:
        raise ArticleRejected(origin, "there are no entries in the feed", "empty")
    return found


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
        "published_at": _date(entry, "published"),
        "updated_at": _date(entry, "updated"),
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


def _date(entry: Entry, name: str) -> str | None:
    # Asked first, as feedparser answers `updated` with `published` where there is none.
    return _string(entry, name) if name in entry else None
