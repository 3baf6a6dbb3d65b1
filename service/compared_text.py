"""A sentence or a paragraph with what is compared of it: stems, names, numbers, and what it denies.

The word lists are in `compared_text.json`, in English and German; stems and numbers are found as in English.
"""

import json
import re
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import NamedTuple

from index.records import Span
from service.citations.dates import find_dates
from service.citations.english import english, stem
from service.citations.numbers import Number, with_numbers

WORDS = 8192
"""Words whose stem is kept."""

CLAUSE = re.compile(r"[,;:.!?—–](?!\d)")
"""The end of a clause."""

NOWHERE = Span(0, 0)

_LETTERS = re.compile(r"[^\W\d_]{2,}")
_INNER_CAPITAL = re.compile(r"(?<=[^.!?\n][ \u00a0-])[A-ZÄÖÜ][^\W\d_]+")


class Quantity(NamedTuple):
    """A number with the stems of the two words behind it, which say what is counted."""

    number: Number
    nouns: frozenset[str]


@dataclass(frozen=True)
class Text:
    """A sentence or a paragraph with what is compared of it, each part found when it is first needed.

    `before` is the sentence before it, if it has a pronoun for what is counted.
    """

    text: str
    span: Span = NOWHERE
    before: str = ""

    @cached_property
    def stems(self) -> frozenset[str]:
        """Return the stems of its words; numbers and stop words are left out."""
        return frozenset(_stem(word) for word in _LETTERS.findall(self.text) if not _is_idle(word))

    @cached_property
    def names(self) -> frozenset[str]:
        """Return the stems that are written with a capital inside of a sentence."""
        return frozenset(_stem(word) for word in _INNER_CAPITAL.findall(self.text))

    @cached_property
    def quantities(self) -> list[Quantity]:
        """Return its numbers but for dates and times of day."""
        return _quantities(find_dates(self.text).rest)

    @cached_property
    def denied(self) -> "Text":
        """Return the clauses behind a word of denial."""
        return Text(" ; ".join(self.text[start:end] for start, end in self._denials))

    @cached_property
    def affirmed(self) -> "Text":
        """Return the text without the clauses behind a word of denial."""
        text = self.text
        for start, end in reversed(self._denials):
            text = f"{text[:start]} ; {text[end:]}"
        return Text(text, self.span)

    @cached_property
    def unreported(self) -> "Text":
        """Return the text without the clauses that speak of a report."""
        return Text(" ; ".join(clause for clause in CLAUSE.split(self.text) if not has("reports", clause)), self.span)

    @cached_property
    def is_negative(self) -> bool:
        """Return whether it has a negation."""
        return denies(self.text)

    @cached_property
    def _denials(self) -> list[Span]:
        found: list[Span] = []
        for denial in _pattern("denials").finditer(self.text):
            if not found or denial.start() >= found[-1].end:
                stop = CLAUSE.search(self.text, denial.end())
                found.append(Span(denial.end(), stop.start() if stop else len(self.text)))
        return found


def denies(text: str) -> bool:
    """Return whether a text has a negation."""
    return has("negations", text) or "n't" in text or "n’t" in text


def _quantities(text: str) -> list[Quantity]:
    tokens = list(with_numbers(text))
    found: list[Quantity] = []
    for at, token in enumerate(tokens):
        # Not a time of day, nor a score such as 2–0.
        is_joined = "–" in tokens[max(0, at - 1) : at + 2]
        if isinstance(token, Number) and ":" not in token.text and token.unit not in ("am", "pm") and not is_joined:
            behind: list[str] = []
            for following in tokens[at + 1 : at + 3]:
                if not isinstance(following, str) or not following[0].isalpha() or _is_idle(following):
                    break
                behind.append(_stem(following))
            found.append(Quantity(token, frozenset(behind)))
    return found


@cache
def _lists() -> dict[str, list[str]]:
    lists: dict[str, list[str]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return lists


@cache
def _pattern(name: str) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, _lists()[name]))})(?!\w)", re.IGNORECASE)


def has(name: str, text: str) -> bool:
    """Return whether a text has a word or phrase of a list."""
    return bool(_pattern(name).search(text))


@cache
def stems_of(name: str) -> frozenset[str]:
    """Return the stems of the words of a list."""
    return frozenset(map(_stem, _lists()[name]))


@cache
def units() -> frozenset[str]:
    """Return the stems of the words for units."""
    return frozenset(_stem(word) for word in english().units if word.isalpha())


@lru_cache(maxsize=WORDS)
def _stem(word: str) -> str:
    return stem(english().irregular.get(word.casefold(), word), english().terms)


def _is_idle(word: str) -> bool:
    """Return whether a word is a stop word or a number."""
    folded, known = word.casefold(), english()
    return folded in known.terms.stop_words or folded in known.magnitudes or folded in known.values
