"""The title of a web page: what its article is called, and not its site or section."""

import re
from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from ingest.clean import clean_line
from ingest.load.prose import Element

# Separators of an article's title and its site's name; a colon as well, at the site's side.
_BETWEEN = re.compile(r"\s+[|\-–—·•»›«:]+\s+|\s*[|»›]\s*|(?<=\w):\s+")
_HOME = re.compile(r"(?:\.{0,2}/)?(?:(?:index|home|default)(?:\.\w{2,5})?)?|#|", re.IGNORECASE)
_SITE_CLASS = re.compile(r"\b(?:logo|brand|branding|masthead|site-?(?:name|title|header|branding)|blog-?title)\b")
# An address part in place of a title, such as budget-vote-2024.
_SLUG = re.compile(r"\w+(?:-\w+){2,}")
_SECTION_WORDS, _HEADLINE_WORDS = 3, 4


def page_title(
    tree: Element, headline: Sequence[str], name: Sequence[str], social: Sequence[str], sites: Iterable[str | None]
) -> str | None:
    """The title of the article of a page, None where it states none.

    In this order count the `headline` and `name` of its JSON-LD, its `social` title (Open Graph), its lone h1, and its
    title element. The names of `sites`, of sections and of headings that lead home are not titles of articles.
    """
    h1 = [(element, text) for element in tree.iter("h1") if (text := heading_text(element))]
    element_title = next((text for element in tree.iter("title") if (text := heading_text(element))), "")
    known = {_plain(site) for site in (*sites, *(text for element, text in h1 if _is_of_site(element))) if site}
    known.discard("")
    if len(h1) == 1 and (site := _site_at_the_end(tree, element_title, h1[0][1])) and not _is_shown(site, social):
        known.add(site)
    stripped = _without_sites(element_title, known)
    lone = [text for _, text in h1] if len(h1) == 1 else []
    if lone and _is_section(lone[0], stripped):
        known.add(_plain(lone[0]))
    shown = [*social, *(text for _, text in h1), element_title]
    linked = [*headline[:1], *name[:1]]
    if len(linked) == 2 and not _is_shown(linked[0], shown) and _is_shown(linked[1], shown):
        # The headline of an encyclopedia is a description, and its name the title.
        linked.reverse()
    candidates = [*linked, *(_without_sites(title, known) for title in social), *lone, stripped]
    titles = [title for title in candidates if title and _plain(title) not in known and not _SLUG.fullmatch(title)]
    return next(iter((*titles, *filter(None, candidates), element_title)), None) or None


def heading_text(element: Element) -> str:
    """The text of a heading on one line."""
    return clean_line(" ".join(element.itertext()))


def _plain(text: str) -> str:
    return "".join(re.findall(r"\w", text.casefold()))


def _is_shown(title: str, shown: Iterable[str]) -> bool:
    return any(_plain(title) in _plain(text) or _plain(text) in _plain(title) for text in shown if _plain(text))


def _is_of_site(heading: Element) -> bool:
    """Whether a heading is the name of the site: it leads home, or its markup says so."""
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
    absolute = bool(parts.netloc)
    return not parts.query and bool(_HOME.fullmatch(parts.path)) and (absolute or bool(parts.path))


def _site_at_the_end(tree: Element, title: str, h1: str) -> str | None:
    """The last part of a title element, where the h1 repeats it and a lower heading the first part."""
    parts = [_plain(part) for part in _BETWEEN.split(title) if _plain(part)]
    lower = {_plain(heading_text(element)) for element in tree.iter("h2", "h3")}
    is_site = len(parts) > 1 and parts[-1] == _plain(h1) and parts[0] in lower
    return parts[-1] if is_site else None


def _without_sites(title: str, known: set[str]) -> str:
    """A title without the names of sites at either end."""
    while (parts := list(_BETWEEN.finditer(title))) and title:
        first, last = title[: parts[0].start()], title[parts[-1].end() :]
        if _plain(last) in known:
            title = title[: parts[-1].start()]
        elif _plain(first) in known:
            title = title[parts[0].end() :]
        else:
            break
    return title


def _is_section(heading: str, title: str) -> bool:
    """Whether a heading is a section's: a few words, none of which is in the longer title of the page."""
    words, others = (set(re.findall(r"\w+", text.casefold())) for text in (heading, title))
    return len(words) <= _SECTION_WORDS and len(others) >= _HEADLINE_WORDS and words.isdisjoint(others)
