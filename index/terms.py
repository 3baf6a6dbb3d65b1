"""Text in the forms in which it is compared: Unicode normal forms, words, and the terms of the lexical index.

Terms are lower case and stemmed, without stop words; `U.S.` and `US` are one term, so are `1,200` and `1200`, `Müller`
and `Muller`, `£5` and `5 pounds`, and a possessive is its noun.
"""

import re
import threading
import unicodedata
from collections.abc import Iterable
from functools import cache
from typing import Literal

Form = Literal["NFC", "NFKC", "NFKD"]

MOST_MARKS = 30
"""Combining marks kept on one letter, as in the Stream-Safe Text Format of UAX #15; no language writes as many."""

_FIRST_MARK, _END_OF_MARKS = 0x300, 0x20000
_MAY_BE_LONG = re.compile(f"[{chr(_FIRST_MARK)}-{chr(_END_OF_MARKS - 1)}]{{{MOST_MARKS + 1}}}")
_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\d+(?:[.,]\d+)*|[^\W_]+(?:['’][^\W_]+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_DOTTED_I = "i\u0307"  # lower case of the first letter of İzmir
_ACCENTS = re.compile("[\u0300-\u036f'’]")  # marks of Latin, Greek and Cyrillic: in other scripts marks make the word
_PLAIN_LETTERS = str.maketrans(
    {"ø": "o", "ł": "l", "đ": "d", "ð": "d", "ħ": "h", "ŧ": "t", "ı": "i", "æ": "ae", "œ": "oe", "þ": "th"}
)
_NUMBER_PARTS = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b|(?<=\d)[\u00a0\u2009\u202f](?=\d{3}(?!\d))")
_SIGNS = str.maketrans({"£": " pounds ", "€": " euros ", "$": " dollars ", "%": " percent "})
_NOT_STOP_WORDS = frozenset(["won"])  # in the list for "won't", but readers ask who won

_LANGUAGES = "danish dutch french german italian norwegian portuguese russian spanish swedish turkish".split()
STOP_WORD_LISTS = {"english": "STOPWORDS_EN_PLUS", **{each: f"STOPWORDS_{each.upper()}" for each in _LANGUAGES}}


def normal_form(form: Form, text: str) -> str:
    """Return a text in a normalisation form, with at most MOST_MARKS combining marks in a row.

    The only caller of `unicodedata.normalize`: sorting a run of marks takes quadratic time, hours for the largest
    article (issue 9), so a run is cut first.
    """
    if text.isascii():
        return text
    # Some marks become two when they are normalised.
    return _cut(unicodedata.normalize(form, _cut(text)))


def _cut(text: str) -> str:
    """Return a text with at most MOST_MARKS combining marks in a row."""
    # The range of the marks is searched forty times faster than the marks, and few texts need more.
    return _long_runs().sub(r"\1", text) if _MAY_BE_LONG.search(text) else text


def without_accents(text: str) -> str:
    """Return a text in NFKD without its combining marks."""
    return "".join(char for char in normal_form("NFKD", text) if not unicodedata.combining(char))


def folded(word: str) -> str:
    """Return a word in lower case as it is typed without accents, apostrophes and letters of other keyboards."""
    if word.isascii() and "'" not in word:
        return word
    return _ACCENTS.sub("", normal_form("NFKD", word)).translate(_PLAIN_LETTERS)


def words(text: str) -> list[str]:
    """Return the words of a text in lower case: possessives cut, abbreviations and numbers in one form."""
    found: list[str] = []
    for word in _WORD.findall(normal_form("NFKC", text).casefold().replace(_DOTTED_I, "i")):
        if word[0].isdigit():
            found.append(_THOUSANDS.sub("", word))
        elif "." in word:
            found.append(word.replace(".", ""))
        else:
            found.append(word.replace("’", "'").removesuffix("'s"))
    return found


class Terms:
    """The terms of texts in one language (a Snowball stemmer's name); safe to share between threads."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.stop_words = stop_words(language)
        self._local = _Stemmer(language)

    def of(self, text: str) -> list[str]:
        """Return the terms of a text, in order, with repeats."""
        found = words(_NUMBER_PARTS.sub("", text).translate(_SIGNS))
        stemmed: list[str] = self._local.stemmer.stemWords([word for word in found if word not in self.stop_words])
        return [folded(term) for term in stemmed]


class _Stemmer(threading.local):
    """One Snowball stemmer a thread, because a stemmer keeps its state in the object."""

    def __init__(self, language: str) -> None:
        import Stemmer

        self.stemmer = Stemmer.Stemmer(language)


def stop_words(language: str) -> frozenset[str]:
    """Return the stop words of a language; empty if bm25s has no list for it."""
    import bm25s.stopwords

    listed: Iterable[str] = getattr(bm25s.stopwords, STOP_WORD_LISTS.get(language, ""), ())
    return frozenset(listed) - _NOT_STOP_WORDS


def stop_word_list(language: str) -> str:
    """Return the name of a language's stop word list, as recorded in the manifest."""
    return f"bm25s.{STOP_WORD_LISTS[language]}" if language in STOP_WORD_LISTS else "none"


@cache
def _long_runs() -> re.Pattern[str]:
    # Some letters, such as U+FF9E, are not marks but begin with one in NFKD.
    marks = "".join(
        char
        for char in map(chr, range(_FIRST_MARK, _END_OF_MARKS))
        if unicodedata.combining(unicodedata.normalize("NFKD", char)[0])
    )
    return re.compile(f"([{marks}]{{{MOST_MARKS}}})[{marks}]+")
