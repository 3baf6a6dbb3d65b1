"""Parse a model's text as it streams: markers, then sentences with the passages that they cite, wherever it is cut."""

import re
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby, pairwise

from index.markup import without_marks
from index.text import Sentence, sentence_spans
from service.citations.markers import Marker, MarkerParser
from service.records import LONGEST_SENTENCE, DraftSentence

_ENDS = (".", "!", "?", "…", '"', "”", "»", "。", "！", "？")

_LIST_SIGN = re.compile(r"(?:[-*+•–]|\d{1,3}[.)]|#{1,6})\s+")
_LIST_NUMBER = re.compile(r"\d{1,3}\.")
_WORD_AND_MORE = re.compile(r"\W*\w+\W+\w")
_AFTER_SPACE = re.compile(r"\w|[“‘«„(\[$€£]")
_STOPS = tuple(".!?…")
_END = re.compile(r"[.!?…。！？\n]")
_NEW_WORD = re.compile(r"\W\w")


class DraftParser:
    """A parser of a model's text, cut anywhere, into draft sentences; `keys` are those of the passages."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._markers = MarkerParser(keys)
        self._sentences = SentenceAssembler()

    @property
    def pending(self) -> str:
        """The text after the last complete sentence, without markers."""
        return self._sentences.pending

    def feed(self, text: str) -> Iterator[DraftSentence]:
        """Yield the sentences that this text completes."""
        for token in self._markers.feed(text):
            yield from self._sentences.feed(token)

    def finish(self, *, cut_off: bool = False) -> Iterator[DraftSentence]:
        """Yield the last sentences; only the complete ones of a text that is cut off."""
        last = [sentence for token in self._markers.finish() for sentence in self._sentences.feed(token)]
        last += self._sentences.finish()
        yield from (sentence for sentence in last if not cut_off or sentence.text.endswith(_ENDS))


@dataclass(slots=True)
class SentenceAssembler:
    """An assembler of text and markers into sentences, each yielded once it is certainly complete.

    A sentence longer than LONGEST_SENTENCE is cut into parts that are not `complete`, which bounds the text in memory.
    """

    pending: str = field(default="", init=False)
    _markers: deque[tuple[int, Marker]] = field(default_factory=deque, init=False)
    _spaced: bool = field(default=False, init=False)
    _is_cut: bool = field(default=False, init=False)

    def feed(self, token: str | Marker) -> Iterator[DraftSentence]:
        """Yield the sentences that this token completes."""
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

    def finish(self) -> Iterator[DraftSentence]:
        """Yield the last sentences at the end of the stream; markers without a word are a separate draft."""
        for span in _sentences(self.pending) or [Sentence(0, 0)] * bool(self._markers):
            yield from self._parts(span)
        self.pending = ""

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
