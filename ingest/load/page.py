"""Web pages: their main text by trafilatura, as plain text with paragraphs, and the metadata of their markup.

trafilatura's extract_metadata is not used: it guesses dates from text, and keeps no zones, time of change or JSON-LD
authors (27 of the tests fail with it).
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import suppress
from html import unescape
from pathlib import Path
from typing import Any

from ingest.load.article import RawArticle, clean_line, path_id
from ingest.load.dates import moment_or_none
from ingest.load.files import ArticleFile, read_text
from ingest.report import ArticleRejected, short_repr

_PAGE = re.compile(r"<html\b", re.IGNORECASE)
_PAGE_START = 4_096
# Such as 502 Bad Gateway; 404 | Page not found; Error 503: Service Unavailable.
_ERROR = re.compile(
    r"\b[45]\d\d\b\W*(?:error|bad gateway|bad request|unauthori[sz]ed|forbidden|(?:page )?not found|too many requests"
    r"|internal server error|service (?:temporarily )?unavailable|gateway time-?out)\b",
    re.IGNORECASE,
)
_ERROR_PAGE_LENGTH = 1_000
_QUOTE_START = re.compile(r"<q(?:\s[^<>]{0,500})?>", re.IGNORECASE)
_QUOTE_END = re.compile(r"</q\s{0,9}>", re.IGNORECASE)
# Tags of HTML, and trafilatura's tags for the same elements.
_LISTS: dict[str, str] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_UNSEEN, _INLINE = _LISTS["unseen"].split(), _LISTS["inline"].split()
# Marks of what lies between two pieces of text.
_BLOCK, _LINE, _BREAK, _CELL, _ITEM, _ITEM_END = "\x01\x02\x03\x04\x05\x06"
_EDGES = {
    **dict.fromkeys(_INLINE, ("", "")),
    **dict.fromkeys(("br", "lb"), (_BREAK, "")),
    **dict.fromkeys(("td", "th", "cell"), (_CELL, "")),
    **dict.fromkeys(("tr", "row"), (_LINE, _LINE)),
    **dict.fromkeys(("li", "item"), (_ITEM, _ITEM_END)),
}
"""The marks at the start and at the end of elements other than blocks."""

# Names of meta elements with `.` for any separator, in order of precedence, vague names last.
_PUBLISHED, _MODIFIED = _LISTS["published"].split(), _LISTS["modified"].split()
_PUBLISHED_MARKS = frozenset(("published", "entry-date", "dt-published", "pubdate", "datepublished"))
# A time in running text or in a list of other articles is not the publication date.
_NOT_A_BYLINE = ("aside", "blockquote", "figcaption", "footer", "li", "nav", "td")
# JSON-LD in XHTML is wrapped in a CDATA section or a comment; text after the value is ignored.
_WRAPPING = re.compile(r"\A(?:\s|//|/\*|\*/|<!\[CDATA\[|<!--|\ufeff)+")
_DECODER = json.JSONDecoder(strict=False, parse_int=str)
_ARTICLE = re.compile(r".*Article|BlogPosting|LiveBlogPosting|Report")
_SITES = frozenset(("WebSite", "NewsMediaOrganization", "Organization"))
# Separators between an article's title and its site's name.
_BETWEEN = re.compile(r"\s+[|\-–—·•»›«:]+\s+|\s*[|»›]\s*|(?<=\w):\s+")
_HOME = re.compile(
    r"(?=[^#])(?:(?:https?:)?//[^/?#]+/?|\.{0,2}/)?(?:(?:index|home|default)(?:\.\w{2,5})?)?(?:#.*)?", re.IGNORECASE
)
_SITE_CLASS = re.compile(r"\b(?:logo|brand|branding|masthead|site-?(?:name|title|header|branding)|blog-?title)\b")
# A slug instead of a title, such as budget-vote-2024.
_SLUG = re.compile(r"\w+(?:-\w+){2,}")
_SECTION_WORDS, _HEADLINE_WORDS = 3, 4
_FEED_TYPES = frozenset(("application/rss+xml", "application/atom+xml", "application/feed+json"))

Element = Any
"""An element of lxml, which states no types."""


def parse_page(file: ArticleFile) -> Iterator[RawArticle]:
    """Yield the article of a .html file; raises as `read_text`, and ArticleRejected for a page without an article."""
    tree = _tree(read_text(file, is_markup=True))
    body = "" if tree is None else _main_text(tree)
    if tree is None or not body.strip():
        raise ArticleRejected(file.origin, "the page has no article text: save the page of an article", "empty")
    error = next((line for heading in tree.iter("title", "h1") if _ERROR.search(line := _line(heading))), None)
    if error and len(body) < _ERROR_PAGE_LENGTH:
        reason = f"it is the error page of a server ({short_repr(error)}): fetch it again"
        raise ArticleRejected(file.origin, reason, "error_page")
    yield RawArticle(file.origin, path_id(file), {**_page_fields(tree), "body": body}, public=True)


def feed_links(file: ArticleFile) -> list[str]:
    """Return the addresses of the feeds that a page names, as it states them; raises as `read_text`."""
    tree = _tree(read_text(file, is_markup=True))
    links = [] if tree is None else [link for link in tree.iter("link") if "alternate" in _words(link.get("rel"))]
    return [link.get("href") or "" for link in links if (link.get("type") or "").strip().lower() in _FEED_TYPES]


def html_to_text(fragment: str) -> str:
    """Convert a fragment of HTML, such as the content of a feed's entry, to plain text."""
    tree = _tree(fragment)
    return "" if tree is None else _text_of(tree)


def _tree(html: str) -> Element | None:
    """Parse a page or a fragment; return None if it is empty."""
    from trafilatura import load_html

    # Browsers draw the quotation marks of a q element; write them, as its tag is removed.
    html = _QUOTE_END.sub("”", _QUOTE_START.sub("“", html))
    return load_html(html if _PAGE.search(html, 0, _PAGE_START) else f"<html><body>{html}</body></html>")


def _main_text(tree: Element) -> str:
    from trafilatura import bare_extraction

    found = bare_extraction(tree, include_comments=False, include_tables=True, with_metadata=False)
    return "" if found is None or isinstance(found, dict) else _text_of(found.body)


def _text_of(root: Element) -> str:
    """Return the visible text below an element, without its tail.

    A blank line separates blocks, a line end separates lines and table rows, ` | ` separates cells; a list item begins
    with `- `. A run of white space is one space. Scripts, forms and similar elements are left out.
    """
    pieces: list[str] = []
    items = 0
    # A stack instead of recursion: pages may nest deeper than Python's stack.
    walk: list[tuple[Element, bool]] = [(root, True)]
    while walk:
        element, starts = walk.pop()
        is_seen = isinstance(element.tag, str) and element.tag not in _UNSEEN
        if is_seen:
            mark = _EDGES.get(element.tag, (_BLOCK, _BLOCK))[0 if starts else 1]
            items += (mark == _ITEM) - (mark == _ITEM_END)
            # Blocks within a list item are lines, so that the items stay together.
            pieces.append(_LINE if items and mark == _BLOCK else mark)
        if is_seen and starts:
            pieces.append(element.text or "")
            walk.append((element, False))
            walk.extend((child, True) for child in reversed(element))
        elif element is not root:
            pieces.append(element.tail or "")
    text = re.sub(r"\s+", " ", "".join(pieces))
    return re.sub(r" ?[\x01-\x06][ \x01-\x06]*", _between, text).strip()


def _between(marked: re.Match[str]) -> str:
    """Return the white space and the bullet for a run of marks and spaces."""
    run = marked[0]
    bullet = "- " if run.rfind(_ITEM) > run.rfind(_ITEM_END) else ""
    if marked.start() == 0 or marked.end() == len(marked.string):
        return bullet
    lines = 2 if _BLOCK in run else max(min(run.count(_BREAK), 2), not {_LINE, _ITEM, _ITEM_END}.isdisjoint(run))
    return ("\n" * lines or (" | " if _CELL in run else " " if " " in run else "")) + bullet


def _page_fields(tree: Element) -> dict[str, object]:
    """Return the fields of a page: from JSON-LD of an article, meta elements, the canonical link and the headings."""
    meta, objects = _meta(tree), list(_linked_data(tree))
    linked = _linked_article(objects)
    section = _first(meta["article.section"], _names(linked.get("articleSection")))
    source = _first(meta["og.site.name"], _names(linked.get("publisher")))
    sites = [each for each in objects if not _SITES.isdisjoint(_names(each.get("@type")))]
    canonical = [link.get("href") or "" for link in tree.iter("link") if "canonical" in _words(link.get("rel"))]
    addresses = [*map(clean_line, canonical), *meta["og.url"], *_names(linked.get("url"))]
    authors = ",".join(meta["author"] + meta["article.author"]).split(",")
    return {
        "title": _title(tree, linked, meta["og.title"], [source, section, *meta["application.name"], *_names(sites)]),
        "url": _first(filter(_is_absolute, addresses)),
        "source": source,
        # A profile's address is not a name.
        "authors": _names(linked.get("author")) or [name for name in authors if not _is_absolute(name)],
        "section": section,
        "language": tree.get("lang"),
        "tags": meta["article.tag"] or ",".join(_names(linked.get("keywords")) or meta["keywords"]),
        "published_at": _date(linked.get("datePublished"), *(meta[name] for name in _PUBLISHED), _times(tree)),
        "updated_at": _date(linked.get("dateModified"), *(meta[name] for name in _MODIFIED)),
    }


def _meta(tree: Element) -> defaultdict[str, list[str]]:
    """Return the contents of the meta elements by name, in lower case and with `.` for any separator, in order."""
    found: defaultdict[str, list[str]] = defaultdict(list)
    for element in tree.iter("meta"):
        names = {(element.get(kind) or "").strip().lower() for kind in ("property", "name", "itemprop")} - {""}
        if content := clean_line(element.get("content") or ""):
            for name in names:
                found[re.sub(r"[-_.:]+", ".", name)].append(content)
    return found


def _linked_data(tree: Element) -> Iterator[dict[str, object]]:
    """Yield the objects of the page's JSON-LD, including those of graphs; ignore invalid JSON-LD."""
    for element in tree.iter("script"):
        if (element.get("type") or "").partition(";")[0].strip().lower() == "application/ld+json":
            with suppress(ValueError, RecursionError):
                found = _DECODER.raw_decode(_WRAPPING.sub("", element.text or ""))[0]
                for item in _dicts(found):
                    yield item
                    for name in ("@graph", "mainEntity", "mainEntityOfPage"):
                        yield from _dicts(item.get(name))


def _dicts(found: object) -> list[dict[str, object]]:
    return [item for item in (found if isinstance(found, list) else [found]) if isinstance(item, dict)]


def _linked_article(linked: list[dict[str, object]]) -> dict[str, object]:
    """Return the first article of the JSON-LD, with its references (`@id`) resolved; empty if it has none."""
    named = {key: each for each in linked if isinstance(key := each.get("@id"), str) and each.get("name")}

    def resolved(value: object) -> object:
        if isinstance(value, list):
            return [resolved(item) for item in value]
        key = value.get("@id") if isinstance(value, dict) and not value.get("name") else None
        return named.get(key, value) if isinstance(key, str) else value

    articles = (each for each in linked if any(map(_ARTICLE.fullmatch, _names(each.get("@type")))))
    return {name: resolved(value) for name, value in next(articles, {}).items()}


def _names(stated: object) -> list[str]:
    """Return the strings of a JSON-LD value: a string, an object with a name, or a list of these."""
    items = stated if isinstance(stated, list) else [stated]
    named = [item.get("name") if isinstance(item, dict) else item for item in items]
    return [name for item in named if isinstance(item, str) and (name := clean_line(unescape(item)))]


def _times(tree: Element) -> list[str]:
    """Return the publication date of a time element, if exactly one element qualifies."""
    marked: set[str] = set()
    unmarked: set[str] = set()
    for time in tree.iter("time"):
        stated = clean_line(time.get("datetime") or "")
        if not stated or next(time.iterancestors(*_NOT_A_BYLINE), None) is not None:
            continue
        marks = {*_words(time.get("class")), *_words(time.get("itemprop"))}
        if time.get("pubdate") is not None or not _PUBLISHED_MARKS.isdisjoint(marks):
            marked.add(stated)
        elif next(time.iterancestors("p"), None) is None:
            unmarked.add(stated)
    found = list(marked or unmarked)
    return found if len(found) == 1 and (marked or moment_or_none(found[0])) else []


def _date(*stated: object) -> str | None:
    """Return the first readable date, else the first one, so that a notice quotes it."""
    dates = [date for each in stated for date in _names(each)]
    return next(filter(moment_or_none, dates), None) or _first(dates)


def _is_absolute(address: str) -> bool:
    return address.strip().lower().startswith(("http://", "https://"))


def _words(stated: str | None) -> list[str]:
    return (stated or "").lower().split()


def _first(*stated: Iterable[str]) -> str | None:
    return next((text for texts in stated for text in texts if text), None)


def _title(tree: Element, linked: dict[str, object], social: list[str], sites: Iterable[str | None]) -> str | None:
    """Return the title of the article of a page, None if the page states none.

    The order of precedence is: `headline` and `name` of its JSON-LD, its `social` title (Open Graph), its only h1, its
    title element. Names of `sites` and sections, and headings that link to the home page, are not titles of articles.
    """
    h1 = {text: element for element in tree.iter("h1") if (text := _line(element))}
    stated = next(filter(None, map(_line, tree.iter("title"))), "")
    site_names = {_plain(site or "") for site in (*sites, *(text for text in h1 if _is_of_site(h1[text])))} - {""}
    lone = list(h1) if len(h1) == 1 else []
    parts = [_plain(part) for part in _BETWEEN.split(stated) if _plain(part)]
    lower = {_plain(_line(element)) for element in tree.iter("h2", "h3")}
    # The h1 repeats the site at the end of the title element, and a lower heading the title before it.
    if (
        lone
        and len(parts) > 1
        and parts[-1] == _plain(lone[0])
        and parts[0] in lower
        and not _is_shown(lone[0], social)
    ):
        site_names.add(_plain(lone[0]))
    stripped = _without_sites(stated, site_names)
    if lone and _is_section(lone[0], stripped):
        site_names.add(_plain(lone[0]))
    headline = [*_names(linked.get("headline"))[:1], *_names(linked.get("name"))[:1]]
    shown = [*social, *h1, stated]
    # In an encyclopedia the headline is a description, and the name is the title.
    headline.sort(key=lambda title: not _is_shown(title, shown))
    candidates = [*headline, *(_without_sites(title, site_names) for title in social), *lone, stripped]
    titles = [title for title in candidates if title and _plain(title) not in site_names and not _SLUG.fullmatch(title)]
    return _first(titles, candidates, [stated])


def _line(heading: Element) -> str:
    """Return the text of a heading on one line."""
    return clean_line(" ".join(heading.itertext()))


def _plain(text: str) -> str:
    return "".join(re.findall(r"\w", text.casefold()))


def _is_shown(title: str, shown: Iterable[str]) -> bool:
    return any(_plain(title) in _plain(text) or _plain(text) in _plain(title) for text in shown if _plain(text))


def _is_of_site(heading: Element) -> bool:
    """Return whether a heading is the name of the site, by its classes or by a link to the home page."""
    around = [heading, *heading.iter("a", "span", "div"), *list(heading.iterancestors())[:2]]
    links = [*heading.iter("a"), *heading.iterancestors("a")]
    return any(
        _SITE_CLASS.search(f"{each.get('class') or ''} {each.get('id') or ''}".lower()) for each in around
    ) or any(_HOME.fullmatch((link.get("href") or "x").strip()) for link in links)


def _without_sites(title: str, site_names: set[str]) -> str:
    """Remove the names of sites from both ends of a title."""
    while parts := list(_BETWEEN.finditer(title)):
        if _plain(title[parts[-1].end() :]) in site_names:
            title = title[: parts[-1].start()]
        elif _plain(title[: parts[0].start()]) in site_names:
            title = title[parts[0].end() :]
        else:
            break
    return title


def _is_section(heading: str, title: str) -> bool:
    """Return whether a heading is the name of a section: a few words that the longer page title does not contain."""
    words, others = (set(re.findall(r"\w+", text.casefold())) for text in (heading, title))
    return len(words) <= _SECTION_WORDS and len(others) >= _HEADLINE_WORDS and words.isdisjoint(others)
