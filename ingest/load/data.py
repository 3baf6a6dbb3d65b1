"""Files of data: a feed, a WordPress export, JSON or JSON Lines, whichever a file contains, whatever its name says."""

import re
from collections.abc import Iterator

from ingest.load.article import RawArticle
from ingest.load.feed import parse_feed
from ingest.load.files import ArticleFile, open_file
from ingest.load.jsonfile import is_json_lines, parse_json, parse_json_lines
from ingest.load.wxr import parse_wordpress_export
from ingest.report import ArticleRejected

JSON_SUFFIXES = (".json", ".jsonl", ".ndjson")
XML_SUFFIXES = (".rss", ".xml", ".atom", ".wxr")

_HEAD = 65_536
_BOM = b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"
_PAGE = re.compile(rb"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_WORDPRESS = re.compile(rb"<rss\b[^>]*wordpress\.org/export/")


def parse_data(file: ArticleFile) -> Iterator[RawArticle | ArticleRejected]:
    """Yield the articles of a file by what it begins with; raises as the parser of that kind.

    Raises:
        ArticleRejected: It is a web page, such as the login page of a server that was asked for data.
    """
    head = _head(file)
    is_json = file.path.suffix.lower() in JSON_SUFFIXES
    if _PAGE.match(head):
        reason = "it is a web page; expected JSON, RSS or Atom: fetch it again, or name it .html if it is an article"
        raise ArticleRejected(file.origin, reason, "bad_json" if is_json else "bad_feed")
    if head.startswith(b"<"):
        yield from (parse_wordpress_export if _WORDPRESS.search(head) else parse_feed)(file)
    elif head.startswith((b"{", b"[")) or is_json:
        yield from (parse_json_lines if _has_lines(file, head) else parse_json)(file)
    else:
        yield from parse_feed(file)


def _has_lines(file: ArticleFile, head: bytes) -> bool:
    """Return whether a file has an article in each line: by its name, unless its first line shows that it has not."""
    if file.path.suffix.lower() == ".json":
        return is_json_lines(file)
    return not head.startswith(b"[") and head.partition(b"\n")[0].strip() != b"{"


def _head(file: ArticleFile) -> bytes:
    """Return the beginning of a file without a byte order mark and white space; UTF-16 becomes ASCII."""
    with open_file(file) as stream:
        head = stream.read(_HEAD)
    for mark in _BOM:
        head = head.removeprefix(mark)
    return head.replace(b"\0", b"").lstrip()
