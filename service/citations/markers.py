"""Find the citations of a model in its text as it streams: passage keys, and the words that the model quotes for them.

The prompt asks for `[key: "words"]`. Models also write `[key]`, `[key, key]`, `[[key]]`, `【key†source】`, `(key)`,
`(Source: [key])`, `[doc key]`, `[key](address)` and ranges. All are found at any split of the stream. Quoted words are
never text, even where their bracket stays open. A citation in square brackets without a passage was invented by the
model, and is reported, not shown.
"""

import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

LONGEST_MARKER = 80
"""The limit of a bracketed citation without its quote, in characters; a longer bracket is text."""

LONGEST_QUOTE = 1_000
"""The limit of a citation with its quote, in characters; the rest of a longer one is dropped, to the next bracket."""

_WORD = r"(?<![a-z0-9])(?:[a-z](?=[a-z0-9]*\d)[a-z0-9]{1,7}|\d{1,3})(?![a-z0-9])"
_NOTE = r"(?::\d{1,3})?\s*†[^\[\]【】\n]{0,40}"
_ITEM = rf"(?:(?:source|passage|key|ref)s?:?)?\s*[#^]?{_WORD}(?:{_NOTE})?"
_AND = r"\s*(?:[,;&](?:\s*and\b)?|\band\b)\s*"
_LABEL = r"(?:source|passage|key|ref|reference|doc|document|article|chunk|citation|cite|see|id|note|quelle|beleg)s?"
_KEY = rf"(?:{_LABEL}\b\.?\s*[:=#]?\s*)?[#^@]?{_WORD}(?:{_NOTE})?"
_NEXT = r"(?:\s*(?:[,;&/+]|\band\b|\bund\b)(?:\s*and\b)?\s*|\s*(?:[-–—]|\bto\b)\s*|\s+)"
_KEYS = rf"{_KEY}(?:{_NEXT}{_KEY})*"
_FLAGS = re.IGNORECASE | re.ASCII

_CITATION = re.compile(rf"\s*{_ITEM}(?:{_AND}{_ITEM})*\s*", _FLAGS)
_KNOWN_CITATION = re.compile(rf"[\s,]*{_KEYS}[\s,.:;]*", _FLAGS)
_WORDS = re.compile(_WORD, _FLAGS)
_RANGE = re.compile(r"\s*(?:[-–—]|\bto\b)\s*", _FLAGS)

_OPEN = re.compile(r"[\[【［(（]")
_SQUARES = re.compile(r"[\[【［\]】］]")
# A bracket with at most one pair at a time inside it.
_SQUARE = re.compile(r"[\[【［][^\[【［\]】］]*+(?:[\[【［][^\[【［\]】］]*+[\]】］][^\[【［\]】］]*+)*[\]】］]")
_ROUND = re.compile(r"[(（][^(（)）]*+(?:[(（][^(（)）]*+[)）][^(（)）]*+)*[)）]")
_BRACKET = re.compile(r"[\[【［\]】］()（）]")

_OPENS, _CLOSES = "\"'“”„‘‚«»「『`", "\"'”“’‘»«」』`"
_SEPARATOR = r"(?:\s*[:|,;=–—-])?\s*"
_QUOTED = re.compile(
    rf"(?P<open>[\[【［(（]{{1,2}})\s*(?P<keys>{_KEYS})(?:{_SEPARATOR}(?P<mark>[{_OPENS}])|\s*[:|]\s*[^\s\]】］)）])",
    _FLAGS,
)
_QUOTE = re.compile(
    rf"(?:(?P<keys>{_KEYS}){_SEPARATOR})?[{_OPENS}](?P<words>.+?)[{_CLOSES}]"
    rf"(?=\s*[.,;…]*\s*$|\s*(?:[.,;…&+\s]|\band\b)+(?:{_KEYS}{_SEPARATOR})?[{_OPENS}])",
    _FLAGS | re.DOTALL,
)
_DROPPED = re.compile(r"[\]】］]")
# A citation may be followed by the address of a link, or by its quote.
_LINK = re.compile(
    rf"\((?=[^\s()]*[/.#:])[^\s()]{{1,300}}\)| ?\(\s*[{_OPENS}](?P<words>[^()]{{1,600}})[{_CLOSES}]\s*\)"
)
_LINK_BEGUN = re.compile(r" ?(?:\([^()]{0,600})?")


@dataclass(frozen=True, slots=True)
class Marker:
    """A citation in a text: the keys of passages, invented ones, and pairs of a key and the words quoted for it."""

    keys: tuple[str, ...]
    invented: tuple[str, ...] = ()
    quotes: tuple[tuple[str, str], ...] = ()


@dataclass
class MarkerParser:
    """A parser of pieces of text, cut anywhere, into stretches of text and markers; `known` are the passages' keys."""

    known: Sequence[str]
    _held: str = field(default="", init=False)
    _drops: bool = field(default=False, init=False)

    def feed(self, piece: str) -> list[str | Marker]:
        """Return the tokens that are complete after this piece, in linear time; an open bracket waits for its end."""
        return self._tokens(self._held + piece, last=False)

    def finish(self) -> list[str | Marker]:
        """Return the rest of the tokens at the end of the stream."""
        return self._tokens(self._held, last=True)

    def _tokens(self, text: str, *, last: bool) -> list[str | Marker]:
        tokens: list[str | Marker] = []
        start = position = self._after_dropped(text, 0)
        while (opening := _first(_OPEN, text, position)) >= 0:
            found = self._citation(text, opening, last=last)
            if found is None:
                break
            marker, end = found
            if marker is None:
                position = end
                continue
            tokens += [text[start:opening], marker] if start < opening else [marker]
            start = position = self._after_dropped(text, end)
        certain = len(text) if opening < 0 else opening
        self._held = text[certain:]
        return [*tokens, text[start:certain]] if start < certain else tokens

    def _after_dropped(self, text: str, start: int) -> int:
        """Return the end of what is dropped of a quote that stays open."""
        if not self._drops:
            return start
        found = _DROPPED.search(text, start)
        self._drops = found is None
        return found.end() if found else len(text)

    def _citation(self, text: str, opening: int, *, last: bool) -> tuple[Marker | None, int] | None:
        """Return the citation at a bracket and its end, None and the next place to look, or None to wait for more."""
        quoted = _QUOTED.match(text, opening, opening + LONGEST_MARKER)
        if quoted and self._is_quoted(quoted):
            return self._quoted(text, quoted, last=last)
        closing = _balance(text, opening, opening + LONGEST_MARKER + 1)
        if closing < 0:
            return (None, opening + 1) if last or len(text) - opening > LONGEST_MARKER else None
        content = text[opening + 1 : closing]
        bare = _BRACKET.sub(" ", content)
        is_plain = text[opening] not in "(（" or bool(_SQUARES.search(content))
        if not (is_plain and _CITATION.fullmatch(bare)) and not (
            _KNOWN_CITATION.fullmatch(bare) and self._keys(bare)[0]
        ):
            return None, opening + 1
        return self._with_link(Marker(*self._keys(bare)), text, closing + 1, last=last)

    def _is_quoted(self, found: re.Match[str]) -> bool:
        """Return whether a bracket has a quote; without quotation marks or square brackets its key must be known."""
        return bool((found["mark"] and found["open"][0] in "[【［") or self._keys(found["keys"])[0])

    def _quoted(self, text: str, found: re.Match[str], *, last: bool) -> tuple[Marker, int] | None:
        """Return the citation with a quote and its end, or None to wait for more."""
        keys, invented = self._keys(found["keys"])
        begin, limit = found.end() - 1, found.start() + LONGEST_QUOTE
        end = _marked_end(text, found, limit) if found["mark"] else None
        following = self._opening.search(text, begin, end[0] if end else limit)
        if end and not following:
            return self._with_link(self._marker(text[found.start("keys") : end[0]]), text, end[1], last=last)
        # Without a quotation mark before its end, the bracket that balances the first one ends the quote.
        closing = _balance(text, found.start(), following.start() if following else limit)
        is_settled = following or last or len(text) >= limit
        if not is_settled and (found["mark"] or closing < 0):
            return None
        if closing < 0:
            self._drops = following is None
            return Marker(keys, invented), following.start() if following else min(limit, len(text))
        words = text[begin:closing].strip()
        return self._with_link(
            Marker(keys, invented, tuple((key, words) for key in keys)), text, closing + 1, last=last
        )

    def _marker(self, content: str) -> Marker:
        """Return the marker of a bracket with quotes: keys, then the words of each."""
        keys: dict[str, None] = {}
        invented: list[str] = []
        quotes: list[tuple[str, str]] = []
        cited: tuple[str, ...] = ()
        for found in _QUOTE.finditer(content):
            if found["keys"]:
                cited, unknown = self._keys(found["keys"])
                keys |= dict.fromkeys(cited)
                invented += unknown
            words = found["words"].strip()
            quotes += [(key, words) for key in cited if words]
        return Marker(tuple(keys), tuple(invented), tuple(quotes))

    def _with_link(self, marker: Marker, text: str, end: int, *, last: bool) -> tuple[Marker, int] | None:
        """Return a citation with what follows it in round brackets, an address or a quote; None to wait for that."""
        if found := _LINK.match(text, end):
            words = (found["words"] or "").strip()
            quotes = tuple((key, words) for key in marker.keys if words)
            return Marker(marker.keys, marker.invented, (*marker.quotes, *quotes)), found.end()
        if not last and _LINK_BEGUN.fullmatch(text, end):
            return None
        return marker, end

    def _keys(self, content: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Return the known and the invented keys of a citation; a range has all passages between its ends."""
        content = re.sub(_NOTE, "", content)
        found = list(_WORDS.finditer(content.lower()))
        keys: dict[str, None] = {}
        for number, item in enumerate(found):
            key = item.group()
            if key in self.known:
                before = found[number - 1] if number else None
                if before and before.group() in keys and _RANGE.fullmatch(content, before.end(), item.start()):
                    places = sorted([self.known.index(before.group()), self.known.index(key)])
                    keys |= dict.fromkeys(self.known[places[0] : places[1] + 1])
                keys[key] = None
        return tuple(keys), tuple(item.group() for item in found if item.group() not in self.known)

    @cached_property
    def _opening(self) -> re.Pattern[str]:
        """The beginning of another citation within a quote, which therefore stays open."""
        keys = "|".join(map(re.escape, self.known)) or "(?!)"
        return re.compile(rf"[\[【［]\s*(?:{keys})\b", re.IGNORECASE)


def _marked_end(text: str, found: re.Match[str], limit: int) -> tuple[int, int] | None:
    """Return the end of the quotes in a bracket and the end of the bracket itself, or None."""
    closers = (r"\s*[\]】］]" if found["open"][0] in "[【［" else r"\s*[)）]") * len(found["open"])
    end = re.compile(rf"[{_CLOSES}]\s*[.,;…]?({closers})").search(text, found.end(), limit)
    return end.span(1) if end else None


def _balance(text: str, opening: int, limit: int) -> int:
    """Return the position of the bracket that closes this one before the limit, or -1."""
    found = (_ROUND if text[opening] in "(（" else _SQUARE).match(text, opening, limit)
    return found.end() - 1 if found else -1


def _first(signs: re.Pattern[str], text: str, start: int, end: int = sys.maxsize) -> int:
    """Return the position of the first of these signs, or -1."""
    found = signs.search(text, start, end)
    return found.start() if found else -1
