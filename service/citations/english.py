"""The English words that the support check knows, read once from `english.json`."""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import cache
from itertools import product
from pathlib import Path

from index.lexical import Terms

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’.-][^\W_]+)*%?")


@dataclass(frozen=True, slots=True)
class English:
    """Word lists in the form in which they are searched, as words or as stems by their names."""

    demonyms: dict[str, str]
    phrases: tuple[tuple[re.Pattern[str], str], ...]
    irregular: dict[str, str]
    titles: frozenset[str]
    reporting: frozenset[str]
    hedges: frozenset[str]
    starters: frozenset[str]
    limits: dict[str, str]
    joints: frozenset[str]
    borders: frozenset[str]
    turning: dict[str, str]
    contrasts: dict[str, str]
    kinds: dict[str, str]
    opposites: dict[str, frozenset[str]]
    said: frozenset[str]
    openers: frozenset[str]
    values: dict[str, float]
    """The numbers that words mean, ordinals among them."""
    multiples: dict[str, float]
    magnitudes: dict[str, float]
    parts: dict[str, float]
    """Divisors of a number of parts: two thirds, one quarter."""
    shares: dict[str, str]
    """The part that is one in a number: a third for three."""
    units: dict[str, str]
    """The unit that a word or sign means."""
    terms: Terms


@cache
def english() -> English:
    """Return the word lists, read from the file at the first call."""
    lists = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    terms = Terms("english")
    irregular = {form: base for base, forms in lists["irregular"].items() for form in forms.split()}
    limits, turning, alike = (_by_word(lists[name]) for name in ("limits", "turning", "alike"))
    return English(
        demonyms=lists["demonyms"],
        phrases=_phrases(lists["phrases"]),
        irregular=irregular,
        limits=limits,
        turning=turning,
        contrasts=turning
        | {word: alike.get(limit, limit) for word, limit in limits.items()}
        | dict.fromkeys(lists["contrary"], "not"),
        kinds=_by_word(lists["kinds"]),
        opposites=_opposites(
            lists["opposites"], lambda word: limits.get(word) or stem(irregular.get(word, word), terms)
        ),
        units={word: unit for unit, words in lists["units"].items() for word in words.split()},
        terms=terms,
        values=lists["values"],
        multiples=lists["multiples"],
        magnitudes=lists["magnitudes"],
        parts=lists["parts"],
        shares=lists["shares"],
        **{
            name: frozenset(lists[name])
            for name in "titles reporting hedges starters joints borders said openers".split()
        },
    )


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are written: abbreviations, hyphenated words and numbers whole."""
    return _WORD.findall(text)


def stem(word: str, terms: Terms) -> str:
    """Return the stem of one word, stop word or not."""
    return (terms.of(word) or [word.lower()])[0]  # a stop word is its own stem


def _by_word(lists: dict[str, list[str]]) -> dict[str, str]:
    """Return the name of its list for each word."""
    return {word: name for name, words in lists.items() for word in words}


def _opposites(lines: Iterable[str], form: Callable[[str], str]) -> dict[str, frozenset[str]]:
    """Return the compared forms of the opposites of each word."""
    found: dict[str, set[str]] = defaultdict(set)
    for line in lines:
        ones, others = ([form(word) for word in side.split()] for side in line.split("/"))
        for one, other in product(ones, others):
            found[one].add(other)
            found[other].add(one)
    return {word: frozenset(words) for word, words in found.items()}


def _phrases(replacements: dict[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return phrases as patterns with their replacements, the longest first."""
    longest_first = sorted(replacements.items(), key=lambda pair: -len(pair[0]))
    return tuple(
        (re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE), word) for phrase, word in longest_first
    )
