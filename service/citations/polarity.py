"""Does a source say it, or the opposite? Negations, refusals and antonyms on both sides."""

import re
from collections.abc import Iterable

from service.citations.english import english, stem, words_of

SCOPE = 3
"""How many content words behind a negation are taken to be negated."""

_CLAUSE = re.compile(
    r"[,;:.!?—–()\"“”]|\b(?:but|while|although|though|whereas|because|after|before|when|until|unless)\b"
)


def opposite(claim: str, source: str) -> str | None:
    """The word on which claim and source disagree, or None where they do not."""
    said, found = _Polarity(claim), _Polarity(source)
    for word in sorted(said.denied & found.affirmed - found.denied):
        return word
    for word in sorted(said.affirmed & found.denied - found.affirmed - said.denied):
        return word
    return _antonym(said, found)


class _Polarity:
    """The content stems of a text, names and numbers left out: the affirmed, and those in the scope of a negation."""

    def __init__(self, text: str) -> None:
        self.affirmed: set[str] = set()
        self.denied: set[str] = set()
        text = text.replace("n't", " not").replace("n’t", " not").replace("cannot", "can not")
        for phrase, negator in english().negations:
            text = phrase.sub(negator, text)
        for clause in _CLAUSE.split(text):
            self._read(words_of(clause))

    def _read(self, words: Iterable[str]) -> None:
        left = 0
        for written in words:
            word = written.lower()
            stemmed = stem(word, english().terms)
            if word in english().negators:
                left = SCOPE
            elif stemmed in english().antonym_stems or word not in english().terms.stop_words:
                if written.islower():
                    (self.denied if left else self.affirmed).add(stemmed)
                left = SCOPE if word in english().refusals else max(0, left - 1)

    @property
    def all(self) -> set[str]:
        return self.affirmed | self.denied


def _antonym(said: _Polarity, found: _Polarity) -> str | None:
    """A word of the claim that the source lacks while it has its antonym, unless one of the two is negated."""
    for word in sorted(said.affirmed - found.all):
        for other in english().antonym_stems.get(word, ()):
            if other in found.affirmed and other not in said.all:
                return word
    return None
