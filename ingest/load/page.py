"""What a web page states about itself in its markup; nothing is inferred from its text or its address."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from html import unescape
from urllib.parse import urlsplit

from ingest.clean import clean_line
from ingest.load.dates import moment
from ingest.load.prose import Element
from ingest.load.titles import heading_text, page_title

# In the order in which they count; the names that say less come last. Colons, stops and hyphens are one.
_PUBLISHED = tuple(
    "article:published_time og:article:published_time article:published og:published_time datepublished"
    " rnews:datepublished parsely-pub-date sailthru.date bt:pubdate cxenseparse:recs:publishtime"
    " prism.publicationdate citation_publication_date dc.date.issued dcterms.issued dc.issued date.issued"
    " article_date_original originalpublicationdate publicationdate publication_date published_date published_time"
    " publisheddate publish_date publishdate publish_time pub_date pubdate og:pubdate dcterms.date dc.date date".split()
)
_MODIFIED = tuple(
    "article:modified_time og:article:modified_time og:updated_time og:modified_time article:modified"
    " datemodified rnews:datemodified dcterms.modified dc.date.modified dc.modified prism.modificationdate last-"
    " modified lastmodified lastmod revised".split()
)
_SEPARATORS = re.compile(r"[-_.:]+")
_PUBLISHED_CLASSES = frozenset(("published", "entry-date", "dt-published", "pubdate"))
# A time in the running text or in a list of other articles is not the day this one came out.
_NOT_A_BYLINE = ("aside", "blockquote", "figcaption", "footer", "li", "nav", "td")
# JSON-LD in a page of XHTML is wrapped in a section or a comment; what follows the value is not read.
_WRAPPING = re.compile(r"\A(?:\s|//|/\*|\*/|<!\[CDATA\[|<!--|\ufeff)+")
_DECODER = json.JSONDecoder(strict=False, parse_int=str)
_ARTICLE_TYPES = ("BlogPosting", "LiveBlogPosting", "Report")


def stated_fields(tree: Element) -> dict[str, object]:
    """The fields of a page, named as `Record` names them.

    Read are JSON-LD of an article type, then meta elements (Open Graph, `article:*`, microdata), then
    the canonical link and the headings, as `page_title` says. Dates come from `datePublished`,
    `article:published_time` and their kin, else from a `time` element marked as the publication date
    or, outside running text, the only one. Where several state a date the first readable one counts.
    """
    meta, objects = _meta(tree), _linked_data(tree)
    linked = _linked_article(objects)
    section = _first(meta["article:section"], _names(linked.get("articleSection")))
    source = _first(meta["og:site_name"], _names(linked.get("publisher")))
    sites = [source, section, *meta["application-name"], *_names([each for each in objects if _is_site(each)])]
    headline, name = _names(linked.get("headline")), _names(linked.get("name"))
    return {
        "title": page_title(tree, headline, name, meta["og:title"], sites),
        "url": _first(filter(_is_absolute, [*_canonical(tree), *meta["og:url"], *_names(linked.get("url"))])),
        "source": source,
        "authors": _names(linked.get("author")) or _authors(meta),
        "section": section,
        "language": tree.get("lang"),
        "tags": meta["article:tag"] or _split(_names(linked.get("keywords")) or meta["keywords"]),
        "published_at": _date([*_names(linked.get("datePublished")), *_dates(meta, _PUBLISHED), *_times(tree)]),
        "updated_at": _date([*_names(linked.get("dateModified")), *_dates(meta, _MODIFIED)]),
    }


def headings(tree: Element) -> list[str]:
    """What the page is headed: its title and its top headings."""
    return [heading for element in tree.iter("title", "h1") if (heading := heading_text(element))]


def _meta(tree: Element) -> defaultdict[str, list[str]]:
    """The contents of the meta elements by lower-case name, in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for element in tree.iter("meta"):
        names = dict.fromkeys((element.get(kind) or "").strip().lower() for kind in ("property", "name", "itemprop"))
        if content := clean_line(element.get("content") or ""):
            for name in filter(None, names):
                found[name].append(content)
    return found


def _any(meta: defaultdict[str, list[str]], names: Iterable[str]) -> list[str]:
    return [content for name in names for content in meta[name]]


def _dates(meta: defaultdict[str, list[str]], names: Iterable[str]) -> list[str]:
    """The contents of the meta elements of these names, which are written with other punctuation as well."""
    spelled: defaultdict[str, list[str]] = defaultdict(list)
    for name, contents in meta.items():
        spelled[_SEPARATORS.sub(".", name)] += contents
    return _any(spelled, (_SEPARATORS.sub(".", name) for name in names))


def _authors(meta: defaultdict[str, list[str]]) -> list[str]:
    """The authors by name; pages also give the address of a profile."""
    return [name for name in _split(_any(meta, ("author", "article:author"))) if not _is_absolute(name.strip())]


def _linked_data(tree: Element) -> list[dict[str, object]]:
    """The objects of the page's JSON-LD, those of graphs too; broken JSON-LD states nothing."""
    found: list[dict[str, object]] = []
    for element in tree.iter("script"):
        if (element.get("type") or "").partition(";")[0].strip().lower() != "application/ld+json":
            continue
        with suppress(ValueError, RecursionError):
            found += _objects(_DECODER.raw_decode(_WRAPPING.sub("", element.text or ""))[0])
    return found


def _linked_article(linked: list[dict[str, object]]) -> dict[str, object]:
    """The first article of the linked data, with the things that it names by their address in place."""
    named = {key: each for each in linked if isinstance(key := each.get("@id"), str) and each.get("name")}
    for candidate in linked:
        if any(kind.endswith("Article") or kind in _ARTICLE_TYPES for kind in _names(candidate.get("@type"))):
            return {name: _resolved(value, named) for name, value in candidate.items()}
    return {}


def _is_site(linked: Mapping[str, object]) -> bool:
    return not {"WebSite", "NewsMediaOrganization", "Organization"}.isdisjoint(_names(linked.get("@type")))


def _resolved(value: object, named: Mapping[str, object]) -> object:
    """A value of which an object that is nothing but an address is the object at that address."""
    if isinstance(value, list):
        return [_resolved(item, named) for item in value]
    key = value.get("@id") if isinstance(value, dict) and not value.get("name") else None
    return named.get(key, value) if isinstance(key, str) else value


def _objects(found: object) -> Iterator[dict[str, object]]:
    for item in found if isinstance(found, list) else [found]:
        if isinstance(item, dict):
            yield item
            for name in ("@graph", "mainEntity", "mainEntityOfPage"):
                nodes = item.get(name)
                yield from (node for node in (nodes if isinstance(nodes, list) else [nodes]) if isinstance(node, dict))


def _names(stated: object) -> list[str]:
    """The strings of a JSON-LD value: a string, an object with a name, or a list of these."""
    items = stated if isinstance(stated, list) else [stated]
    named = [item.get("name") if isinstance(item, dict) else item for item in items]
    return [name for item in named if isinstance(item, str) and (name := clean_line(unescape(item)))]


def _times(tree: Element) -> list[str]:
    """The publication date by a time element, if the page has just one that can be it."""
    times = [element for element in tree.iter("time") if next(element.iterancestors(*_NOT_A_BYLINE), None) is None]
    marked = _distinct(element for element in times if _is_marked(element))
    if marked:
        return marked if len(marked) == 1 else []
    unmarked = _distinct(element for element in times if next(element.iterancestors("p"), None) is None)
    return unmarked if len(unmarked) == 1 and _is_readable(unmarked[0]) else []


def _distinct(times: Iterable[Element]) -> list[str]:
    return list(dict.fromkeys(stated for element in times if (stated := clean_line(element.get("datetime") or ""))))


def _is_marked(time: Element) -> bool:
    marked = time.get("pubdate") is not None or (time.get("itemprop") or "").lower() == "datepublished"
    return marked or not _PUBLISHED_CLASSES.isdisjoint((time.get("class") or "").lower().split())


def _date(stated: list[str]) -> str | None:
    """The first readable date, else the first one as it stands, so that it is named when it is refused."""
    return next(filter(_is_readable, stated), None) or next(iter(stated), None)


def _is_readable(stated: str) -> bool:
    try:
        moment(stated)
    except ValueError:
        return False
    return True


def _canonical(tree: Element) -> list[str]:
    links = [element for element in tree.iter("link") if "canonical" in (element.get("rel") or "").lower().split()]
    return [clean_line(element.get("href") or "") for element in links]


def _is_absolute(address: str) -> bool:
    try:
        return urlsplit(address).scheme in ("http", "https")
    except ValueError:
        return address.startswith(("http://", "https://"))


def _split(stated: list[str]) -> list[str]:
    return [part for text in stated for part in text.split(",")]


def _first(*stated: Iterable[str]) -> str | None:
    return next((text for texts in stated for text in texts if text), None)
