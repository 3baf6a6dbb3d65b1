"""WXR, the export of a WordPress site: an article for each published post, read one post at a time.

feedparser reads a file as a whole, and keeps neither the line ends that are the paragraphs of the classic editor nor
the display names of authors.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from ingest.load.article import RawArticle, guid_id, path_id
from ingest.load.dates import moment_or_none
from ingest.load.export import no_article
from ingest.load.files import UNDECODABLE, ArticleFile, open_text
from ingest.load.page import html_to_text
from ingest.load.wordpress import NOT_ARTICLES, post_text
from ingest.report import ArticleRejected

if TYPE_CHECKING:
    from typing import TextIO
    from xml.etree.ElementTree import Element

FIELDS: Mapping[str, tuple[str, ...]] = {
    "id": ("guid", "link"),
    "title": ("title",),
    "body": ("content:encoded", "description"),
    "url": ("link",),
    "source": ("channel/title",),
    "authors": ("wp:author_display_name", "dc:creator"),
    "section": ("category",),
    "tags": ("category",),
    "language": ("channel/language",),
    "published_at": ("wp:post_date_gmt", "pubDate"),
    "updated_at": ("wp:post_modified_gmt",),
}
"""The elements of each field."""

MARKS = ("wp:status", "wp:post_type", "wp:post_password")
"""The elements that say whether a post is a published article."""

# Characters that XML does not allow; plug-ins write them, and one makes the rest of a file unreadable.
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_PREFIXES = {
    re.compile(r"/modules/content/?$"): "content",
    re.compile(r"/dc/elements/[\d.]+/?$"): "dc",
    re.compile(r"wordpress\.org/export/[\d.]+/excerpt/?$"): "excerpt",
    re.compile(r"wordpress\.org/export/[\d.]+/?$"): "wp",
}
_NEVER = "0000-00-00 00:00:00"
# Errors of expat at the end of a file that was cut: no element, an open token, an open CDATA section.
_CUT = frozenset((3, 5, 20))


@dataclass(slots=True)
class _Site:
    """The site of an export, as stated before the posts."""

    title: str = ""
    link: str = ""
    language: str = ""
    authors: dict[str, str] = field(default_factory=dict)


class _WithoutForbidden:
    """A text file without the characters that XML does not allow."""

    def __init__(self, stream: "TextIO") -> None:
        self._stream = stream

    def read(self, size: int) -> str:
        """Return about `size` characters; empty only at the end of the file."""
        while text := self._stream.read(size):
            if cleaned := _FORBIDDEN.sub("", text):
                return cleaned
        return ""


def parse_wordpress_export(file: ArticleFile) -> Iterator[RawArticle | ArticleRejected]:
    """Yield the articles of an export of any size; raises as `open_text`.

    Pages, attachments, menus and the like are rejected as unpublished. The id is made of the guid, which is also that
    of the site's feed.

    Raises:
        ArticleRejected: The file has no posts, or declares entities.
    """
    from xml.etree.ElementTree import ParseError

    from defusedxml.common import DefusedXmlException

    number = 0
    try:
        for item, site in _items(file):
            number += 1
            yield _post(item, site, file, number)
    except ParseError as error:
        origin = f"{file.origin}#{number + 1}"
        if error.code in _CUT:
            yield ArticleRejected(origin, "the file ends in the middle of this post: export it again", "truncated")
        else:
            reason = f"from here on it is not XML ({error}); the posts before are read: export it again"
            yield ArticleRejected(origin, reason, "bad_feed")
    except DefusedXmlException as error:
        raise ArticleRejected(file.origin, "its DOCTYPE declares entities: remove them", "bad_feed") from error
    else:
        if not number:
            raise ArticleRejected(file.origin, "the export has no posts", "empty")


def _items(file: ArticleFile) -> Iterator[tuple[dict[str, list["Element"]], _Site]]:
    """Yield the elements of each item by name, with the site; an item is freed before the next is read."""
    from defusedxml.ElementTree import iterparse

    site, channel = _Site(), None
    with open_text(file) as stream:
        for event, element in iterparse(_WithoutForbidden(stream), events=("start", "end")):
            if event == "start":
                if element.tag == "channel":
                    channel = element
                elif element.tag == "item" and channel is not None and len(channel) > 1:
                    site = _site(_named(channel))
            elif element.tag == "item" and channel is not None:
                yield _named(element), site
                channel.clear()


def _site(channel: Mapping[str, list["Element"]]) -> _Site:
    authors: dict[str, str] = {}
    for author in map(_named, channel.get("wp:author", ())):
        authors[_text(author, "wp:author_login")] = _text(author, "wp:author_display_name")
    return _Site(_text(channel, "title"), _text(channel, "link"), _text(channel, "language"), authors)


def _post(
    item: Mapping[str, list["Element"]], site: _Site, file: ArticleFile, number: int
) -> RawArticle | ArticleRejected:
    origin = f"{file.origin}#{number}"
    kind = _text(item, "wp:post_type")
    if kind in NOT_ARTICLES:
        return no_article(origin, f"wp:post_type is {kind!r}")
    fields = {**_fields(item, site), **{name: _text(item, name) for name in MARKS if name != "wp:post_type"}}
    if any(UNDECODABLE in str(value) for value in fields.values()):
        reason = "it has bytes that are not in the encoding of the file: convert the file to UTF-8"
        return ArticleRejected(origin, reason, "undecodable")
    return RawArticle(origin, path_id(file, number), fields)


def _fields(item: Mapping[str, list["Element"]], site: _Site) -> dict[str, object]:
    guid, link = _text(item, "guid"), _text(item, "link")
    published, updated = _published(item), _text(item, "wp:post_modified_gmt")
    sections, tags = _terms(item)
    content = _text(item, "content:encoded")
    return {
        "id": guid_id(guid or link, site.link or site.title) if guid or link else None,
        "title": html_to_text(_text(item, "title")),
        "body": post_text(content) if content.strip() else _text(item, "description"),
        "url": link,
        "source": site.title,
        "authors": [site.authors.get(_text_of(login)) or _text_of(login) for login in item.get("dc:creator", ())],
        "language": site.language,
        "section": sections[0] if sections else None,
        "tags": [*sections[1:], *tags],
        "published_at": published,
        # The change of a scheduled post is older than its publication.
        "updated_at": updated if updated != _NEVER and _is_later(updated, published) else None,
    }


def _published(item: Mapping[str, list["Element"]]) -> str:
    """Return the date of a post in UTC; a post that was never published has zeros."""
    date = _text(item, "wp:post_date_gmt")
    return date if date and date != _NEVER else _text(item, "pubDate")


def _is_later(date: str, other: str) -> bool:
    one, two = moment_or_none(date), moment_or_none(other)
    return one is None or two is None or one > two


def _terms(item: Mapping[str, list["Element"]]) -> tuple[list[str], list[str]]:
    """Return the categories and the other terms of a post, without the default category."""
    terms = [each for each in item.get("category", ()) if each.get("nicename") != "uncategorized"]
    sections = [_text_of(each) for each in terms if each.get("domain") == "category"]
    return sections, [_text_of(each) for each in terms if each.get("domain") in ("post_tag", None)]


def _named(parent: "Element") -> dict[str, list["Element"]]:
    """Return the children of an element by their usual names, whatever prefixes the file has."""
    found: dict[str, list[Element]] = {}
    for child in parent:
        found.setdefault(_name(child.tag), []).append(child)
    return found


def _name(tag: str) -> str:
    address, _, name = tag.removeprefix("{").rpartition("}")
    prefix = next((prefix for pattern, prefix in _PREFIXES.items() if pattern.search(address)), "other")
    return f"{prefix}:{name}" if address else name


def _text(parent: Mapping[str, list["Element"]], name: str) -> str:
    return _text_of(parent[name][0]) if name in parent else ""


def _text_of(element: "Element") -> str:
    return (element.text or "").strip()
