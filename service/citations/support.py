"""Compare the claims of a sentence with windows of its source.

A claim is the dates, numbers, names and content words of a sentence. A window is one to three sentences of a passage,
which are compared with a claim.
"""

import re
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from index.markup import readable
from index.records import Span
from index.text import sentence_spans
from service.citations.contrasts import (
    adds_content,
    adds_negation,
    contradicted_word,
    differs_in_contrast,
    has_opposite_contrast,
    has_unsupported_clause,
)
from service.citations.dates import Date, find_dates, missing_date
from service.citations.english import english, words_of
from service.citations.names import Name, find_names, missing_name, plain
from service.citations.numbers import Number, find_numbers, misplaced_figure, missing_number
from service.citations.speakers import misattributed, swapped_roles, wrong_speaker, wrong_subject
from service.records import Passage

COMBINED = 4
"""Windows of each of two passages that are combined."""

ADDED_CLAUSE = 0.8
"""Factor of the score of a sentence with a clause that has no word of the source."""

LEAST_COVERAGE = 0.6
"""Lowest coverage of a verified sentence, however similar it is to its source."""

LONGEST_WINDOW = 3
"""Sentences of the longest window."""

ANTECEDENTS = 2
"""Sentences before a window that may name the referents of its pronouns."""

_REFERS_BACK = re.compile(
    r"^\W*(?:the|this|that|these|those|his|her|their|its|both|neither)\b|\b(?:he|she|they|it|him|her|them|his|their)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Window:
    """One to three sentences of a passage: their words and places, and the words of the sentences before them.

    The text is without markup: the number of a note, or one in the address of a link, is not a statement.
    """

    text: str
    before: str
    published: tuple[date, ...]
    stems: frozenset[str]
    spans: tuple[tuple[Passage, Span], ...]

    @property
    def with_antecedents(self) -> str:
        """The text; after the sentences before it if it has a pronoun or begins with a definite noun."""
        return f"{self.before} {self.text}" if self.before and _REFERS_BACK.search(self.text) else self.text

    def joined_with(self, other: "Window") -> "Window":
        """Return two windows as one source, for a sentence with two markers."""
        return Window(
            f"{self.text} {other.text}",
            f"{self.before} {other.before}".strip(),
            self.published + other.published,
            self.stems | other.stems,
            self.spans + other.spans,
        )


@dataclass(frozen=True, slots=True)
class Claim:
    """The parts of a sentence that can be verified, parsed once for many windows.

    `stems` are those of its content words; `wanted` adds its figures.
    """

    text: str
    dates: tuple[Date, ...]
    numbers: tuple[Number, ...]
    names: tuple[Name, ...]
    stems: frozenset[str]
    wanted: frozenset[str]

    @classmethod
    def of(cls, text: str, is_word: Callable[[str], bool]) -> "Claim":
        """Parse a sentence; `is_word` returns whether its first word is an ordinary one."""
        dates, rest = find_dates(text)
        names = find_names(text, is_word)
        tokens = {name.token for name in names}
        words = [word for word in words_of(rest) if plain(word) not in tokens and not any(map(str.isdigit, word))]
        stems = frozenset(english().terms.of(" ".join(words)))
        figures = frozenset(term for term in english().terms.of(text) if term[0].isdigit())
        return cls(text, tuple(dates), tuple(find_numbers(rest)), tuple(names), stems, stems | figures)

    @property
    def is_empty(self) -> bool:
        """True for a sentence of stop words and signs, which no source could state."""
        return not (self.dates or self.numbers or self.names or self.wanted)

    def coverage(self, window: Window) -> float:
        """Return the share of the content words (not names or numbers) that a window has; 1 without content words."""
        if not self.stems:
            return 1.0
        return len(self.stems & window.stems) / len(self.stems)

    def has_unsupported_clause(self, window: Window) -> bool:
        """Return whether a clause of two content words or more has none of them in a window, so that it was added."""
        return has_unsupported_clause(self.text, self.stems, window.stems)

    def goes_beyond(self, window: Window) -> bool:
        """Return whether the sentence says more than a window, so that it is partial at best."""
        return (
            self.coverage(window) < LEAST_COVERAGE
            or adds_content(self.text, self.stems, window.stems)
            or adds_negation(self.text, window.text)
            or differs_in_contrast(self.text, window.text)
        )

    def contradiction(self, window: Window) -> str | None:
        """Return why a window does not support the sentence, or None if it states everything, of the same things."""
        return next(self._contradictions(window), None)

    def _contradictions(self, window: Window) -> Iterator[str]:
        dated = find_dates(window.text)
        years = [Number(float(found.year), None, str(found.year)) for found in dated.dates if found.year]
        if missing_number(list(self.numbers), find_numbers(dated.rest) + years):
            yield "number_not_in_source"
        if missing_date(self.dates, window.text, window.published):
            yield "date_not_in_source"
        source = window.with_antecedents
        if missing_name(self.names, source):
            yield "name_not_in_source"
        if misplaced_figure(self.text, window.text) is not None:
            yield "number_differs"
        if contradicted_word(self.text, window.text) or has_opposite_contrast(self.text, window.text):
            yield "negation_differs"
        if (
            misattributed(self.text, source)
            or wrong_speaker(self.text, source)
            or swapped_roles(self.text, window.text)
            or wrong_subject(self.text, source)
        ):
            yield "speaker_differs"


def support_score(coverage: float, similarity: float, *, added: bool = False) -> float:
    """Return the mean of coverage and similarity, in [0, 1], to three digits; less with an added clause."""
    mean = (coverage + max(similarity, 0.0)) / 2
    return round(max(0.0, min(1.0, mean * (ADDED_CLAUSE if added else 1.0))), 3)


def candidates(claim: Claim, passages: Sequence[Passage]) -> list[Window]:
    """Return the windows of all passages, and of pairs of them, by coverage (the best first), then by length."""
    by_passage = [sorted(windows(passage, claim.wanted), key=lambda w: _order(claim, w)) for passage in passages]
    found = [window for listed in by_passage for window in listed]
    for number, listed in enumerate(by_passage):
        for other in by_passage[number + 1 :]:
            found += [one.joined_with(two) for one in listed[:COMBINED] for two in other[:COMBINED]]
    return sorted(found, key=lambda w: _order(claim, w))


def _order(claim: Claim, window: Window) -> tuple[float, int]:
    return (-len(claim.wanted & window.stems), len(window.text))


def ordinary_word(passages: Sequence[Passage]) -> "OrdinaryWord":
    """Return the test of first words for sentences that cite these passages."""
    return OrdinaryWord(frozenset(stem for passage in passages for stem in _lower_stems(passage.chunk.text)))


@dataclass(frozen=True, slots=True)
class OrdinaryWord:
    """A test whether the first word of a sentence is an ordinary word: the passages write it without a capital."""

    stems: frozenset[str]

    def __call__(self, word: str) -> bool:
        return word in english().starters or any(stem in self.stems for stem in english().terms.of(word))


def _lower_stems(text: str) -> list[str]:
    return english().terms.of(" ".join(word for word in text.split() if word[:1].islower()))


def windows(passage: Passage, wanted: Collection[str]) -> Iterator[Window]:
    """Yield the windows of a passage, the shortest first, whose sentences each have a wanted stem of their own.

    A sentence without one would only add its names to the statement of another sentence.
    """
    text = passage.chunk.text
    sentences = sentence_spans(text)
    stems = [frozenset(english().terms.of(readable(text[s.start : s.end]))) for s in sentences]
    for length in range(1, LONGEST_WINDOW + 1):
        for first in range(len(sentences) - length + 1):
            within = range(first, first + length)
            if length == 1 or all(_has_its_own(at, within, stems, wanted) for at in within):
                start, end = sentences[first].start, sentences[first + length - 1].end
                yield Window(
                    text=readable(text[start:end]),
                    before=readable(text[sentences[max(0, first - ANTECEDENTS)].start : start]).strip(),
                    published=(passage.article.published_at.date(),) if passage.article.published_at else (),
                    stems=frozenset().union(*(stems[at] for at in within)),
                    spans=((passage, Span(start, end)),),
                )


def _has_its_own(at: int, within: Sequence[int], stems: Sequence[frozenset[str]], wanted: Collection[str]) -> bool:
    others = frozenset().union(*(stems[other] for other in within if other != at))
    return any(stem in wanted for stem in stems[at] - others)
