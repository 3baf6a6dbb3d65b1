"""Does a source say it, or the opposite? Negations, refusals and antonyms on both sides."""

import re
from collections.abc import Sequence

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
    """The content stems of a text: the affirmed, and those in the scope of a negation. A name keeps its capital."""

    def __init__(self, text: str) -> None:
        self.affirmed: set[str] = set()
        self.denied: set[str] = set()
        text = text.replace("n't", " not").replace("n’t", " not").replace("cannot", "can not")
        for phrase, negator in english().negations:
            text = phrase.sub(negator, text)
        for clause in _CLAUSE.split(text):
            self._read(words_of(clause))

    def _read(self, words: Sequence[str]) -> None:
        left = 0
        for at, written in enumerate(words):
            word = written.lower()
            stemmed = stem(english().irregular.get(word, word), english().terms)  # `did not pay` denies `paid`
            if word in english().negators:
                left = SCOPE
            elif stemmed in english().antonym_stems or word not in english().terms.stop_words:
                first = at == 0 and stemmed in english().antonym_stems and all(map(str.islower, words[1:2]))
                common = written.islower() or first  # `Few people`, but not `New Orleans`
                (self.denied if left else self.affirmed).add(stemmed if common else stemmed.capitalize())
                left = SCOPE if word in english().refusals else max(0, left - 1)

    @property
    def all(self) -> set[str]:
        return self.affirmed | self.denied


def _antonym(said: _Polarity, found: _Polarity) -> str | None:
    """A word of the claim that the source lacks while it has its antonym, unless one of the two is negated."""
    for word in sorted(said.affirmed - found.all):
        opposites = english().antonym_stems.get(word, frozenset()) | {f"un{word}", word.removeprefix("un")} - {word}
        if (opposites & found.affirmed) - said.all:
            return word
    return None
