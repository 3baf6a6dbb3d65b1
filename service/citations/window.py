"""Windows: the stretches of a passage, one to three sentences long, in which a claim may stand."""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from index.markup import readable
from index.records import Span
from index.text import sentence_spans
from service.citations.english import english
from service.records import Passage

LONGEST = 3
ANTECEDENTS = 2
"""How many sentences before a window may hold what its pronouns mean."""

_REFERS_BACK = re.compile(
    r"^\W*(?:the|this|that|these|those|his|her|their|its|both|neither)\b|\b(?:he|she|they|it|him|her|them|his|their)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Window:
    """The words of a stretch of a source, where it stands in the passage's text, and those of the sentences before it.

    Words are without markup: the number of a note, or one in the address of a link, is not stated.
    """

    text: str
    before: str
    published: tuple[date, ...]
    stems: frozenset[str]
    spans: tuple[tuple[Passage, Span], ...]

    @property
    def with_antecedents(self) -> str:
        """The window and, where its subject is a pronoun or a definite noun, the sentences that may name it."""
        return f"{self.before} {self.text}" if self.before and _REFERS_BACK.search(self.text) else self.text

    def and_also(self, other: "Window") -> "Window":
        """Two windows as one source: what a sentence with two markers rests on."""
        return Window(
            f"{self.text} {other.text}",
            f"{self.before} {other.before}".strip(),
            self.published + other.published,
            self.stems | other.stems,
            self.spans + other.spans,
        )


def windows(passage: Passage, wanted: Collection[str]) -> Iterator[Window]:
    """The windows of a passage, shortest first, in each of which every sentence brings a wanted stem of its own.

    A sentence that brings none would only lend its names to what another sentence says.
    """
    text = passage.chunk.text
    sentences = sentence_spans(text)
    stems = [frozenset(english().terms.of(readable(text[s.start : s.end]))) for s in sentences]
    for length in range(1, LONGEST + 1):
        for first in range(len(sentences) - length + 1):
            within = range(first, first + length)
            if length == 1 or all(_brings_its_own(at, within, stems, wanted) for at in within):
                start, end = sentences[first].start, sentences[first + length - 1].end
                yield Window(
                    text=readable(text[start:end]),
                    before=readable(text[sentences[max(0, first - ANTECEDENTS)].start : start]).strip(),
                    published=(passage.article.published_at.date(),) if passage.article.published_at else (),
                    stems=frozenset().union(*(stems[at] for at in within)),
                    spans=((passage, Span(start, end)),),
                )


def _brings_its_own(at: int, within: Sequence[int], stems: Sequence[frozenset[str]], wanted: Collection[str]) -> bool:
    others = frozenset().union(*(stems[other] for other in within if other != at))
    return any(stem in wanted for stem in stems[at] - others)
