"""The words of a language by which details are compared: concepts, scopes, states, units, read from `lexicon.json`."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter

from index.lexical import Terms
from service.citations.dates import WEEKDAYS
from service.citations.english import english, stem

Phrases = Annotated[list[tuple[str, ...]], BeforeValidator(lambda text: [tuple(p.split("+")) for p in text.split()])]
"""Words and phrases; in the file one string, the words of a phrase joined by `+`."""
Listed = Annotated[frozenset[str], BeforeValidator(lambda text: frozenset(text.split()))]
Ordered = Annotated[list[str], BeforeValidator(str.split)]

Table = dict[str, list[tuple[tuple[str, ...], str]]]
"""Phrases with the name of their list, by first word, the longest first."""

GERMAN_WEEKDAYS = "montag dienstag mittwoch donnerstag freitag samstag sonntag".split()
CALENDAR = frozenset([*WEEKDAYS, *GERMAN_WEEKDAYS])


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a language by which details are compared."""

    concepts: dict[str, Phrases]
    measures: Listed
    roles: dict[str, Phrases]
    """The fate of the people who are counted: dead, injured, rescued."""
    growing: Listed
    scopes: dict[str, Phrases]
    """Limits of a value: planned, women, per year."""
    near: Listed
    """Prepositions before a place."""
    places: Listed
    """Nouns of places without a name: in the town hall, on the pier."""
    negations: Listed
    ignored: Listed
    states: dict[str, dict[str, Phrases]]
    order: Listed
    """States that become one another in this order."""
    over: Phrases
    under: Phrases
    about: Phrases
    doubts: Phrases
    updates: Phrases
    corrections: Phrases
    reporting: Listed
    numbers: dict[str, float]
    units: dict[str, str]
    months: Ordered
    labels: dict[str, str]
    """Names of measures, units and kinds of values in a topic."""


class Lexicon:
    """The words of one language, with its stemmer, in the forms in which they are looked up."""

    def __init__(self, name: str, words: Words) -> None:
        self.words = words
        self.terms = Terms(name)
        self.is_english = name == "english"
        units = english().units if self.is_english else words.units
        numbers = english().values if self.is_english else words.numbers
        self.ignored = words.ignored | CALENDAR | frozenset([*words.months, *units, *numbers])
        self.concepts = by_phrase(words.concepts)
        self.scopes = by_phrase(words.scopes | words.roles)
        self.states = by_phrase(
            {f"{group}:{state}": phrases for group, states in words.states.items() for state, phrases in states.items()}
        )
        self.hedges = by_phrase({"over": words.over, "under": words.under, "about": words.about})
        self.doubts = by_phrase({"doubt": words.doubts})
        self.updates = by_phrase({"update": words.updates})
        self.corrections = by_phrase({"correction": words.corrections})

    def form(self, word: str) -> str:
        """Return the stem of a word in lower case, empty for a stop word."""
        if word in self.terms.stop_words:
            return ""
        plain = english().irregular.get(word, word) if self.is_english else word
        return stem(plain, self.terms)


def by_phrase(lists: dict[str, Phrases]) -> Table:
    """Return lists of phrases by the first word of each."""
    table: Table = {}
    for name, phrases in lists.items():
        for phrase in phrases:
            table.setdefault(phrase[0], []).append((phrase, name))
    for found in table.values():
        found.sort(key=lambda each: -len(each[0]))
    return table


@cache
def lexicons() -> dict[str, Lexicon]:
    """Return the words of English and German by the code of the language, read from the file at the first call."""
    lists = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    read = TypeAdapter(Words)
    languages = (("en", "english"), ("de", "german"))
    return {code: Lexicon(name, read.validate_python(lists[name])) for code, name in languages}


def listed(words: Sequence[str], table: Table) -> Iterator[tuple[int, int, str]]:
    """Yield the places of listed phrases in words in lower case, with the name of their list."""
    for at, word in enumerate(words):
        for phrase, name in table.get(word, ()):
            if tuple(words[at : at + len(phrase)]) == phrase:
                yield at, at + len(phrase), name
                break
