"""Compare the claims of a sentence with windows of its source.

A claim is the dates, numbers, names and content words of a sentence. A window is one to three sentences of a passage,
which are compared with a claim.
"""

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from index.markup import readable
from index.records import Span
from index.text import Sentence, sentence_spans
from service.citations.dates import Date, DatedText, find_dates, missing_date
from service.citations.english import english, words_of
from service.citations.names import Name, find_names, has_another_speaker, missing_name, plain
from service.citations.numbers import Number, can_be_worked_out, find_numbers, missing_number
from service.citations.wording import Comparison, compare, same_wording
from service.records import Passage

COMBINED = 4
"""Windows of each of two passages that are combined."""

LONGEST_WINDOW = 3
"""Sentences of the longest window."""

SHORTEST_QUOTE = 8
"""Letters and digits of the shortest quote that is searched for: a shorter one stands anywhere."""

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

    def absent(self, passages: Sequence[Passage]) -> str | None:
        """Return the reason for which passages can't support the sentence, or None if they have all of its facts.

        A number may follow from theirs by arithmetic, a date from their dates of publication; a name may be in a title.
        """
        text = " ".join(readable(passage.chunk.text) for passage in passages)
        dated = find_dates(text)
        years = [found.year for found in dated.dates if found.year]
        stated = _stated(dated)
        unknown = (number for number in self.numbers if missing_number([number], stated))
        if not all(can_be_worked_out(number, find_numbers(dated.rest), years) for number in unknown):
            return "number_not_in_source"
        if missing_date(self.dates, text, published(passages)):
            return "date_not_in_source"
        titles = " ".join(passage.article.title or "" for passage in passages)
        return "name_not_in_source" if missing_name(self.names, f"{titles} {text}") else None

    def compared_with(self, window: Window) -> Comparison:
        """Return what a window keeps of the sentence, and what it lacks or says otherwise."""
        source = window.with_antecedents
        differs = {
            "speaker": has_another_speaker(self.text, source),
            "date": missing_date(self.dates, source, window.published),
            "name": missing_name(self.names, window.text),
            "referent": missing_name(self.names, source),
        }
        kept, differences = compare(self.text, window.text)
        return Comparison(kept, differences | {kind: 1.0 for kind, found in differs.items() if found})

    def is_said_by(self, window: Window) -> bool:
        """Return whether a window says the sentence in the same words, with its numbers, dates, names and speaker."""
        return (
            same_wording(self.text, window.text)
            and not missing_number(self.numbers, _stated(find_dates(window.text)))
            and not missing_date(self.dates, window.text, window.published)
            and not missing_name(self.names, window.with_antecedents)
            and not has_another_speaker(self.text, window.with_antecedents)
        )


def _stated(dated: DatedText) -> list[Number]:
    """Return the numbers of a text and the years of its dates."""
    years = (found.year for found in dated.dates if found.year)
    return [*find_numbers(dated.rest), *(Number(float(year), None, str(year)) for year in years)]


def published(passages: Iterable[Passage]) -> tuple[date, ...]:
    """Return the days on which passages were published, where they are known."""
    return tuple(each.article.published_at.date() for each in passages if each.article.published_at)


def support_score(coverage: float, similarity: float) -> float:
    """Return the mean of coverage and similarity, in [0, 1], to three digits."""
    return round(max(0.0, min(1.0, (coverage + max(similarity, 0.0)) / 2)), 3)


def quoted(passages: Sequence[Passage], quotes: Iterable[tuple[str, str]]) -> list[Window]:
    """Return the windows of quotes (pairs of a passage's key and its words); those of two passages are combined."""
    keys = {passage.key: passage for passage in passages}
    by_passage: dict[str, list[Window]] = {}
    for key, words in quotes:
        found = windows_of_quote(keys[key], words) if key in keys else []
        by_passage[key] = [*by_passage.get(key, []), *found]
    first, *others = [listed for listed in by_passage.values() if listed] or [[]]
    for listed in others:
        first = [one.joined_with(other) for one in first[:COMBINED] for other in listed[:COMBINED]]
    return first


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


def ordinary_word(passages: Sequence[Passage]) -> Callable[[str], bool]:
    """Return the test whether a sentence's first word is an ordinary one: the passages write it without a capital."""
    words = (word for passage in passages for word in passage.chunk.text.split())
    stems = frozenset(english().terms.of(" ".join(word for word in words if word[:1].islower())))
    return lambda word: word in english().starters or not stems.isdisjoint(english().terms.of(word))


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
                yield _window(passage, sentences, within)


def windows_of_quote(passage: Passage, quote: str) -> list[Window]:
    """Return the window of each place where a passage has the words of a quote: the sentences with these words."""
    pattern = pattern_of(quote)
    if pattern is None:
        return []
    sentences = sentence_spans(passage.chunk.text)
    found = []
    for match in pattern.finditer(passage.chunk.text):
        within = [at for at, s in enumerate(sentences) if s.end > match.start() and s.start < match.end()]
        if within:
            found.append(_window(passage, sentences, range(within[0], within[-1] + 1)))
    return found


def pattern_of(quote: str) -> re.Pattern[str] | None:
    """Return the pattern of the words of a quote, or None if it is too short to be searched for.

    White space, case, punctuation and markup between the words may differ.
    """
    words = re.findall(r"\w+", quote)
    if len("".join(words)) < SHORTEST_QUOTE:
        return None
    return re.compile(r"(?<!\w)" + r"[\W_]+".join(map(re.escape, words)) + r"(?!\w)", re.IGNORECASE)


def _window(passage: Passage, sentences: Sequence[Sentence], within: range) -> Window:
    text = passage.chunk.text
    start, end = sentences[within[0]].start, sentences[within[-1]].end
    return Window(
        text=readable(text[start:end]),
        before=readable(text[sentences[max(0, within[0] - ANTECEDENTS)].start : start]).strip(),
        published=published([passage]),
        stems=frozenset(english().terms.of(readable(text[start:end]))),
        spans=((passage, Span(start, end)),),
    )


def _has_its_own(at: int, within: Sequence[int], stems: Sequence[frozenset[str]], wanted: Collection[str]) -> bool:
    others = frozenset().union(*(stems[other] for other in within if other != at))
    return any(stem in wanted for stem in stems[at] - others)
