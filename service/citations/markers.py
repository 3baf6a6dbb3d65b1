"""Markers in a stream of text: `[key]` and `[key, key]`, wherever the stream happens to be cut.

Anything in square brackets that looks like a citation is one, known or not: a key that names no passage
was invented, and is reported rather than shown.
"""

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

LONGEST = 80
"""A bracket that is not closed within so many characters is text."""

_ITEM = r"(?:(?:source|passage|key|ref)s?:?)?\s*[#^]?(?:[a-z](?=[a-z0-9]*\d)[a-z0-9]{1,7}|\d{1,3})"
_AND = r"\s*(?:[,;&](?:\s*and\b)?|\band\b)\s*"
_CITATION = re.compile(rf"\s*{_ITEM}(?:{_AND}{_ITEM})*\s*", re.IGNORECASE | re.ASCII)
_KEY = re.compile(r"[a-z0-9]+$", re.IGNORECASE | re.ASCII)
_OPEN, _CLOSE = "[【", "]】"


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
        """What is certain after this piece; an open bracket waits for its end."""
        self._held += piece
        while self._held:
            opening = min((at for at in map(self._held.find, _OPEN) if at >= 0), default=-1)
            if opening < 0:
                yield self._take(len(self._held))
                return
            if opening:
                yield self._take(opening)
            closing = min((at for at in map(self._held.find, _CLOSE) if at >= 0), default=-1)
            if closing < 0 and len(self._held) <= LONGEST:
                return
            yield from self._bracket(closing if 0 <= closing <= LONGEST else 0)

    def finish(self) -> Iterator[str]:
        """The text that still waited when the stream ended."""
        if self._held:
            yield self._take(len(self._held))

    def _bracket(self, closing: int) -> Iterator[str | Marker]:
        content = self._held[1:closing]
        if closing and _CITATION.fullmatch(content):
            self._take(closing + 1)
            yield self._marker(content)
        else:
            yield self._take(1)

    def _marker(self, content: str) -> Marker:
        found = [match.group().lower() for item in re.split(_AND, content) if (match := _KEY.search(item.strip()))]
        keys = tuple(dict.fromkeys(key for key in found if key in self.known))
        return Marker(keys, tuple(key for key in found if key not in self.known))

    def _take(self, count: int) -> str:
        taken, self._held = self._held[:count], self._held[count:]
        return taken
