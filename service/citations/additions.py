"""What a claim adds to its source: clauses, asides and endings that have no word of it, and negations."""

import re
from collections.abc import Collection, Iterator

from service.citations.english import english, words_of

_CLAUSE = re.compile(r"[,;:—–()]|\b(?:which|who|that|because|since|after|before|while|but|when|until|so|to)\b")
_ASIDE = re.compile(r"[;:—–()]|\s-\s|\b(?:so|or)\b")
ENDING = 2
"""Content words at the end of a claim that are an addition where its source has none of them."""


def has_bare_clause(text: str, stems: Collection[str], source: frozenset[str]) -> bool:
    """Whether a clause with two or more of these content stems has none of them in the source."""
    return any(len(set(listed)) > 1 and source.isdisjoint(listed) for listed in _clauses(_CLAUSE, text, stems))


def adds(text: str, stems: Collection[str], source: frozenset[str]) -> bool:
    """Whether an aside such as `— call now`, a clause or the end of a claim has no content stem of the source."""
    if has_bare_clause(text, stems, source):
        return True
    if any(listed and source.isdisjoint(listed) for listed in _clauses(_ASIDE, text, stems)):
        return True
    told = [stem for stem in english().terms.of(text) if stem in stems]
    return len(told) > ENDING and source.isdisjoint(told[-ENDING:])


def adds_negation(claim: str, source: str) -> bool:
    """Whether a claim has a negation and its source has none, nor a word such as `refused`."""
    return _negates(claim) and not _negates(source)


def _clauses(border: re.Pattern[str], text: str, stems: Collection[str]) -> Iterator[list[str]]:
    for clause in border.split(text):
        yield [stem for stem in english().terms.of(clause) if stem in stems]


def _negates(text: str) -> bool:
    for phrase, plain in english().negations:  # `no fewer than` is not a negation, `rather than` is one
        text = phrase.sub(plain, text)
    words = {word.lower() for word in words_of(text.replace("’", "'"))}
    return bool(words & (english().negators | english().refusals)) or any(word.endswith("n't") for word in words)
