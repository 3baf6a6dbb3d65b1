"""Parse a model's text as it streams: sentences, the passages that they cite, and the words quoted for them.

The prompt asks for `[key: "words"]`. Models also write `[key]`, `[key, key]`, `[[key]]`, `【key†source】`, `(key)`,
`(Source: [key])`, `[doc key]`, `[key](address)` and ranges. All are found at any split of the stream. Quoted words are
never text, even where their bracket stays open. A citation in square brackets without a passage was invented by the
model, and is reported, not shown.
"""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import groupby, pairwise

from index.markup import without_marks
from index.text import Sentence, sentence_spans
from service.records import LONGEST_SENTENCE, DraftSentence

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

_ENDS = (".", "!", "?", "…", '"', "”", "»", "。", "！", "？")

_LIST_SIGN = re.compile(r"(?:[-*+•–]|\d{1,3}[.)]|#{1,6})\s+")
_LIST_NUMBER = re.compile(r"\d{1,3}\.")
_WORD_AND_MORE = re.compile(r"\W*\w+\W+\w")
_AFTER_SPACE = re.compile(r"\w|[“‘«„(\[$€£]")
_STOPS = tuple(".!?…")
_END = re.compile(r"[.!?…。！？\n]")
_NEW_WORD = re.compile(r"\W\w")


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
        while opened := _OPEN.search(text, position):
            opening = opened.start()
            found = self._citation(text, opening, last=last)
            if found is None:
                break
            marker, end = found
            if marker is None:
                position = end
                continue
            tokens += [text[start:opening], marker] if start < opening else [marker]
            start = position = self._after_dropped(text, end)
        certain = opened.start() if opened else len(text)
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


class DraftParser:
    """A parser of a model's text, cut anywhere, into draft sentences; `keys` are those of the passages.

    A sentence is yielded once it is certainly complete. A sentence longer than LONGEST_SENTENCE is cut into parts that
    are not `complete`, which bounds the text in memory.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        self.pending = ""  # the text after the last complete sentence, without markers
        self._parser = MarkerParser(keys)
        self._markers: deque[tuple[int, Marker]] = deque()
        self._spaced = self._is_cut = False

    def feed(self, text: str) -> Iterator[DraftSentence]:
        """Yield the sentences that this text completes."""
        for token in self._parser.feed(text):
            yield from self._add(token)

    def finish(self, *, cut_off: bool = False) -> Iterator[DraftSentence]:
        """Yield the last sentences; only the complete ones of a text that is cut off."""
        last = [sentence for token in self._parser.finish() for sentence in self._add(token)]
        # Markers without a word are a separate draft.
        for span in _sentences(self.pending) or [Sentence(0, 0)] * bool(self._markers):
            last += self._parts(span)
        self.pending = ""
        yield from (sentence for sentence in last if not cut_off or sentence.text.endswith(_ENDS))

    def _add(self, token: str | Marker) -> Iterator[DraftSentence]:
        if isinstance(token, Marker):
            text = self.pending.rstrip()
            self._spaced = self._spaced or text != self.pending or text.endswith(_STOPS)
            self.pending = text
            self._markers.append((len(text), token))
            yield from self._cut()
            return
        # The space before a marker was removed with it; two words or sentences around it still need one.
        token = token.replace("\n", "\n\n")  # a model's line is a paragraph
        last = self.pending[-1:]
        self.pending += f" {token}" if self._spaced and _AFTER_SPACE.match(token) else token
        self._spaced = self._spaced and not token
        # A sentence is complete only when the next word begins.
        if _NEW_WORD.search(last + token) and _END.search(self.pending):
            yield from self._completed()
        yield from self._cut()

    def _completed(self) -> Iterator[DraftSentence]:
        """Yield each sentence with two words of the next after it: its full stop does not end an abbreviation."""
        done = 0
        for span, following in pairwise(_sentences(self.pending)):
            if not _WORD_AND_MORE.match(self.pending, following.start):
                break
            yield from self._parts(span)
            done = following.start
        self._drop(done)

    def _cut(self) -> Iterator[DraftSentence]:
        """Yield parts of a sentence that is too long before it is complete."""
        while len(self.pending) > LONGEST_SENTENCE or len(self._markers) > LONGEST_SENTENCE:
            self._is_cut = True
            end = min(len(self.pending), LONGEST_SENTENCE)
            yield self._draft(Sentence(0, end), complete=False)
            self._drop(end)

    def _parts(self, span: Sentence) -> Iterator[DraftSentence]:
        """Yield the sentence at `span`, in parts if it is too long."""
        starts = range(span.start, max(span.end, span.start + 1), LONGEST_SENTENCE)
        complete = len(starts) == 1 and not self._is_cut
        for start in starts:
            yield self._draft(Sentence(start, min(start + LONGEST_SENTENCE, span.end)), complete=complete)
        self._is_cut = False

    def _drop(self, count: int) -> None:
        """Drop this many characters at the beginning."""
        if count:
            self.pending = self.pending[count:]
            self._markers = deque((at - count, marker) for at, marker in self._markers)

    def _draft(self, span: Sentence, *, complete: bool) -> DraftSentence:
        """Return the sentence at `span` with the markers up to its end; one after its full stop moves before it."""
        text = self.pending[span.start : span.end]
        sign = _LIST_SIGN.match(text)
        position = span.start + (sign.end() if sign else 0)
        end = span.start + len(text.rstrip(".!?…"))
        parts: list[str | tuple[str, ...]] = []
        invented: list[str] = []
        quotes: list[tuple[str, str]] = []
        while self._markers and self._markers[0][0] <= span.end:
            at, marker = self._markers.popleft()
            place = max(position, min(at, end))
            parts += [self.pending[position:place], marker.keys]
            invented += marker.invented
            quotes += marker.quotes
            position = place
        parts.append(self.pending[position : span.end])
        return DraftSentence(tuple(_merged(parts)), tuple(invented), complete, tuple(quotes))


def _merged(parts: Iterable[str | tuple[str, ...]]) -> Iterator[str | tuple[str, ...]]:
    """Yield the parts that are not empty, adjacent text joined and without reference marks."""
    for is_text, listed in groupby((part for part in parts if part), key=lambda part: isinstance(part, str)):
        if not is_text:
            yield from listed
        elif text := without_marks("".join(part for part in listed if isinstance(part, str))):
            yield text


def _sentences(text: str) -> list[Sentence]:
    """Return the sentences of a text so far; the number of a list's item belongs to the item."""
    found: list[Sentence] = []
    for span in sentence_spans(text, headings=False):
        before = found[-1] if found else None
        if before and _LIST_NUMBER.fullmatch(text, *before[:2]) and "\n" not in text[before.end : span.start]:
            found[-1] = Sentence(before.start, span.end)
        else:
            found.append(span)
    return found
