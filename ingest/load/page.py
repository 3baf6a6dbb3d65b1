"""What a web page states about itself in its markup; nothing is inferred from its text or its address."""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from html import unescape
from urllib.parse import urlsplit

from ingest.clean import clean_line
from ingest.load.dates import moment
from ingest.load.prose import Element

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
_ARTICLE_TYPES = ("BlogPosting", "LiveBlogPosting", "Report")


def stated_fields(tree: Element) -> dict[str, object]:
    """The fields of a page, named as `Record` names them.

    Read are JSON-LD of an article type, then meta elements (Open Graph, `article:*`, microdata), then
    the canonical link, a lone `h1` and the `title`. Dates come from `datePublished`,
    `article:published_time` and their kin, else from a `time` element marked as the publication date
    or, outside running text, the only one. Where several state a date the first readable one counts.
    """
    meta, linked = _meta(tree), _linked_article(tree)
    source = _first(meta["og:site_name"], _names(linked.get("publisher")))
    return {
        "title": _first(_names(linked.get("headline")), meta["og:title"], _lone_heading(tree), _title(tree, source)),
        "url": _first(filter(_is_absolute, [*_canonical(tree), *meta["og:url"], *_names(linked.get("url"))])),
        "source": source,
        "authors": _names(linked.get("author")) or _authors(meta),
        "section": _first(meta["article:section"], _names(linked.get("articleSection"))),
        "language": tree.get("lang"),
        "tags": meta["article:tag"] or _split(_names(linked.get("keywords")) or meta["keywords"]),
        "published_at": _date([*_names(linked.get("datePublished")), *_dates(meta, _PUBLISHED), *_times(tree)]),
        "updated_at": _date([*_names(linked.get("dateModified")), *_dates(meta, _MODIFIED)]),
    }


def headings(tree: Element) -> list[str]:
    """What the page is headed: its title and its top headings."""
    return [heading for element in tree.iter("title", "h1") if (heading := _text(element))]


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


def _linked_article(tree: Element) -> dict[str, object]:
    """The first article in the page's JSON-LD; broken JSON-LD states nothing."""
    for element in tree.iter("script"):
        if (element.get("type") or "").strip().lower() != "application/ld+json":
            continue
        try:
            found = json.loads(element.text or "", strict=False, parse_int=str)
        except (json.JSONDecodeError, RecursionError):
            continue
        for candidate in _objects(found):
            if any(kind.endswith("Article") or kind in _ARTICLE_TYPES for kind in _names(candidate.get("@type"))):
                return candidate
    return {}


def _objects(found: object) -> Iterator[dict[str, object]]:
    for item in found if isinstance(found, list) else [found]:
        if isinstance(item, dict):
            yield item
            graph = item.get("@graph")
            yield from (node for node in graph if isinstance(node, dict)) if isinstance(graph, list) else ()


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


def _lone_heading(tree: Element) -> list[str]:
    found = [text for element in tree.iter("h1") if (text := _text(element))]
    return found if len(found) == 1 else []


def _title(tree: Element, source: str | None) -> list[str]:
    """The title element, without the name of the site where it ends in it."""
    title = next((text for element in tree.iter("title") if (text := _text(element))), "")
    if source and title.endswith(source):
        title = title.removesuffix(source).rstrip(" |-–—·•:»") or title
    return [title]


def _text(element: Element) -> str:
    return clean_line(" ".join(element.itertext()))


def _split(stated: list[str]) -> list[str]:
    return [part for text in stated for part in text.split(",")]


def _first(*stated: Iterable[str]) -> str | None:
    return next((text for texts in stated for text in texts if text), None)
