"""A stream of text and markers → whole sentences, each with the markers that stand in or right behind it."""

import re
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from index.text import Sentence, sentence_spans
from service.citations.markers import Marker, without_marks
from service.records import LONGEST_SENTENCE, DraftSentence

_LIST_SIGN = re.compile(r"(?:[-*+•–]|\d{1,3}[.)]|#{1,6})\s+")
_LIST_NUMBER = re.compile(r"\d{1,3}\.")
_WORD_AND_MORE = re.compile(r"\W*\w+\W+\w")
_AFTER_SPACE = re.compile(r"\w|[“‘«„(\[$€£]")
_STOPS = tuple(".!?…")
_END = re.compile(r"[.!?…。！？\n]")
_NEW_WORD = re.compile(r"\W\w")


@dataclass(slots=True)
class SentenceAssembler:
    """Collects text and markers until a sentence is certainly over.

    A sentence longer than LONGEST_SENTENCE comes in parts that are not whole, so that no more than one part waits.
    """

    _text: str = field(default="", init=False)
    _markers: deque[tuple[int, Marker]] = field(default_factory=deque, init=False)
    _spaced: bool = field(default=False, init=False)
    _is_cut: bool = field(default=False, init=False)

    def feed(self, token: str | Marker) -> Iterator[DraftSentence]:
        """The sentences that are over with this token."""
        if isinstance(token, Marker):
            text = self._text.rstrip()
            self._spaced = self._spaced or text != self._text or text.endswith(_STOPS)
            self._text = text
            self._markers.append((len(text), token))
            yield from self._cut()
            return
        # The space before a marker went with it; two words or sentences that it stood between still need one.
        token = token.replace("\n", "\n\n")  # a model's line is a paragraph
        last = self._text[-1:]
        self._text += f" {token}" if self._spaced and _AFTER_SPACE.match(token) else token
        self._spaced = self._spaced and not token
        # Only where a word begins may a sentence before it turn out to be over.
        if _NEW_WORD.search(last + token) and _END.search(self._text):
            yield from self._completed()
        yield from self._cut()

    def finish(self) -> Iterator[DraftSentence]:
        """The last sentences, when the stream has ended; markers without a word are a draft of their own."""
        for span in _sentences(self._text) or [Sentence(0, 0)] * bool(self._markers):
            yield from self._parts(span)
        self._text = ""

    def _completed(self) -> Iterator[DraftSentence]:
        """Give out each sentence behind which another has begun, by two words: its full stop is no abbreviation's."""
        done = 0
        for span, following in pairwise(_sentences(self._text)):
            if not _WORD_AND_MORE.match(self._text, following.start):
                break
            yield from self._parts(span)
            done = following.start
        self._drop(done)

    def _cut(self) -> Iterator[DraftSentence]:
        """Give out parts of a sentence that has grown too long before it is over."""
        while len(self._text) > LONGEST_SENTENCE or len(self._markers) > LONGEST_SENTENCE:
            self._is_cut = True
            end = min(len(self._text), LONGEST_SENTENCE)
            yield self._draft(Sentence(0, end), whole=False)
            self._drop(end)

    def _parts(self, span: Sentence) -> Iterator[DraftSentence]:
        """The sentence at `span`, in parts where it is too long."""
        starts = range(span.start, max(span.end, span.start + 1), LONGEST_SENTENCE)
        whole = len(starts) == 1 and not self._is_cut
        for start in starts:
            yield self._draft(Sentence(start, min(start + LONGEST_SENTENCE, span.end)), whole=whole)
        self._is_cut = False

    def _drop(self, count: int) -> None:
        """Forget so many characters at the beginning."""
        if count:
            self._text = self._text[count:]
            self._markers = deque((at - count, marker) for at, marker in self._markers)

    def _draft(self, span: Sentence, *, whole: bool) -> DraftSentence:
        """The sentence at `span` with the markers up to its end; one behind its full stop moves before it."""
        text = self._text[span.start : span.end]
        sign = _LIST_SIGN.match(text)
        position = span.start + (sign.end() if sign else 0)
        end = span.start + len(text.rstrip(".!?…"))
        parts: list[str | tuple[str, ...]] = []
        invented: list[str] = []
        while self._markers and self._markers[0][0] <= span.end:
            at, marker = self._markers.popleft()
            place = max(position, min(at, end))
            parts += [self._text[position:place], marker.keys]
            invented += marker.invented
            position = place
        parts.append(self._text[position : span.end])
        return DraftSentence(tuple(_merged(parts)), tuple(invented), whole)


def _merged(parts: Iterable[str | tuple[str, ...]]) -> Iterator[str | tuple[str, ...]]:
    """The parts that are not empty, text that belongs together in one and without the source's reference marks."""
    for is_text, listed in groupby((part for part in parts if part), key=lambda part: isinstance(part, str)):
        if not is_text:
            yield from listed
        elif text := without_marks("".join(part for part in listed if isinstance(part, str))):
            yield text


def _sentences(text: str) -> list[Sentence]:
    """The sentences of a text so far; the number of a list's item belongs to the item."""
    found: list[Sentence] = []
    for span in sentence_spans(text, headings=False):
        before = found[-1] if found else None
        if before and _LIST_NUMBER.fullmatch(text, *before[:2]) and "\n" not in text[before.end : span.start]:
            found[-1] = Sentence(before.start, span.end)
        else:
            found.append(span)
    return found
