"""Read the metadata of a web page from its markup: JSON-LD, meta elements, headings and time elements.

trafilatura's extract_metadata is not used: it guesses dates from text, and keeps no zones, time of change or JSON-LD
authors (27 of the tests fail with it).
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from html import unescape
from typing import Protocol
from urllib.parse import urlsplit

from ingest.load.dates import moment
from ingest.load.fields import clean_line

# In order of precedence, vague names last. `_SEPARATORS` are equivalent.
_PUBLISHED = tuple(
    "article:published_time og:article:published_time article:published og:published_time datepublished"
    " rnews:datepublished parsely-pub-date sailthru.date bt:pubdate cxenseparse:recs:publishtime"
    " prism.publicationdate citation_publication_date dc.date.issued dcterms.issued dc.issued date.issued"
    " article_date_original originalpublicationdate publicationdate publication_date published_date published_time"
    " publisheddate publish_date publishdate publish_time pub_date pubdate og:pubdate dcterms.date dc.date date".split()
)
_MODIFIED = tuple(
    "article:modified_time og:article:modified_time og:updated_time og:modified_time article:modified"
    " datemodified rnews:datemodified dcterms.modified dc.date.modified dc.modified prism.modificationdate"
    " last-modified lastmodified lastmod modified revised".split()
)
_SEPARATORS = re.compile(r"[-_.:]+")
_PUBLISHED_CLASSES = frozenset(("published", "entry-date", "dt-published", "pubdate"))
# A time in running text or in a list of other articles is not the publication date.
_NOT_A_BYLINE = ("aside", "blockquote", "figcaption", "footer", "li", "nav", "td")
# JSON-LD in XHTML is wrapped in a CDATA section or a comment; text after the value is ignored.
_WRAPPING = re.compile(r"\A(?:\s|//|/\*|\*/|<!\[CDATA\[|<!--|\ufeff)+")
_DECODER = json.JSONDecoder(strict=False, parse_int=str)
_ARTICLE_TYPES = ("BlogPosting", "LiveBlogPosting", "Report")
# Separators between an article's title and its site's name.
_BETWEEN = re.compile(r"\s+[|\-–—·•»›«:]+\s+|\s*[|»›]\s*|(?<=\w):\s+")
_HOME = re.compile(r"(?:\.{0,2}/)?(?:(?:index|home|default)(?:\.\w{2,5})?)?|#|", re.IGNORECASE)
_SITE_CLASS = re.compile(r"\b(?:logo|brand|branding|masthead|site-?(?:name|title|header|branding)|blog-?title)\b")
# A slug instead of a title, such as budget-vote-2024.
_SLUG = re.compile(r"\w+(?:-\w+){2,}")
_SECTION_WORDS, _HEADLINE_WORDS = 3, 4


class Element(Protocol):
    """The part of the interface of lxml elements that is used."""

    @property
    def tag(self) -> object: ...
    @property
    def text(self) -> str | None: ...
    @property
    def tail(self) -> str | None: ...
    def get(self, name: str, /) -> str | None: ...
    def iter(self, *tags: str) -> "Iterator[Element]": ...
    def iterancestors(self, *tags: str) -> "Iterator[Element]": ...
    def itertext(self) -> Iterator[str]: ...
    def __reversed__(self) -> "Iterator[Element]": ...


def page_fields(tree: Element) -> dict[str, object]:
    """Return the fields of a page under Dateline's names.

    JSON-LD of an article type has precedence, then meta elements (Open Graph, `article:*`, microdata), then the
    canonical link and the headings. The publication date comes from JSON-LD or a meta element, else from a `time`
    element that is marked so or is the only one outside of running text. Of several dates the first readable one
    counts.
    """
    meta, objects = _meta(tree), _linked_data(tree)
    linked = _linked_article(objects)
    section = _first(meta["article:section"], _names(linked.get("articleSection")))
    source = _first(meta["og:site_name"], _names(linked.get("publisher")))
    sites = [source, section, *meta["application-name"], *_names([each for each in objects if _is_site(each)])]
    headline, name = _names(linked.get("headline")), _names(linked.get("name"))
    return {
        "title": _title(tree, headline, name, meta["og:title"], sites),
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
    """Return the title and the top headings of a page."""
    return [heading for element in tree.iter("title", "h1") if (heading := _heading_text(element))]


def _meta(tree: Element) -> defaultdict[str, list[str]]:
    """Return the contents of the meta elements by lower-case name, in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for element in tree.iter("meta"):
        names = dict.fromkeys((element.get(kind) or "").strip().lower() for kind in ("property", "name", "itemprop"))
        if content := clean_line(element.get("content") or ""):
            for name in filter(None, names):
                found[name].append(content)
    return found


def _dates(meta: defaultdict[str, list[str]], names: Iterable[str]) -> list[str]:
    """Return the contents of the meta elements of these names, with any separators."""
    spelled: defaultdict[str, list[str]] = defaultdict(list)
    for name, contents in meta.items():
        spelled[_SEPARATORS.sub(".", name)] += contents
    return [content for name in names for content in spelled[_SEPARATORS.sub(".", name)]]


def _authors(meta: defaultdict[str, list[str]]) -> list[str]:
    """Return the names of the authors, without addresses of profiles."""
    return [name for name in _split(meta["author"] + meta["article:author"]) if not _is_absolute(name.strip())]


def _linked_data(tree: Element) -> list[dict[str, object]]:
    """Return the objects of the page's JSON-LD, including those of graphs; ignore invalid JSON-LD."""
    found: list[dict[str, object]] = []
    for element in tree.iter("script"):
        if (element.get("type") or "").partition(";")[0].strip().lower() != "application/ld+json":
            continue
        with suppress(ValueError, RecursionError):
            found += _objects(_DECODER.raw_decode(_WRAPPING.sub("", element.text or ""))[0])
    return found


def _linked_article(linked: list[dict[str, object]]) -> dict[str, object]:
    """Return the first article of the JSON-LD, with its references resolved; empty if it has none."""
    named = {key: each for each in linked if isinstance(key := each.get("@id"), str) and each.get("name")}
    for candidate in linked:
        if any(kind.endswith("Article") or kind in _ARTICLE_TYPES for kind in _names(candidate.get("@type"))):
            return {name: _resolved(value, named) for name, value in candidate.items()}
    return {}


def _is_site(linked: Mapping[str, object]) -> bool:
    return not {"WebSite", "NewsMediaOrganization", "Organization"}.isdisjoint(_names(linked.get("@type")))


def _resolved(value: object, named: Mapping[str, object]) -> object:
    """Replace an object that is only a reference (`@id`) by the object that it refers to."""
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
    """Return the strings of a JSON-LD value: a string, an object with a name, or a list of these."""
    items = stated if isinstance(stated, list) else [stated]
    named = [item.get("name") if isinstance(item, dict) else item for item in items]
    return [name for item in named if isinstance(item, str) and (name := clean_line(unescape(item)))]


def _times(tree: Element) -> list[str]:
    """Return the publication date of a time element, if exactly one element qualifies."""
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
    """Return the first readable date, else the first one, so that a notice quotes it."""
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


def _title(
    tree: Element, headline: Sequence[str], name: Sequence[str], social: Sequence[str], sites: Iterable[str | None]
) -> str | None:
    """Return the title of the article of a page, None if the page states none.

    The order of precedence is: `headline` and `name` of its JSON-LD, its `social` title (Open Graph), its only h1, its
    title element. Names of `sites` and sections, and headings that link to the home page, are not titles of articles.
    """
    h1 = [(element, text) for element in tree.iter("h1") if (text := _heading_text(element))]
    element_title = next((text for element in tree.iter("title") if (text := _heading_text(element))), "")
    site_names = {_plain(site) for site in (*sites, *(text for element, text in h1 if _is_of_site(element))) if site}
    site_names.discard("")
    if len(h1) == 1 and (site := _site_at_the_end(tree, element_title, h1[0][1])) and not _is_shown(site, social):
        site_names.add(site)
    stripped = _without_sites(element_title, site_names)
    lone = [text for _, text in h1] if len(h1) == 1 else []
    if lone and _is_section(lone[0], stripped):
        site_names.add(_plain(lone[0]))
    shown = [*social, *(text for _, text in h1), element_title]
    linked = [*headline[:1], *name[:1]]
    if len(linked) == 2 and not _is_shown(linked[0], shown) and _is_shown(linked[1], shown):
        # In an encyclopedia the headline is a description, and the name is the title.
        linked.reverse()
    candidates = [*linked, *(_without_sites(title, site_names) for title in social), *lone, stripped]
    titles = [title for title in candidates if title and _plain(title) not in site_names and not _SLUG.fullmatch(title)]
    return next(iter((*titles, *filter(None, candidates), element_title)), None) or None


def _heading_text(element: Element) -> str:
    """Return the text of a heading on one line."""
    return clean_line(" ".join(element.itertext()))


def _plain(text: str) -> str:
    return "".join(re.findall(r"\w", text.casefold()))


def _is_shown(title: str, shown: Iterable[str]) -> bool:
    return any(_plain(title) in _plain(text) or _plain(text) in _plain(title) for text in shown if _plain(text))


def _is_of_site(heading: Element) -> bool:
    """Return whether a heading is the name of the site, by its link or its classes."""
    around = [heading, *heading.iter("a", "span", "div"), *list(heading.iterancestors())[:2]]
    if any(_SITE_CLASS.search(f"{each.get('class') or ''} {each.get('id') or ''}".lower()) for each in around):
        return True
    links = [*heading.iter("a"), *heading.iterancestors("a")]
    return any(_is_home(link.get("href") or "x") for link in links)


def _is_home(address: str) -> bool:
    try:
        parts = urlsplit(address.strip())
    except ValueError:
        return False
    return not parts.query and bool(_HOME.fullmatch(parts.path)) and bool(parts.netloc or parts.path)


def _site_at_the_end(tree: Element, title: str, h1: str) -> str | None:
    """Return the last part of a title element if the h1 repeats it and a lower heading repeats the first part."""
    parts = [_plain(part) for part in _BETWEEN.split(title) if _plain(part)]
    lower = {_plain(_heading_text(element)) for element in tree.iter("h2", "h3")}
    is_site = len(parts) > 1 and parts[-1] == _plain(h1) and parts[0] in lower
    return parts[-1] if is_site else None


def _without_sites(title: str, site_names: set[str]) -> str:
    """Remove the names of sites from both ends of a title."""
    while (parts := list(_BETWEEN.finditer(title))) and title:
        first, last = title[: parts[0].start()], title[parts[-1].end() :]
        if _plain(last) in site_names:
            title = title[: parts[-1].start()]
        elif _plain(first) in site_names:
            title = title[parts[0].end() :]
        else:
            break
    return title


def _is_section(heading: str, title: str) -> bool:
    """Return whether a heading is the name of a section: a few words that the longer page title does not contain."""
    words, others = (set(re.findall(r"\w+", text.casefold())) for text in (heading, title))
    return len(words) <= _SECTION_WORDS and len(others) >= _HEADLINE_WORDS and words.isdisjoint(others)
