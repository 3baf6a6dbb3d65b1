"""The English words that the support check knows, read once from `english.json`."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from index.terms import Terms

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W_]+(?:['’.-][^\W_]+)*%?")


Contrasting = tuple[tuple[str, ...], str, str]
"""The words of a phrase, its family and its pole."""


@dataclass(frozen=True, slots=True)
class English:
    """Word lists in the form in which they are searched, as words or as stems by their names."""

    demonyms: dict[str, str]
    phrases: tuple[tuple[re.Pattern[str], str], ...]
    antonym_stems: dict[str, frozenset[str]]
    irregular: dict[str, str]
    negations: tuple[tuple[re.Pattern[str], str], ...]
    negators: frozenset[str]
    refusals: frozenset[str]
    titles: frozenset[str]
    reporting: frozenset[str]
    hedges: frozenset[str]
    directional: frozenset[str]
    directional_stems: frozenset[str]
    starters: frozenset[str]
    times: frozenset[str]
    contrasts: dict[str, tuple[Contrasting, ...]]
    terms: Terms


@cache
def english() -> English:
    """Return the word lists, read from the file at the first call."""
    lists = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    terms = Terms("english")
    irregular = {form: base for base, forms in lists["irregular"].items() for form in forms.split()}
    antonyms: dict[str, set[str]] = {}
    for pair in lists["antonyms"]:
        one, other = (stem(irregular.get(word, word), terms) for word in pair)
        antonyms.setdefault(one, set()).add(other)
        antonyms.setdefault(other, set()).add(one)
    return English(
        demonyms=lists["demonyms"],
        phrases=_phrases(lists["phrases"]),
        negations=_phrases(lists["negations"]),
        directional_stems=frozenset(stem(word, terms) for word in lists["directional"]),
        irregular=irregular,
        antonym_stems={word: frozenset(others) for word, others in antonyms.items()},
        contrasts=_contrasts(lists["contrasts"]),
        terms=terms,
        **{
            name: frozenset(lists[name])
            for name in "negators refusals titles reporting hedges directional starters times".split()
        },
    )


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are written: abbreviations, hyphenated words and numbers whole."""
    return _WORD.findall(text)


def stem(word: str, terms: Terms) -> str:
    """Return the stem of one word, stop word or not."""
    return (terms.of(word) or [word.lower()])[0]  # a stop word is its own stem


def _contrasts(families: dict[str, dict[str, list[str]]]) -> dict[str, tuple[Contrasting, ...]]:
    """Return the phrases of each family by their first word, the longest first."""
    listed = [
        (tuple(phrase.split()), family, pole)
        for family, poles in families.items()
        for pole, phrases in poles.items()
        for phrase in phrases
    ]
    longest_first = sorted(listed, key=lambda phrase: -len(phrase[0]))
    return {word: tuple(each for each in longest_first if each[0][0] == word) for word in {p[0][0] for p in listed}}


def _phrases(replacements: dict[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return phrases as patterns with their replacements, the longest first."""
    longest_first = sorted(replacements.items(), key=lambda pair: -len(pair[0]))
    return tuple(
        (re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE), word) for phrase, word in longest_first
    )
