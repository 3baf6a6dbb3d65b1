"""Markers in a stream of text: `[key]` and `[key, key]`, wherever the stream happens to be cut.

Anything in square brackets that looks like a citation is one, known or not: a key that names no passage
was invented, and is reported rather than shown.
"""

import re
import sys
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from index.marks import ATTACHED, FOOTNOTE

LONGEST = 80
"""A bracket that is not closed within so many characters is text."""

_ITEM = r"(?:(?:source|passage|key|ref)s?:?)?\s*[#^]?(?:[a-z](?=[a-z0-9]*\d)[a-z0-9]{1,7}|\d{1,3})"
_AND = r"\s*(?:[,;&](?:\s*and\b)?|\band\b)\s*"
_CITATION = re.compile(rf"\s*{_ITEM}(?:{_AND}{_ITEM})*\s*", re.IGNORECASE | re.ASCII)
_KEY = re.compile(r"[a-z0-9]+$", re.IGNORECASE | re.ASCII)
# An article's own reference marks where a model repeats them; those of numbers look like the markers of an answer.
_NUMBERED = re.compile(r"\s*[\[【]\s*\d{1,3}(?:\s*[,;–-]\s*\d{1,3})*\s*[\]】]")
_NOTED = re.compile(rf"\s*(?:{FOOTNOTE}|{ATTACHED})")
_OPEN, _CLOSE = re.compile(r"[\[【]"), re.compile(r"[\]】]")


@dataclass(frozen=True, slots=True)
class Marker:
    """A place where passages are cited: the keys that name one, and what was invented."""

    keys: tuple[str, ...]
    invented: tuple[str, ...] = ()


@dataclass(slots=True)
class MarkerParser:
    """Turns pieces of text, cut anywhere, into stretches of text and markers."""

    known: Collection[str]
    _held: str = field(default="", init=False)

    def feed(self, piece: str) -> Iterator[str | Marker]:
        """What is certain after this piece; an open bracket waits for its end. The time is linear in the piece."""
        text = self._held + piece
        start, opening = 0, _first(_OPEN, text, 0)
        while opening >= 0:
            closing = _first(_CLOSE, text, opening + 1, opening + LONGEST + 1)
            if closing < 0 and len(text) - opening <= LONGEST:
                break
            after = opening + 1
            if closing >= 0 and _CITATION.fullmatch(text, after, closing):
                if start < opening:
                    yield text[start:opening]
                yield self._marker(text[after:closing])
                start = after = closing + 1
            opening = _first(_OPEN, text, after)
        certain = len(text) if opening < 0 else opening
        self._held = text[certain:]
        if start < certain:
            yield text[start:certain]

    def finish(self) -> Iterator[str]:
        """The text that still waited when the stream ended."""
        if self._held:
            yield self._held
        self._held = ""

    def _marker(self, content: str) -> Marker:
        found = [match.group().lower() for item in re.split(_AND, content) if (match := _KEY.search(item.strip()))]
        keys = tuple(dict.fromkeys(key for key in found if key in self.known))
        return Marker(keys, tuple(key for key in found if key not in self.known))


def without_marks(text: str) -> str:
    """Return a text without the reference marks of a source, such as `[2]`, `[2–5]` or `[note 3]`."""
    return without_numbers(_NOTED.sub("", without_numbers(text)))


def without_numbers(text: str) -> str:
    """Return a text in which no number stands in square brackets, as the markers of an answer do."""
    while (left := _NUMBERED.sub("", text)) != text:
        text = left  # `[[1]2]` has another one once the inner one is gone
    return text


def _first(signs: re.Pattern[str], text: str, start: int, end: int = sys.maxsize) -> int:
    """The first place of one of these signs; -1 where there is none."""
    found = signs.search(text, start, end)
    return found.start() if found else -1
