"""The English words that the support check knows, read once from `english.json`."""

import json
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from index.terms import Terms

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
    turning: frozenset[str]
    said: frozenset[str]
    openers: frozenset[str]
    terms: Terms


@cache
def english() -> English:
    """Return the word lists, read from the file at the first call."""
    lists = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    terms = Terms("english")
    irregular = {form: base for base, forms in lists["irregular"].items() for form in forms.split()}
    return English(
        demonyms=lists["demonyms"],
        phrases=_phrases(lists["phrases"]),
        irregular=irregular,
        limits={word: limit for limit, words in lists["limits"].items() for word in words},
        terms=terms,
        **{
            name: frozenset(lists[name])
            for name in "titles reporting hedges starters joints borders turning said openers".split()
        },
    )


def words_of(text: str) -> list[str]:
    """Return the words of a text as they are written: abbreviations, hyphenated words and numbers whole."""
    return _WORD.findall(text)


def stem(word: str, terms: Terms) -> str:
    """Return the stem of one word, stop word or not."""
    return (terms.of(word) or [word.lower()])[0]  # a stop word is its own stem


def _phrases(replacements: dict[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    """Return phrases as patterns with their replacements, the longest first."""
    longest_first = sorted(replacements.items(), key=lambda pair: -len(pair[0]))
    return tuple(
        (re.compile(rf"(?<!\w){re.escape(phrase)}(?!\w)", re.IGNORECASE), word) for phrase, word in longest_first
    )
