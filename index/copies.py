"""Copies: whether two articles have the same text, verbatim, cut, put in another order or lightly rewritten.

An article is compared by its sketch, which has hashes and no words. Two articles whose texts share a run of 20 words
have a mark in common, so that copies are found without comparing every article with every other one. Then the sketches
are compared: most runs of words of the shorter text must be in the longer one, and no number may have taken the place
of another, but for one in a text that is otherwise equal: the next report of a series repeats the words of the last one
with other numbers. The reasons are in `docs/decisions/0011-copies.md`.
"""

import hashlib
import json
import re
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.records import Article
from index.text import words

SHORT = 30
"""Words of a body below which the title belongs to the text: "More to follow." is not a story."""

RUN = 3
"""Words of a run whose hash is in the sketch. Longer runs are lost where every few words are replaced."""

MARK_RUN = 5
"""Words of a run whose hash may be a mark. Shorter runs are common phrases."""

WINDOW = 16
"""The least hash of every so many runs is a mark, as in winnowing (Schleimer, Wilkerson, Aiken 2003)."""

MOST_RUNS = 1024
"""Hashes that a sketch keeps, the least ones: of a longer text they are a sample, the same in each of its copies."""

LEAST_SHARED = 0.62
"""The share of the shorter text's runs that a copy has: on the open pairs copies have .65 or more, others up to .59."""

CORRECTED = 0.9
"""The share from which one number in the place of another is a correction of the same text, not the next report."""

PLACES_OF_NUMBER = 2
"""The hashes of one number in a sketch."""

Hashes = NDArray[np.uint32]

_NUMBER_WORDS = frozenset(
    " ".join(json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))["numbers"].values()).split()
)
_END = re.compile(r"(?<=[.!?])[\"'”’)]*\s+|\n+|(?<=[。！？])")
_FACTOR = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(29)
_HALF = np.uint64(32)


class Sketch(NamedTuple):
    """The hashes by which an article is compared: all sorted, each once.

    `digest` is equal for texts of equal words; `words` is their number. `numbers` are those of the text, each with the
    words around it in the upper half of its hash.
    """

    digest: int
    words: int
    marks: Hashes
    runs: Hashes
    numbers: NDArray[np.uint64]


def sketch_of(article: Article) -> Sketch:
    """Return the sketch of an article."""
    sentences = [words(sentence) for sentence in _END.split(article.body)]
    if sum(map(len, sentences)) < SHORT:
        sentences.insert(0, words(article.title or ""))
    text = [word for sentence in sentences for word in sentence]
    encoded = (" ".join(text) or article.body).encode("utf-8", "surrogatepass")
    codes = _codes(text)
    return Sketch(
        int.from_bytes(hashlib.sha256(encoded).digest()[:8], signed=True),
        len(text),
        _marks(_hashes(codes, MARK_RUN)),
        np.unique(_hashes(codes, RUN))[:MOST_RUNS],
        _numbers(sentences),
    )


def is_number(word: str) -> bool:
    """Return whether a word is a number in digits or letters."""
    return word[:1].isdigit() or word in _NUMBER_WORDS


def is_copy(one: Sketch, other: Sketch) -> bool:
    """Return whether two articles have the same text, or one has a part of the other's."""
    if one.digest == other.digest:
        return True
    shorter, longer = sorted((one, other), key=lambda sketch: sketch.words)
    runs, others = _comparable(shorter.runs, longer.runs)
    share = len(np.intersect1d(runs, others, assume_unique=True)) / max(1, len(runs))
    if share < LEAST_SHARED:
        return False
    return _differing(shorter.numbers, longer.numbers) <= (PLACES_OF_NUMBER if share >= CORRECTED else 0)


def _comparable(one: Hashes, other: Hashes) -> tuple[Hashes, Hashes]:
    """Return the hashes of two texts up to the greatest one that both sketches would have kept."""
    limit = min(int(runs[-1]) if len(runs) == MOST_RUNS else 2**32 for runs in (one, other))
    return one[one <= limit], other[other <= limit]


def _differing(one: NDArray[np.uint64], other: NDArray[np.uint64]) -> int:
    """Return how many places two texts have in common at which they have other numbers."""
    places = np.intersect1d(one >> _HALF, other >> _HALF)
    equal = np.intersect1d(one, other, assume_unique=True) >> _HALF
    return int(np.count_nonzero(~np.isin(places, equal)))


def _numbers(sentences: Sequence[Sequence[str]]) -> NDArray[np.uint64]:
    """Return two hashes for each number: with two words before it and one after it, and the other way round.

    Words of other sentences do not count, so that their order does not.
    """
    padded = [word for sentence in sentences for word in ("", "", *sentence, "", "")]
    at = np.array([at for at, word in enumerate(padded) if is_number(word)], dtype=np.int64)
    codes = _codes(padded)
    around = [_hashes_of([codes[at + step] for step in steps]) for steps in ((-2, -1, 1), (-1, 1, 2))]
    return np.unique(np.concatenate([hashes.astype(np.uint64) << _HALF | codes[at] for hashes in around]))


def _codes(text: Iterable[str]) -> NDArray[np.uint64]:
    return np.array([zlib.crc32(word.encode("utf-8", "surrogatepass")) for word in text], dtype=np.uint64)


def _hashes(codes: NDArray[np.uint64], length: int) -> Hashes:
    """Return a hash of each run of so many words; of a shorter text, one of all its words."""
    length = min(length, len(codes))
    if not length:
        return np.empty(0, dtype=np.uint32)
    count = len(codes) - length + 1
    return _hashes_of([codes[at : at + count] for at in range(length)])


def _hashes_of(columns: Sequence[NDArray[np.uint64]]) -> Hashes:
    """Return a hash of the values at each place of some columns."""
    total = np.zeros(len(columns[0]), dtype=np.uint64)
    for codes in columns:
        total = (total ^ codes) * _FACTOR
        total ^= total >> _SHIFT
    return (total * _FACTOR >> _HALF).astype(np.uint32)


def _marks(hashes: Hashes) -> Hashes:
    """Return the least hash of every window of runs."""
    if len(hashes) <= WINDOW:
        return np.unique(hashes)[:1]
    return np.unique(np.lib.stride_tricks.sliding_window_view(hashes, WINDOW).min(axis=1))
