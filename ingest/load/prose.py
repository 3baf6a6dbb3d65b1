"""The text of a parsed page: paragraphs with a blank line between them, as a reader sees them."""

import re
from collections.abc import Iterator
from typing import Protocol


class Element(Protocol):
    """What is used of an element of an lxml tree."""

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


# Names of HTML, and those that trafilatura gives to the same things in what it extracts.
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


class _Prose:
    """Text as it is put together: white space is owed until there is something to write after it."""

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
        """Owe what the beginning or the end of an element asks for; of an item, its end alone comes here."""
        if tag in _LINE_BREAKS:
            self._lines = min(self._lines + 1, 2)
        elif tag in _ITEMS:
            self._lines, self._bullet, self._items = max(self._lines, 1), "", self._items - 1
        elif tag in _ROWS:
            self._lines = max(self._lines, 1)
        elif tag not in _INLINE and tag not in _CELLS:
            # Within an item of a list, blocks are lines: the items stay together.
            self._lines = max(self._lines, 1 if self._items else 2)


def prose(root: Element) -> str:
    """The visible text below an element, without its tail.

    Blocks are set apart by a blank line, lines and table rows by a line end, cells by ` | `; an item of
    a list begins with `- `. Runs of white space are one space; scripts, forms and the like are left out.
    """
    prose = _Prose()
    walk: list[tuple[Element, bool]] = [(root, False)]
    while walk:
        element, done = walk.pop()
        tag = element.tag if isinstance(element.tag, str) else "script"
        if not done and tag not in _UNSEEN:
            prose.open(tag)
            prose.write(element.text)
            walk.append((element, True))
            walk.extend((child, False) for child in reversed(element))
            continue
        if done and tag not in _LINE_BREAKS:
            prose.edge(tag)
        if element is not root:
            prose.write(element.tail)
    return "".join(prose.written)
