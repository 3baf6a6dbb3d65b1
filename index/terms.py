"""Terms: the words of a text as the lexical index and the extractive reader compare them.

Lower case, stop words out, stemmed; `U.S.` and `US` are one term, so are `1,200` and `1200`, and a
possessive is its noun.
"""

import re
from collections.abc import Callable, Iterable

from index.unicode import normal_form

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|\d+(?:[.,]\d+)*|[^\W_]+(?:['’][^\W_]+)*")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}\b)")
_DOTTED_I = "i\u0307"  # what lower case makes of the first letter of İzmir
_NOT_STOP_WORDS = frozenset(["won"])  # stands in the list for "won't", but a reader asks who won

STOP_WORD_LISTS = {
    "danish": "STOPWORDS_DANISH",
    "dutch": "STOPWORDS_DUTCH",
    "english": "STOPWORDS_EN_PLUS",
    "french": "STOPWORDS_FRENCH",
    "german": "STOPWORDS_GERMAN",
    "italian": "STOPWORDS_ITALIAN",
    "norwegian": "STOPWORDS_NORWEGIAN",
    "portuguese": "STOPWORDS_PORTUGUESE",
    "russian": "STOPWORDS_RUSSIAN",
    "spanish": "STOPWORDS_SPANISH",
    "swedish": "STOPWORDS_SWEDISH",
    "turkish": "STOPWORDS_TURKISH",
}


class Terms:
    """Texts to terms in one language (a Snowball stemmer's name); safe to share between threads."""

    def __init__(self, language: str) -> None:
        self.language = language
        self.stop_words = stop_words(language)
        self._stem = _stemmer(language)

    def of(self, text: str) -> list[str]:
        """The terms of a text, in order, repeats kept."""
        return [self._stem(word) for word in words(text) if word not in self.stop_words]


def words(text: str) -> list[str]:
    """The words of a text in lower case: possessives cut, abbreviations and numbers in one form."""
    plain = normal_form("NFKC", text).casefold().replace(_DOTTED_I, "i")
    return [_plain(word) for word in _WORD.findall(plain)]


def stop_words(language: str) -> frozenset[str]:
    """The stop words of a language; empty where bm25s brings no list for it."""
    import bm25s.stopwords

    listed: Iterable[str] = getattr(bm25s.stopwords, STOP_WORD_LISTS.get(language, ""), ())
    return frozenset(listed) - _NOT_STOP_WORDS


def stop_word_list(language: str) -> str:
    """The name of a language's stop word list, as the manifest records it."""
    return f"bm25s.{STOP_WORD_LISTS[language]}" if language in STOP_WORD_LISTS else "none"


def _plain(word: str) -> str:
    if word[0].isdigit():
        return _THOUSANDS.sub("", word)
    if "." in word:
        return word.replace(".", "")
    word = word.replace("’", "'")
    return word.removesuffix("'s") if word.endswith("'s") else word


def _stemmer(language: str) -> Callable[[str], str]:
    import threading

    import Stemmer

    # A Snowball stemmer keeps its state in the object, so each thread has one of its own.
    local = threading.local()

    def stem(word: str) -> str:
        if not hasattr(local, "stemmer"):
            local.stemmer = Stemmer.Stemmer(language)
        stemmed: str = local.stemmer.stemWord(word)
        return stemmed

    return stem
