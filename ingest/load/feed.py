"""RSS and Atom files: an article for each entry."""

import re
from collections.abc import Iterator, Mapping
from io import BytesIO
from typing import TYPE_CHECKING, Any

from ingest.load.article import RawArticle, guid_id, path_id
from ingest.load.files import ArticleFile, read_text
from ingest.load.page import html_to_text
from ingest.report import ArticleRejected, short_repr

if TYPE_CHECKING:
    from feedparser import FeedParserDict

# Comments and instructions before the root may contain anything that looks like a root.
_DOCTYPE = re.compile(
    r"\A\ufeff?(?:\s+|<!--(?:(?!-->).)*+-->|<\?(?:(?!\?>).)*+\?>)*+"
    r"<!DOCTYPE(?:\"[^\"]*+\"|'[^']*+'|[^\[>\"'])*+(?P<end>[\[>])",
    re.IGNORECASE | re.DOTALL,
)
_ROOT_END = re.compile(r"</(?:\w+:)?(?:rss|feed|rdf)\s*>", re.IGNORECASE)
_MARKUP = re.compile(r"<[a-zA-Z/!]|&#?\w+;")
_CLOSING_LENGTH = 1_000
# The namespaces in which the Atom publishing protocol marks drafts.
_PUBLISHING = "/app"
# The end of a text that goes on elsewhere: an ellipsis, possibly in brackets.
_CUT = re.compile(r"(?:…|\.\.\.)[\s\])>»]*\Z")
_CUT_LENGTH = 20
# RSS has no rule for the length of a description: some feeds put the complete text there.
_SUMMARY_LENGTH = 1_000

Entry = Mapping[str, Any]


def parse_feed(file: ArticleFile) -> Iterator[RawArticle | ArticleRejected]:
    """Yield the articles of an RSS or Atom file; raises as `read_text`.

    The body is the content of an entry, or its summary if it has no content; HTML in it becomes text. The id is made
    of the entry's guid or link and counts as stated, so that the entry is the same article in a later copy of the feed.

    Raises:
        ArticleRejected: The file is not a feed, is corrupt, has no entries, or declares entities.
    """
    text = read_text(file, is_markup=True)
    found = _parse(text, file.origin)
    publishing = next((prefix for prefix, uri in found.namespaces.items() if prefix and _PUBLISHING in uri), "app")
    cut = found.bozo and not _ROOT_END.search(text, max(0, len(text) - _CLOSING_LENGTH))
    for number, entry in enumerate(found.entries, start=1):
        origin = f"{file.origin}#{number}"
        if cut and number == len(found.entries):
            yield ArticleRejected(origin, "the file ends in the middle of this entry: fetch it again", "truncated")
        else:
            fields = _fields(entry, found.feed) | _marks(entry, publishing)
            is_teaser = _is_teaser(entry, str(fields["body"]))
            yield RawArticle(origin, path_id(file, number), fields, public=True, is_teaser=is_teaser)


def _is_teaser(entry: Entry, body: str) -> bool:
    """Return whether an entry has only a part of its article: a cut text, or a short summary without content."""
    has_content = any(_string(content, "value").strip() for content in entry.get("content") or ())
    return bool(_CUT.search(body[-_CUT_LENGTH:])) or (not has_content and len(body) < _SUMMARY_LENGTH)


def _marks(entry: Entry, publishing: str) -> dict[str, object]:
    """Return the statuses that a feed states for an entry, under the names that `to_article` knows."""
    stated = {name: _string(entry, name) for name in ("status", "visibility", "draft", "embargo")}
    return {**stated, "app:draft": entry.get(f"{publishing}_draft")}


def _parse(text: str, origin: str) -> "FeedParserDict":
    import feedparser

    doctype = _DOCTYPE.match(text)
    if doctype and doctype["end"] == "[":
        raise ArticleRejected(origin, "its DOCTYPE declares entities: remove them", "bad_feed")
    # As a stream, because feedparser would fetch a string that is an address; with the header, because the text is
    # UTF-8 now, whatever its first line declares.
    headers = {"content-type": "application/xml; charset=utf-8"}
    try:
        found = feedparser.parse(BytesIO(text.encode()), response_headers=headers)
    # feedparser raises these errors for some corrupt elements.
    except (AttributeError, LookupError, OverflowError, TypeError, ValueError) as error:
        reason = f"the feed is corrupt ({short_repr(str(error))}): fetch it again"
        raise ArticleRejected(origin, reason, "bad_feed") from error
    if not found.get("version"):
        raise ArticleRejected(origin, "it is not a feed; expected RSS or Atom", "bad_feed")
    if not found.entries:
        raise ArticleRejected(origin, "the feed has no entries", "empty")
    return found


def _fields(entry: Entry, feed: Entry) -> dict[str, object]:
    # Services that count clicks replace the link.
    guid, link = _string(entry, "id"), _string(entry, "feedburner_origlink") or _string(entry, "link")
    source = entry.get("source") or {}
    contents = (_content_text(content) for content in entry.get("content") or ())
    return {
        "id": guid_id(guid or link, _string(feed, "link") or _string(feed, "title")) if guid or link else None,
        "title": _text(entry, "title"),
        "body": next(filter(str.strip, contents), "") or _text(entry, "summary"),
        # feedparser also gives a guid as the link, which may not be an address.
        "url": link if link != guid or "://" in link else "",
        "source": _string(source, "title") or _text(feed, "title"),
        "authors": [_string(author, "name") for author in entry.get("authors") or ()],
        "language": _string(feed, "language"),
        "tags": [_string(tag, "label") or _string(tag, "term") for tag in entry.get("tags") or ()],
        # feedparser returns `published` for a missing `updated`.
        **{f"{name}_at": _string(entry, name) for name in ("published", "updated") if name in entry},
    }


def _text(fields: Entry, name: str) -> str:
    """Return a field that may contain HTML as text."""
    detail = fields.get(f"{name}_detail")
    return _content_text(detail) if detail else _string(fields, name)


def _content_text(detail: Entry) -> str:
    value = _string(detail, "value")
    return html_to_text(value) if "html" in _string(detail, "type") and _MARKUP.search(value) else value


def _string(fields: Entry, name: str) -> str:
    value = fields.get(name)
    return value if isinstance(value, str) else ""
