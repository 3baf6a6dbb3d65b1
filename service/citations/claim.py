"""A sentence as claims that can be checked: its dates, numbers, names and content words, and what it says of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from service.citations.additions import adds, adds_negation, has_bare_clause
from service.citations.attribution import lent_words
from service.citations.contrasts import opposed, unlike
from service.citations.counts import figure_of_another
from service.citations.dates import Date, find_dates, missing_date
from service.citations.english import english, words_of
from service.citations.names import Name, find_names, missing_name, plain
from service.citations.numbers import Number, find_numbers, missing_number
from service.citations.polarity import opposite
from service.citations.roles import other_subject, swapped_roles
from service.citations.speakers import other_speaker
from service.citations.window import Window

LEAST_COVERAGE = 0.6
"""Share of the content words of a verified sentence that its source has, however similar the two are."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a sentence says, taken apart once and compared with many windows of text.

    `stems` are those of its content words; `wanted` are these and its figures: what a source should have.
    """

    text: str
    dates: tuple[Date, ...]
    numbers: tuple[Number, ...]
    names: tuple[Name, ...]
    stems: frozenset[str]
    wanted: frozenset[str]

    @classmethod
    def of(cls, text: str, is_word: Callable[[str], bool]) -> "Claim":
        """Take a sentence apart; `is_word` tells whether a sentence's first word is an ordinary one."""
        dates, rest = find_dates(text)
        names = find_names(text, is_word)
        tokens = {name.token for name in names}
        words = [word for word in words_of(rest) if plain(word) not in tokens and not any(map(str.isdigit, word))]
        stems = frozenset(english().terms.of(" ".join(words)))
        figures = frozenset(term for term in english().terms.of(text) if term[0].isdigit())
        return cls(text, tuple(dates), tuple(find_numbers(rest)), tuple(names), stems, stems | figures)

    @property
    def is_empty(self) -> bool:
        """Whether nothing is said that a source could state: stop words and signs alone."""
        return not (self.dates or self.numbers or self.names or self.wanted)

    def coverage(self, window: Window) -> float:
        """The share of the content words, names and numbers left out, that a window has; 1 where there are none."""
        if not self.stems:
            return 1.0
        return len(self.stems & window.stems) / len(self.stems)

    def bare_clause(self, window: Window) -> bool:
        """Whether a clause of two content words or more has none of them in a window: something was added."""
        return has_bare_clause(self.text, self.stems, window.stems)

    def goes_beyond(self, window: Window) -> bool:
        """Whether this has something that a window leaves open, so that it must not pass for verified."""
        return (
            self.coverage(window) < LEAST_COVERAGE
            or adds(self.text, self.stems, window.stems)
            or adds_negation(self.text, window.text)
            or unlike(self.text, window.text)
        )

    def contradiction(self, window: Window) -> str | None:
        """Why a window does not bear this out, or None: what is stated must all be there, and said of the same."""
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
        if figure_of_another(self.text, window.text) is not None:
            yield "number_differs"
        if opposite(self.text, window.text) or opposed(self.text, window.text):
            yield "negation_differs"
        if (
            lent_words(self.text, source)
            or other_speaker(self.text, source)
            or swapped_roles(self.text, window.text)
            or other_subject(self.text, source)
        ):
            yield "speaker_differs"
