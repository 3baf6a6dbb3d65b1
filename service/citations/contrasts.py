"""Detect that a claim says the opposite of its source, reverses a relation or adds something.

Negations, refusals and antonyms deny. Before and after, more and less, rise and fall, all and some reverse or limit:
most of these are stop words, and many occur twice in a source, so that each is compared with the place in the source
about the same thing: `prices rose, wages fell` does not support `wages rose`. An addition is a clause, an aside or
an ending without a word of the source.
"""

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.text import sentence_spans
from service.citations.english import english, stem, words_of
from service.citations.numbers import COUNTED_FROM_ONE, UNITS, VALUES

SCOPE = 3
"""Content words after a negation that count as negated."""

_SCOPE_END = re.compile(
    r"[,;:.!?—–()\"“”]|\b(?:but|while|although|though|whereas|because|after|before|when|until|unless)\b"
)

REACH = 3
"""Content words on either side of a contrast that show its subject."""

_WORD = re.compile(r"\d+(?:[.,:]\d+)*|[^\W\d_]+(?:['’-][^\W\d_]+)*|[,;:.!?—–()]")
_STOPS = frozenset(",;:.!?—–()")
_RELATIONS = frozenset(["order", "comparison"])
"""Families whose words stand between two sides: A before B is B after A."""

_NEXT_CLAUSE = frozenset(["and", "but", "while", "as"])

_LIMITS = frozenset(["bound", "comparison", "extent"])
"""Families of words that limit a statement and may not be omitted from it."""

_OTHER_WORDS = frozenset(["change", "sequence"])
"""Families that other words express too: `18 percent fewer` for a fall, the order of sentences for `later`."""

_AS_MUCH_AS = {"over": "more", "under": "less"}
"""Poles of bounds, and the comparisons that mean the same: `at least three`, `three or more`."""

_ADDED_CLAUSE = re.compile(r"[,;:—–()]|\b(?:which|who|that|because|since|after|before|while|but|when|until|so|to)\b")
_ASIDE = re.compile(r"[;:—–()]|\s-\s|\b(?:so|or)\b")
ENDING = 2
"""Last content words of a claim; without any of them in the source, the ending is added."""


def contradicted_word(claim: str, source: str) -> str | None:
    """Return the word on which claim and source disagree, or None."""
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
        for clause in _SCOPE_END.split(text):
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
    """Return a word of the claim of which the source has only the antonym, unless one of the two is negated."""
    for word in sorted(said.affirmed - found.all):
        opposites = english().antonym_stems.get(word, frozenset()) | {f"un{word}", word.removeprefix("un")} - {word}
        if (opposites & found.affirmed) - said.all:
            return word
    return None


@dataclass(frozen=True, slots=True)
class Contrast:
    """A word of contrast: its family and pole, and the stems before and behind it, the nearest first."""

    family: str
    pole: str
    before: tuple[str, ...]
    behind: tuple[str, ...]

    def likeness(self, other: "Contrast") -> tuple[int, bool]:
        """Return how many words this shares with another contrast, and whether their sides are exchanged."""
        straight = _shared(self.before, other.before) + _shared(self.behind, other.behind)
        crossed = _shared(self.before, other.behind), _shared(self.behind, other.before)
        if self.family not in _RELATIONS:
            return max(straight, sum(crossed)), False
        return (sum(crossed), True) if all(crossed) and sum(crossed) > straight else (straight, False)

    def agrees(self, other: "Contrast") -> bool:
        """Return whether both say the same about what they share."""
        return (self.pole == other.pole) != self.likeness(other)[1]


def has_opposite_contrast(claim: str, source: str) -> bool:
    """Return whether a claim has the opposite word of a contrast that its source has about the same thing."""
    stated = find_contrasts(source)
    return any(_is_opposite(said, _counterparts(said, stated)) for said in find_contrasts(claim))


def differs_in_contrast(claim: str, source: str) -> bool:
    """Return whether a claim has a word of contrast that its source lacks, or leaves out one that limits it."""
    said, stated = find_contrasts(claim), find_contrasts(source)
    return any(_is_added(one, source, stated) for one in said) or any(_is_dropped(one, claim, said) for one in stated)


@lru_cache(maxsize=512)
def find_contrasts(text: str) -> tuple[Contrast, ...]:
    """Return the words of contrast of a text, in order; cached, because a claim is compared with many windows."""
    return tuple(
        contrast
        for span in sentence_spans(text, headings=False)
        for contrast in _contrasts_of(_WORD.findall(text[span.start : span.end]))
    )


def _contrasts_of(words: Sequence[str]) -> Iterator[Contrast]:
    lowered = [word.lower() for word in words]
    places = list(_places(lowered))
    for start, end, family, pole in places:
        # Words beyond the next word of the family belong to that one.
        first = max((stop for _, stop, other, _ in places if other == family and stop <= start), default=0)
        last = min((begin for begin, _, other, _ in places if other == family and begin >= end), default=len(words))
        before = tuple(_near(lowered[first:start][::-1], family))
        behind = tuple(_near(lowered[end:last], family, borders=_NEXT_CLAUSE if family == "change" else frozenset()))
        if family in _RELATIONS and not before:
            before = tuple(_near(_beyond_comma(lowered, start, end), family))
        yield Contrast(family, pole, before, behind)


def _places(words: Sequence[str]) -> Iterator[tuple[int, int, str, str]]:
    """Yield the start, end, family and pole of each contrast."""
    at = 0
    while at < len(words):
        found = _matched(words, at)
        if found:
            family, pole, length = found
            yield at, at + length, family, pole
            at += length
        else:
            at += 1


def _matched(words: Sequence[str], at: int) -> tuple[str, str, int] | None:
    """Return the family, pole and length of the contrast that begins at a word, or None."""
    for phrase, family, pole in english().contrasts.get(words[at], ()):
        if tuple(words[at : at + len(phrase)]) == phrase:
            following = words[at + len(phrase)] if at + len(phrase) < len(words) else ""
            if _is_contrast(family, phrase, following):
                return family, pole, len(phrase)
    return None


def _is_contrast(family: str, phrase: Sequence[str], following: str) -> bool:
    """Return whether a phrase is a contrast before this word: `over 60`, but not `over the bridge` or `last year`."""
    if family == "bound":
        return _is_figure(following)
    if phrase == ("some",):
        return not _is_figure(following)
    if phrase == ("last",):
        return following not in english().times
    return True


def _is_figure(word: str) -> bool:
    return word[:1].isdecimal() or word in VALUES or word in COUNTED_FROM_ONE


def _near(words: Iterable[str], family: str, borders: Collection[str] = ()) -> Iterator[str]:
    """Yield the stems of the nearest content words up to a stop, at most three; figures and units for bounds only."""
    count = 0
    for word in words:
        if word in _STOPS or word in borders or count == REACH:
            return
        if word in english().terms.stop_words or (family != "bound" and (_is_figure(word) or word in UNITS)):
            continue
        count += 1
        yield _stem(word)


def _stem(word: str) -> str:
    return stem(english().irregular.get(word, word), english().terms)


def _beyond_comma(words: Sequence[str], start: int, end: int) -> Sequence[str]:
    """Return the other side of a relation that begins a clause, across the comma: `It sank, after a storm`."""
    earlier = words[:start][::-1]
    if "," in earlier:
        return earlier[earlier.index(",") + 1 :]
    later = words[end:]
    return later[later.index(",") + 1 :] if "," in later else ()


def _counterparts(said: Contrast, stated: Iterable[Contrast]) -> list[Contrast]:
    return [other for other in stated if other.family == said.family]


def _is_opposite(said: Contrast, counterparts: Sequence[Contrast]) -> bool:
    best = max((said.likeness(other)[0] for other in counterparts), default=0)
    nearest = [other for other in counterparts if said.likeness(other)[0] == best]
    return best > 0 and not any(said.agrees(other) for other in nearest)


def _is_added(said: Contrast, source: str, stated: Sequence[Contrast]) -> bool:
    """Return whether a claim has a contrast of which the source has neither word."""
    if said.family in _OTHER_WORDS or said.pole == "some" or _counterparts(said, stated):
        return False
    if any(_as_much(said, other) for other in stated):
        return False
    # `Nearly 150 metres` for 148: a rounded figure needs its bound. `More than 60` for 60 adds one.
    return said.family != "bound" or not set(said.behind[:1]).isdisjoint(map(_stem, _WORD.findall(source.lower())))


def _is_dropped(stated: Contrast, claim: str, said: Iterable[Contrast]) -> bool:
    """Return whether a claim leaves out a limit of the source, such as `some` or `at least`, of the same thing."""
    if stated.family not in _LIMITS or stated.pole == "all" or not stated.behind:
        return False
    words = set(map(_stem, _WORD.findall(claim.lower())))
    return stated.behind[0] in words and not any(
        _as_much(stated, other)
        or (other.family == stated.family and stated.behind[0] in (*other.before, *other.behind))
        for other in said
    )


def _as_much(one: Contrast, other: Contrast) -> bool:
    return _AS_MUCH_AS.get(one.pole) == other.pole or _AS_MUCH_AS.get(other.pole) == one.pole


def _shared(one: Iterable[str], other: Iterable[str]) -> int:
    return len(set(one) & set(other))


def has_unsupported_clause(text: str, stems: Collection[str], source: frozenset[str]) -> bool:
    """Return whether a clause with two or more of these content stems has none of them in the source."""
    return any(len(set(listed)) > 1 and source.isdisjoint(listed) for listed in _clauses(_ADDED_CLAUSE, text, stems))


def adds_content(text: str, stems: Collection[str], source: frozenset[str]) -> bool:
    """Return whether an aside (`— call now`), a clause or the end of a claim has no content stem of the source."""
    if has_unsupported_clause(text, stems, source):
        return True
    if any(listed and source.isdisjoint(listed) for listed in _clauses(_ASIDE, text, stems)):
        return True
    ending = [stem for stem in english().terms.of(text) if stem in stems]
    return len(ending) > ENDING and source.isdisjoint(ending[-ENDING:])


def adds_negation(claim: str, source: str) -> bool:
    """Return whether a claim has a negation and its source has none, nor a word such as `refused`."""
    return _negates(claim) and not _negates(source)


def _clauses(border: re.Pattern[str], text: str, stems: Collection[str]) -> Iterator[list[str]]:
    for clause in border.split(text):
        yield [stem for stem in english().terms.of(clause) if stem in stems]


def _negates(text: str) -> bool:
    for phrase, plain in english().negations:  # `no fewer than` is not a negation, `rather than` is one
        text = phrase.sub(plain, text)
    words = {word.lower() for word in words_of(text.replace("’", "'"))}
    return bool(words & (english().negators | english().refusals)) or any(word.endswith("n't") for word in words)
