"""The kind of an address, and the entries of a listing: a feed, a sitemap, the posts of a WordPress site.

The functions for a `Loader` read a fetched file in its child process.
"""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from index.records import isoformat
from ingest.load import PARSERS, ArticleFile, LoadedArticle
from ingest.load.article import to_article
from ingest.load.dates import moment_or_none
from ingest.load.page import feed_links
from ingest.load.sitemap import read_sitemap
from ingest.report import ArticleRejected, short_repr
from ingest.sources.identity import is_address, joined
from ingest.sources.web import Reply

Kind = Literal["feed", "sitemap", "json", "page", "pdf"]
EXTENSIONS: dict[Kind, str] = {"feed": ".xml", "sitemap": ".sitemap", "json": ".json", "page": ".html", "pdf": ".pdf"}

_HEAD = 4_096
_ROOTS: dict[str, Kind] = {
    **dict.fromkeys(("rss", "feed", "rdf"), "feed"),
    **dict.fromkeys(("urlset", "sitemapindex"), "sitemap"),
    "html": "page",
}
_ROOT = re.compile(rf"<(?:\w+:)?({'|'.join(_ROOTS)})\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry of a listing: the address that it leads to, and its article if the listing has the complete text.

    `changed` is when a sitemap says that it changed, as written, or a digest of a feed's entry; `published` is its date
    of publication, ISO 8601; `is_listing` if it is the entry of another sitemap.
    """

    url: str
    article: LoadedArticle | ArticleRejected | None = None
    changed: str | None = None
    published: str | None = None
    is_listing: bool = False


def kind_of(reply: Reply) -> Kind:
    """Return what a reply is by its first bytes, because servers state types carelessly."""
    head = reply.body[:_HEAD].replace(b"\0", b"").decode("latin-1").lstrip("ï»¿þÿ \t\r\n")
    if head.startswith("%PDF-"):
        return "pdf"
    if head.startswith(("{", "[")):
        return "json"
    root = _ROOT.search(head)
    return _ROOTS[root[1].lower()] if root else "page"


def entries_of(file: ArticleFile, now: datetime) -> Iterator[Entry | ArticleRejected]:
    """Yield the entries of a feed or of a JSON file with articles; raises as its parser."""
    for raw in PARSERS[file.path.suffix](file):
        if isinstance(raw, ArticleRejected):
            yield raw
            continue
        article: LoadedArticle | ArticleRejected | None
        try:
            article = to_article(raw, now)
        except ArticleRejected as rejection:
            article = rejection
        url = joined(file.origin, raw.url) if raw.url else ""
        is_cut = raw.is_teaser or any(notice.code == "partial" for notice in raw.notices)
        is_incomplete = is_cut or (isinstance(article, ArticleRejected) and article.code == "empty")
        if is_incomplete and is_address(url) and not _is_unpublished(article):
            article = None
        elif raw.is_teaser and isinstance(article, LoadedArticle):
            reason = f"it is a teaser, and its link is {short_repr(raw.url or '')}; expected an http or https address"
            article = ArticleRejected(raw.origin, reason, "empty")
        changed = hashlib.sha256(repr(sorted(raw.fields.items())).encode("utf-8", "replace")).hexdigest()[:16]
        yield Entry(url if is_address(url) else "", article, changed, _date(raw.published, now))


def _date(stated: object, now: datetime) -> str | None:
    """Return a stated date of publication; None if it cannot be read or is to come."""
    moment = moment_or_none(stated) if stated else None
    return isoformat(moment) if moment and moment <= now else None


def _is_unpublished(article: LoadedArticle | ArticleRejected | None) -> bool:
    return isinstance(article, ArticleRejected) and article.code == "unpublished"


def sitemap_entries(file: ArticleFile, now: datetime) -> Iterator[Entry | ArticleRejected]:
    """Yield the entries of a sitemap, or of an index of sitemaps; raises as `read_sitemap`."""
    for stated in read_sitemap(file):
        url = joined(file.origin, stated.address)
        if is_address(url):
            published = _date(stated.published, now)
            yield Entry(url, changed=stated.changed, published=published, is_listing=stated.is_sitemap)
        else:
            reason = f"it lists {short_repr(stated.address)}; expected an http or https address"
            yield ArticleRejected(file.origin, reason, "refused")


def feeds_of(file: ArticleFile, _: datetime) -> Iterator[Entry]:
    """Yield the feeds that a page names."""
    for link in feed_links(file):
        url = joined(file.origin, link)
        if is_address(url):
            yield Entry(url, is_listing=True)
