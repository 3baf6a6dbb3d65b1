"""Compare a claim with a source that words it nearly alike: how much is kept, and what differs there.

Two neighbouring words of a claim are kept if a sentence of the source has them near each other in this order. They are
moved if the source has both of them otherwise: a swap of two names, or the number of another thing, moves words. A
contrast is a word that changes what is said: a negation, `all`, `may`, `before`. It differs if the other text has the
word that it belongs to without it. A difference within kept words contradicts; in another wording it may be a
paraphrase.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, pairwise
from typing import NamedTuple

from service.citations.english import english
from service.citations.numbers import Number
from service.citations.wording import CONTENT, tokens, word_of

NEAR = 4
"""Content words from one kept neighbour to the other, at most."""

AHEAD, BACK = 4, 3
"""Words behind and before a contrast that it may belong to, at most."""

BEFORE, BEHIND = 6, 3
"""Words before and behind a word that may be its contrast, at most."""

MOST_PLACES = 8
"""Places of one word that are compared: a text may repeat a word without end."""

TURNS = ("owner", "owner left out", "voice", "voice left out")
TURNED = 0.25
"""Share of moved words that counts if a passive (`sued by Holt`) or a possessive (`the mayor's car`) moves words."""

_ALL_BUT = re.compile(r"\ball (?:but|except)\b", re.IGNORECASE)
_STOPS = frozenset(",;:.!?()—–")
_ENDS = frozenset(".!?")
_YEAR = re.compile(r"(?:19|20)\d\d")


class Comparison(NamedTuple):
    """The share of neighbouring words that are kept, in [0, 1], and the size of each kind of difference."""

    kept: float
    differences: dict[str, float]

    def contradiction(self, weights: Mapping[str, float]) -> float:
        """Return the sum of the weighted differences; moved words apart, each counts by the share that is kept."""
        sizes = {kind: size if kind == "moved" else self.kept for kind, size in self.differences.items()}
        return sum(weights.get(kind, 0.0) * size for kind, size in sizes.items())


class _Word(NamedTuple):
    """A word that counts: its compared form (empty for a particle), its contrast, and its place."""

    form: str
    contrast: str
    sentence: int
    clause: int
    opener: str
    is_fact: bool


def compare(claim: str, source: str) -> Comparison:
    """Compare a claim with a source; a kind of contrast that only the source has is `left out` of the claim."""
    wanted, stated = _words(claim), _words(source)
    found, kept, moved = _match(wanted, stated)
    back = {there: here for here, there in found.items()}
    kinds = {
        *_differing(wanted, stated, found),
        *(f"{kind} left out" for kind in _differing(stated, wanted, back)),
        *(["opposite"] if _has_opposite(wanted, stated) else []),
    }
    differences = dict.fromkeys(kinds, 1.0)
    if moved:
        differences["moved"] = moved * (1 if kinds.isdisjoint(TURNS) else TURNED)
    return Comparison(kept, differences)


def _match(wanted: Sequence[_Word], stated: Sequence[_Word]) -> tuple[dict[int, int], float, float]:
    """Return the place in a source of each word of a claim, and how much of its neighbours is kept and moved.

    A moved pair with a name or a number counts twice; one with a year does not, as a year may stand anywhere. Moved
    words count by the square of the share of the claim that the source has.
    """
    places: dict[str, list[int]] = defaultdict(list)
    for at, word in enumerate(stated):
        if word.form and len(places[word.form]) < MOST_PLACES:
            places[word.form].append(at)
    order = list(accumulate(bool(word.form) for word in stated))
    content = [at for at, word in enumerate(wanted) if word.form]
    found = {at: places[wanted[at].form][0] for at in content if places[wanted[at].form]}
    kept = moved = total = 0
    for one, other in pairwise(content):
        if wanted[one].clause != wanted[other].clause:
            continue
        total += 1
        pairs = [(a, b) for a in places[wanted[one].form] for b in places[wanted[other].form] if a != b]
        near = [
            (a, b) for a, b in pairs if stated[a].sentence == stated[b].sentence and 0 < order[b] - order[a] <= NEAR
        ]
        if near:
            kept += 1
            found[one], found[other] = min(near, key=lambda pair: pair[1] - pair[0])
        elif pairs and not any(_YEAR.fullmatch(wanted[at].form) for at in (one, other)):
            moved += 1 + (wanted[one].is_fact or wanted[other].is_fact)
    covered = len(found) / max(1, len(content))
    return found, kept / max(1, total), moved / max(1, total) * covered**2


def _has_opposite(words: Sequence[_Word], others: Sequence[_Word]) -> bool:
    """Return whether a word that the source lacks has an opposite there that the claim lacks."""
    claimed, stated = ({word.form or word.contrast for word in text} for text in (words, others))
    return any(english().opposites.get(word, frozenset()) & (stated - claimed) for word in claimed - stated)


def _differing(words: Sequence[_Word], others: Sequence[_Word], found: Mapping[int, int]) -> Iterator[str]:
    """Yield the kinds of contrasts that a text has at words which the other text has without them."""
    for at, word in enumerate(words):
        if word.contrast in english().kinds:
            there = next((found[each] for each in _owners(at, words) if each in found), None)
            if there is not None and not _has_contrast(word.contrast, there, others):
                yield english().kinds[word.contrast]


def _owners(at: int, words: Sequence[_Word]) -> Iterator[int]:
    """Yield the words to which a contrast may belong: itself, the next content word of its clause, the one before."""
    if words[at].form:
        yield at
    for reach in (range(at + 1, at + 1 + AHEAD), range(at - 1, at - 1 - BACK, -1)):
        for near in reach:
            if not 0 <= near < len(words) or not _share_a_clause(words[at], words[near]):
                break
            if words[near].form:
                yield near
                break


def _share_a_clause(one: _Word, other: _Word) -> bool:
    """Return whether two words are in one clause, or the second in what is said or denied by the first's."""
    return one.clause == other.clause or (one.clause + 1 == other.clause and other.opener == "that")


def _has_contrast(contrast: str, at: int, words: Sequence[_Word]) -> bool:
    near = words[max(0, at - BEFORE) : at + BEHIND + 1]
    return any(word.contrast == contrast and word.sentence == words[at].sentence for word in near)


def _words(text: str) -> list[_Word]:
    """Return the words of a text that count, in order, with the number of their sentence and clause."""
    words: list[_Word] = []
    sentence = clause = 0
    opener = ""
    for token in tokens(_ALL_BUT.sub("most", text)):
        contrast = "" if isinstance(token, Number) else english().contrasts.get(token.lower(), "")
        known = word_of(token)
        form = known.form if known and known.kind in CONTENT else ""
        if form or contrast:
            is_fact = isinstance(token, Number) or token[0].isupper()
            words.append(_Word(form, contrast, sentence, clause, opener, is_fact))
        elif token in _STOPS or (known and (known.kind in ("joint", "border") or known.form == "that")):
            clause += 1
            sentence += token in _ENDS
            opener = known.form if known else ""
    return words
