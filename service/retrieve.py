"""Retrieval: the passages that may answer a question, dense and lexical candidates fused into one ranking.

Candidates are the best chunks of both sides; both scores are exact for each of them. Each side is scaled to [0, 1]
within the candidates (lexical from 0, dense from the lowest candidate) and counts half. On SQuAD and RGB this ranks
better than reciprocal rank fusion; `benchmarks/retrieval_quality.py` measures it.

Each story counts once, and neither an article nor a source fills all passages. A chunk of a copy gives way to the chunk
of the story's best version that has its words; the best version is the first that passes the filters. A chunk whose
words, numbers or names that version lacks stays.
"""

import hashlib
import re
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from index.catalog import Outlet
from index.copies import is_number
from index.embedding import Embedder, Vector
from index.generation import Generation
from index.records import Article, Filters
from index.text import words
from service.records import Mode, Passage, StatusReason

_NAME = re.compile(r"(?<=[^\W\dA-Z_][ ,;:]|[,;:] )[A-ZÄÖÜ]\w+")
"""A word with a capital inside a sentence."""

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]

SAME = 0.8
"""The share of a chunk's words that are in the chunk which stands for it."""

ROUNDS = 3
"""How often at most candidates are looked for, each time without the copies of the stories that were found."""

MOST_COLLAPSED = 0.25
"""The share of the candidates that may be copies without looking for others in their place."""

MOST_OF_STORY = 3
"""Passages of one story, while other articles score nearly as well."""

SHARE_OF_SOURCE = 0.5
"""The share of the passages of one source, while articles of others score nearly as well."""

NEARLY = 0.8
"""The share of a passage's score from which another one may take its place."""


class Candidates(NamedTuple):
    """Rows of different texts, and the row that stands for each other one that was found."""

    rows: Rows
    stand_ins: dict[int, int]

    def best_of(self, scores: Callable[[Rows], NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return a score for each row: the best of those of its versions, because each has its own headline."""
        found = scores(self.rows)
        if self.stand_ins:
            places = np.searchsorted(self.rows, [*self.stand_ins.values()])
            np.maximum.at(found, places, scores(np.array([*self.stand_ins], dtype=np.int64)))
        return found


def without_copies(
    generation: Generation, find: Callable[[Mask | None], Rows], allowed: Mask | None, count: int
) -> Candidates:
    """Return candidates of which no two have the same text, at least `count` if there are so many.

    `find` returns the best of the rows that are allowed.
    """
    stories, stand_in = generation.stories, dict[int, int]()
    if not stories.members:
        return Candidates(find(allowed), stand_in)
    passing = np.ones(len(stories.of_chunks), dtype=bool) if allowed is None else allowed
    searched, kept = passing.copy(), np.empty(0, dtype=np.int64)
    for _ in range(ROUNDS):
        rows = np.union1d(find(searched), kept)
        of = stories.of_chunks[rows]
        for story in np.unique(of[of >= 0]).tolist():
            versions = [own[passing[own]] for own in stories.rows_of(story)]
            best, *others = [own for own in versions if len(own)]
            copied = np.concatenate([best[:0], *others])
            stand_in |= _stand_ins(generation, best, copied[np.isin(copied, rows)])
            searched[copied] = False
        kept = np.unique(np.array([stand_in.get(row, row) for row in rows.tolist()], dtype=np.int64))
        gone = len(rows) - len(kept)
        if not gone or (len(kept) >= count and gone <= MOST_COLLAPSED * len(rows)):
            break
    return Candidates(kept, {row: other for row, other in stand_in.items() if row != other})


def _stand_ins(generation: Generation, best: Rows, copied: Rows) -> dict[int, int]:
    """Return the row that stands for each row of the other versions of a story: often one of the best version."""
    if not len(copied):
        return {}
    texts = [_Text(chunk.text) for chunk, _ in generation.chunks(np.concatenate([best, copied]))]
    standing = dict(zip(best.tolist(), texts, strict=False))
    found: dict[int, int] = {}
    for row, text in zip(copied.tolist(), texts[len(best) :], strict=True):
        nearest = max(standing, key=lambda each: text.share_in(standing[each]))
        if text.share_in(standing[nearest]) < SAME:
            standing[row], nearest = text, row
        found[row] = nearest
    return found


class _Text:
    """The words of a chunk, and those that must not be lost: numbers and names."""

    def __init__(self, text: str) -> None:
        self.words = set(words(text))
        self.facts = {word for word in self.words if is_number(word)}
        self.facts |= {word for name in _NAME.findall(text) for word in words(name)}

    def share_in(self, other: "_Text") -> float:
        """Return the share of the words that another text has as well; 0 if it lacks a number or a name."""
        return len(self.words & other.words) / max(1, len(self.words)) if self.facts <= other.words else 0.0


def copies_of(generation: Generation, rows: Rows, allowed: Mask | None) -> list[tuple[Article, ...]]:
    """Return the other versions of each row's story that pass the filters, without bodies, the best version first."""
    stories = generation.stories
    found: dict[int, list[Article]] = {}
    for story in np.unique(stories.of_chunks[rows]).tolist():
        if story >= 0:
            versions = zip(stories.articles(story), stories.rows_of(story), strict=True)
            found[story] = [each for each, own in versions if len(own) and (allowed is None or allowed[own].any())]
    ids = [outlet.article_id for outlet in generation.outlets(rows)] if found else [""] * len(rows)
    return [
        tuple(each for each in found.get(story, ()) if each.article_id != own)
        for story, own in zip(stories.of_chunks[rows].tolist(), ids, strict=True)
    ]


def spread(
    scores: Sequence[float], stories: Sequence[Hashable], sources: Sequence[str | None], count: int
) -> list[int]:
    """Return the places of at most `count` candidates of many stories and sources, best first.

    The candidates are in rank order. One that would be too many of its story or source gives way to the next one that
    is not, if that scores nearly as well.
    """
    most = {True: MOST_OF_STORY, False: max(1, round(SHARE_OF_SOURCE * count))}
    left, chosen = list(range(len(scores))), list[int]()
    taken: Counter[tuple[bool, Hashable]] = Counter()

    def groups(place: int) -> list[tuple[bool, Hashable]]:
        of_source = [] if sources[place] is None else [(False, sources[place])]
        return [(True, stories[place]), *of_source]

    while left and len(chosen) < count:
        first = left[0]
        free = (each for each in left if all(taken[group] < most[group[0]] for group in groups(each)))
        better = next(free, first)
        place = better if scores[better] >= NEARLY * scores[first] else first
        left.remove(place)
        chosen.append(place)
        taken.update(groups(place))
    return sorted(chosen)


CANDIDATES = 50
"""Chunks that each side proposes."""

DENSE_WEIGHT: dict[Mode, float] = {"hybrid": 0.5, "dense": 1.0, "lexical": 0.0}
DIGITS = 6
"""Scores are rounded before they rank, so that equal chunks tie on every machine."""

NEWEST = 0.05
"""Gain of the newest candidate if newer ones are preferred; a difference of fused scores above it still decides."""

_LETTERS = "bcdfghjkmnpqrstvwxz"
_MIXED = "bcdfghjkmnpqrstvwxz23456789"

CandidateScores = NDArray[np.float32] | NDArray[np.float64]
"""One score for each candidate."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The candidates of a search with their scores; `order` has their places, the best first."""

    outlets: Sequence[Outlet]
    dense: NDArray[np.float64]
    lexical: NDArray[np.float64]
    fused: NDArray[np.float64]
    order: Sequence[int]


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The best chunks as passages, the question's vector, and the reason if there are no passages.

    `ranking` is None without candidates.
    """

    passages: tuple[Passage, ...]
    vector: Vector
    candidates: int
    reason: StatusReason | None = None
    ranking: Ranking | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """The text to search for; with `prefers_new`, newer articles rank before others that are nearly as good."""

    text: str
    filters: Filters
    mode: Mode
    count: int
    prefers_new: bool = False


def retrieve(
    generation: Generation, embedder: Embedder, text: str, *, filters: Filters, mode: Mode, count: int
) -> Retrieved:
    """Return the best `count` chunks of a generation for a question, in rank order; raises EmbeddingFailed."""
    return search(generation, embedder, Search(text, filters, mode, count))


def search(generation: Generation, embedder: Embedder, wanted: Search) -> Retrieved:
    """Return the best chunks of a generation for a search, in rank order; raises EmbeddingFailed."""
    text, filters, mode, count = wanted.text, wanted.filters, wanted.mode, wanted.count
    vector = embedder.embed_query(text)
    allowed = generation.allowed_rows(filters)
    if not generation.manifest.chunk_count:
        return Retrieved((), vector, 0, "no_articles")
    if allowed is not None and not allowed.any():
        return Retrieved((), vector, 0, "outside_filters")
    words = generation.lexical.scores(text)
    most = max(CANDIDATES, count)

    def find(searched: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        return _candidates(generation, vector, words, searched, mode, most)

    # Who asks for certain articles gets these, copies or not.
    alone = filters.article_ids
    candidates = Candidates(find(allowed), {}) if alone else without_copies(generation, find, allowed, count)
    rows = candidates.rows
    lexical = candidates.best_of(lambda own: words[own])
    dense = candidates.best_of(lambda own: generation.cosines(vector, own).round(DIGITS))
    fused = fuse(dense, lexical, DENSE_WEIGHT[mode])
    outlets = generation.outlets(rows)
    if wanted.prefers_new:
        fused = favour_new(fused, [outlet.published_at for outlet in outlets])
    ranked = sorted(range(len(rows)), key=lambda at: (-fused[at], outlets[at].chunk_id))
    stories = generation.stories.of_chunks[rows].tolist()
    labels = [outlets[at].article_id if stories[at] < 0 else stories[at] for at in ranked]
    places = spread(fused[ranked].tolist(), labels, [outlets[at].source for at in ranked], count)
    shown = [ranked[place] for place in places]
    keys = passage_keys(outlets[at].chunk_id for at in shown)
    chunks = generation.chunks(rows[shown])
    copies = copies_of(generation, rows[shown], allowed)
    passages = tuple(
        Passage(key, *chunk, float(fused[at]), float(dense[at]), round(float(lexical[at]), DIGITS), others)
        for key, at, chunk, others in zip(keys, shown, chunks, copies, strict=True)
    )
    return Retrieved(passages, vector, len(rows), ranking=Ranking(outlets, dense, lexical, fused, ranked))


def joined(found: Retrieved, more: Sequence[Passage], count: int) -> Retrieved:
    """Return the best of the passages found with some more that replace the last of them, `count` at most in all."""
    known = {passage.chunk.chunk_id for passage in found.passages}
    new = [passage for passage in more if passage.chunk.chunk_id not in known]
    passages = [*found.passages[: max(count - len(new), 0)], *new]
    keys = passage_keys(passage.chunk.chunk_id for passage in passages)
    return replace(found, passages=tuple(replace(each, key=key) for each, key in zip(passages, keys, strict=True)))


def _candidates(
    generation: Generation,
    vector: Vector,
    lexical: NDArray[np.float64],
    allowed: NDArray[np.bool_] | None,
    mode: Mode,
    count: int,
) -> NDArray[np.int64]:
    """Return the rows of the best `count` allowed chunks of each side."""
    sides: list[NDArray[np.int64]] = []
    if mode != "lexical":
        rows = generation.nearest(vector, count, allowed)
        if len(rows) > count:
            rows = _best(generation, rows, generation.cosines(vector, rows).round(DIGITS), count)
        sides.append(rows)
    if mode != "dense":
        rows = np.flatnonzero(lexical > 0 if allowed is None else (lexical > 0) & allowed)
        sides.append(_best(generation, rows, lexical[rows], count))
    return np.unique(np.concatenate(sides))


def _best(
    generation: Generation, rows: NDArray[np.int64], scores: NDArray[np.float64], count: int
) -> NDArray[np.int64]:
    """Return the `count` rows with the highest scores, of equal ones those with the first chunk ids.

    The order of the rows depends on the segments that articles are in; the chunk ids do not.
    """
    if len(rows) <= count:
        return rows
    least = np.partition(scores, len(rows) - count)[len(rows) - count]
    better, equal = rows[scores > least], rows[scores == least]
    wanted = count - len(better)
    if len(equal) > wanted:
        ids = [outlet.chunk_id for outlet in generation.outlets(equal)]
        equal = equal[sorted(range(len(equal)), key=ids.__getitem__)[:wanted]]
    return np.concatenate([better, equal])


def fuse(dense: CandidateScores, lexical: CandidateScores, dense_weight: float) -> NDArray[np.float64]:
    """Return one score in [0, 1] for each candidate, rounded; equal dense scores count 0, as does no lexical match."""
    fused = np.zeros(len(dense))
    if len(dense):
        for scores, floor, weight in ((dense, float(dense.min()), dense_weight), (lexical, 0.0, 1 - dense_weight)):
            spread = float(scores.max()) - floor
            if spread > 0:
                fused += weight * ((scores.astype(np.float64) - floor) / spread)
    return np.round(fused, DIGITS)


def favour_new(fused: NDArray[np.float64], dates: Sequence[str | None]) -> NDArray[np.float64]:
    """Return fused scores in [0, 1] with up to `NEWEST` more for newer articles, by their rank; without a date none."""
    known = sorted({date for date in dates if date})
    shares = {date: (rank + 1) / len(known) for rank, date in enumerate(known)}
    bonus = NEWEST * np.array([shares[date] if date else 0.0 for date in dates])
    return np.round((fused + bonus) / (1 + NEWEST), DIGITS)


def passage_keys(chunk_ids: Iterable[str]) -> list[str]:
    """Return short keys, such as `k7f2`: never a word, never a number, the same for the same chunks."""
    keys: dict[str, None] = {}
    for chunk_id in chunk_ids:
        key, attempt = "", 0
        while not key or key in keys:
            first, second, third, last, *_ = hashlib.sha256(f"{chunk_id}/{attempt}".encode()).digest()
            letters = _LETTERS[first % len(_LETTERS)] + _MIXED[second % len(_MIXED)] + _MIXED[third % len(_MIXED)]
            key, attempt = f"{letters}{last % 8 + 2}", attempt + 1
        keys[key] = None
    return list(keys)
