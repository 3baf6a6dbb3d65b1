"""Sitemaps: the addresses of a site's pages, or those of its sitemaps."""

from collections.abc import Iterator
from typing import NamedTuple

from ingest.load.files import ArticleFile, read_text
from ingest.report import ArticleRejected

SITEMAP_LIMIT = 200_000_000


class SitemapEntry(NamedTuple):
    """An address as a sitemap states it, with its dates; `is_sitemap` in an index of sitemaps."""

    address: str
    changed: str | None
    published: str | None
    is_sitemap: bool


def read_sitemap(file: ArticleFile) -> Iterator[SitemapEntry]:
    """Yield the entries of a sitemap; raises as `read_text`, and ArticleRejected if it is not well-formed."""
    from defusedxml import DefusedXmlException
    from defusedxml.ElementTree import ParseError, fromstring

    text = read_text(file, SITEMAP_LIMIT, is_markup=True).strip()
    try:
        root = fromstring(text, forbid_dtd=True)
    except (ParseError, DefusedXmlException) as error:
        reason = f"the sitemap is not valid XML ({error}): fetch it again"
        raise ArticleRejected(file.origin, reason, "bad_feed") from error
    for element in root:
        # The elements of an entry, and those of its news; of its pictures, only those that an entry lacks.
        stated = {_local(part.tag): (part.text or "").strip() for part in (*element.iterfind("*/*"), *element)}
        if stated.get("loc"):
            changed, published = stated.get("lastmod") or None, stated.get("publication_date") or None
            yield SitemapEntry(stated["loc"], changed, published, _local(element.tag) == "sitemap")


def _local(tag: object) -> str:
    """Return the name of an element without its namespace; a comment has none."""
    return tag.rpartition("}")[2].lower() if isinstance(tag, str) else ""
