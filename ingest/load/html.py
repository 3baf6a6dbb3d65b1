"""Web pages: their main text by trafilatura, as plain text with paragraphs, and their metadata."""

import re
from collections.abc import Iterator

from ingest.errors import ArticleRejected, short_repr
from ingest.load.encodings import of_page, read_text
from ingest.load.files import ArticleFile
from ingest.load.page import Element, headings, page_fields
from ingest.load.raw_article import RawArticle, path_id

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
_UNSEEN = frozenset("script style template noscript iframe svg math object form button select textarea title".split())
_INLINE = frozenset(
    "a abbr b bdi bdo big cite code data del dfn em font graphic hi i img ins kbd label mark q ref s samp small span"
    " strike strong sub sup time tt u var wbr".split()
)
_LINE_BREAKS = frozenset(("br", "lb"))
_ROWS = frozenset(("tr", "row"))
_CELLS = frozenset(("td", "th", "cell"))
_ITEMS = frozenset(("li", "item"))
_SPACE = re.compile(r"\s+")


def parse_page(file: ArticleFile) -> Iterator[RawArticle]:
    """Yield the article of a .html file; raises as `read_text`.

    Raises:
        ArticleRejected: The page has no article text, or is the error page of a server.
    """
    tree = _tree(read_text(file, declared=of_page))
    body = _main_text(tree) if tree is not None else ""
    if tree is None or not body.strip():
        raise ArticleRejected(file.origin, "the page has no article text: save the page of an article", "empty")
    error = next(filter(_ERROR.search, headings(tree)), None)
    if error and len(body) < _ERROR_PAGE_LENGTH:
        reason = f"it is the error page of a server ({short_repr(error)}): fetch it again"
        raise ArticleRejected(file.origin, reason, "error_page")
    yield RawArticle(file.origin, path_id(file), {**page_fields(tree), "body": body}, public=True)


def html_to_text(fragment: str) -> str:
    """Convert a fragment of HTML, such as the content of a feed's entry, to plain text."""
    tree = _tree(fragment)
    return "" if tree is None else _text_of(tree)


def _tree(html: str) -> Element | None:
    """Parse a page or a fragment; return None if it is empty."""
    from trafilatura import load_html

    # Browsers draw the quotation marks of a q element; write them, as its tag is removed.
    html = _QUOTE_END.sub("”", _QUOTE_START.sub("“", html))
    if not _PAGE.search(html, 0, _PAGE_START):
        html = f"<html><body>{html}</body></html>"
    tree: Element | None = load_html(html)
    return tree


def _main_text(tree: Element) -> str:
    from trafilatura import bare_extraction

    found = bare_extraction(tree, include_comments=False, include_tables=True, with_metadata=False)
    return "" if found is None or isinstance(found, dict) else _text_of(found.body)


class _TextBuilder:
    """Plain text under construction; white space is pending until text follows it."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self._lines = 0
        self._between = ""
        self._bullet = ""
        self._items = 0

    def write(self, text: str | None) -> None:
        spaced = _SPACE.sub(" ", text or "")
        bare = spaced.strip()
        if spaced.startswith(" "):
            self._between = self._between or " "
        if not bare:
            return
        if self.written:
            self.written.append("\n" * self._lines or self._between)
        self.written += (self._bullet, bare)
        self._lines, self._between, self._bullet = 0, " " if spaced.endswith(" ") else "", ""

    def open(self, tag: str) -> None:
        if tag in _CELLS:
            self._between = " | "
        elif tag in _ITEMS:
            self._lines, self._bullet, self._items = max(self._lines, 1), "- ", self._items + 1
        else:
            self.edge(tag)

    def edge(self, tag: str) -> None:
        """Add the white space of the start or end of an element; of an item, only of its end."""
        if tag in _LINE_BREAKS:
            self._lines = min(self._lines + 1, 2)
        elif tag in _ITEMS:
            self._lines, self._bullet, self._items = max(self._lines, 1), "", self._items - 1
        elif tag in _ROWS:
            self._lines = max(self._lines, 1)
        elif tag not in _INLINE and tag not in _CELLS:
            # Blocks within a list item are lines, so that the items stay together.
            self._lines = max(self._lines, 1 if self._items else 2)


def _text_of(root: Element) -> str:
    """Return the visible text below an element, without its tail.

    A blank line separates blocks, a line end separates lines and table rows, ` | ` separates cells; a list item begins
    with `- `. A run of white space is one space. Scripts, forms and similar elements are left out.
    """
    builder = _TextBuilder()
    walk: list[tuple[Element, bool]] = [(root, False)]
    while walk:
        element, done = walk.pop()
        tag = element.tag if isinstance(element.tag, str) else "script"
        if not done and tag not in _UNSEEN:
            builder.open(tag)
            builder.write(element.text)
            walk.append((element, True))
            walk.extend((child, False) for child in reversed(element))
            continue
        if done and tag not in _LINE_BREAKS:
            builder.edge(tag)
        if element is not root:
            builder.write(element.tail)
    return "".join(builder.written)
