"""The spelling of a question: the word of the articles that a mistyped word is nearest to.

Only words that articles write in lower case are proposed, so a name is never corrected to another name. A word is
mistyped if it is neither in the articles nor in the vocabulary of the local model (20,000 common words). If two letters
changed places or one is doubled by mistake ("peice", "finaly"), it may also be a common word that no article has.
"""

from collections.abc import Iterable, Iterator

import numpy as np
from numpy.typing import NDArray

from index.embedding.local import load_tokenizer

SHORTEST = 3
SHORT = 4
"""Letters up to which only letters in the wrong order are corrected, and with exactly these a missing one."""

TWO_ERRORS = 9
"""Letters from which on a word may have two errors: in shorter words they more often make a word of its own."""

_ENDINGS = ("s", "es", "d", "ed", "ing", "r", "er", "rs", "ers", "ly")


class Spelling:
    """Words by which a mistyped word is corrected, the most frequent first; safe to share between threads.

    Of `stems`, only those that are common words are proposed: articles may have another form of what was typed.
    """

    def __init__(self, words: Iterable[str], stems: Iterable[str] = ()) -> None:
        listed = dict.fromkeys([*words, *filter(_is_common, stems)])
        self._words = [word for word in listed if len(word) >= SHORTEST]
        self._places = {word: place for place, word in enumerate(self._words)}
        self._lengths = np.array([len(word) for word in self._words], dtype=np.int16)
        self._letters = np.array([_letters(word) for word in self._words], dtype=np.uint64)
        self._starts = np.array([(ord(word[0]), ord(word[1])) for word in self._words], dtype=np.uint32).reshape(-1, 2)

    def corrected(self, word: str) -> str | None:
        """Return the nearest word of the articles, the most frequent of equally near ones; None for a known word.

        Near is one letter more, less, another or two in the wrong order, in long words two of these; the first letter
        is right, or changed places with the second.
        """
        word = word.casefold()
        forms = (word, *_without_endings(word))
        if len(word) < SHORTEST or any(form in self._places or _is_common(form) for form in forms):
            return None
        return self._slip(word) or self._nearest(word)

    def _slip(self, word: str) -> str | None:
        """Return the word of the articles, or else a common one, of which two letters were swapped or one doubled."""
        may_be = [slip for slip in _slips(word) if len(word) > SHORT or len(slip) > SHORT or len(slip) == len(word)]
        known = min((slip for slip in may_be if slip in self._places), key=self._places.__getitem__, default=None)
        return known or next(filter(_is_common, may_be), None)

    def _nearest(self, word: str) -> str | None:
        """Return the nearest word of the articles."""
        for errors in (1, 2) if len(word) >= TWO_ERRORS else (1,):
            for place in self._alike(word, errors):
                found = self._words[place]
                may_be = len(word) > SHORT or len(found) > SHORT or sorted(word) == sorted(found)
                if may_be and distance(word, found) <= errors:
                    return found
        return None

    def _alike(self, word: str, errors: int) -> list[int]:
        """Return the places of words with nearly this length and these letters."""
        first, second = ord(word[0]), ord(word[1])
        begins = self._starts[:, 0] == first
        begins |= (self._starts[:, 0] == second) & (self._starts[:, 1] == first)
        alike: NDArray[np.bool_] = begins & (np.abs(self._lengths - len(word)) <= errors)
        alike &= np.bitwise_count(self._letters ^ np.uint64(_letters(word))) <= 2 * errors
        return np.flatnonzero(alike).tolist()


def _is_common(word: str) -> bool:
    return load_tokenizer().token_to_id(word) is not None


def _slips(word: str) -> Iterator[str]:
    """Yield a word with two of its letters swapped, with one of two equal letters, or with a letter doubled."""
    for at, letter in enumerate(word):
        following = word[at + 1 : at + 2]
        if following == letter:
            yield word[:at] + word[at + 1 :]
        elif following:
            yield f"{word[:at]}{following}{letter}{word[at + 2 :]}"
    yield from (word[:at] + letter + word[at:] for at, letter in enumerate(word))


def _without_endings(word: str) -> Iterator[str]:
    """Yield what a word of at least four letters could be a form of; no list of words has every form."""
    return (word.removesuffix(ending) for ending in _ENDINGS if word.endswith(ending) and len(word) - len(ending) > 3)


def _letters(word: str) -> int:
    """Return the set of a word's letters as bits; letters far apart in Unicode share a bit."""
    bits = 0
    for letter in word:
        bits |= 1 << ord(letter) % 64
    return bits


def distance(one: str, other: str) -> int:
    """Return the number of errors between two words: a letter more, less, another, or two in the wrong order."""
    before: list[int] = []
    row = list(range(len(other) + 1))
    for at, letter in enumerate(one, 1):
        earlier, before, row = before, row, [at]
        for place, wanted in enumerate(other, 1):
            least = min(before[place] + 1, row[-1] + 1, before[place - 1] + (letter != wanted))
            if at > 1 and place > 1 and letter == other[place - 2] and one[at - 2] == wanted:
                least = min(least, earlier[place - 2] + 1)
            row.append(least)
    return row[-1]
