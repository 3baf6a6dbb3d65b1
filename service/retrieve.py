"""Retrieval: the passages that may answer a question, dense and lexical candidates fused into one ranking.

Candidates are the best chunks of both sides; both scores are exact for each of them. Each side is scaled to [0, 1]
within the candidates (lexical from 0, dense from the lowest candidate) and counts half. On SQuAD and RGB this ranks
better than reciprocal rank fusion; `benchmarks/retrieval_quality.py` measures it. Copies of a story count once
(`service/copies.py`).
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, Vector
from index.generation import Generation
from index.records import Filters
from service.copies import Candidates, copies_of, spread, without_copies
from service.records import Mode, Passage, StatusReason

CANDIDATES = 50
"""Chunks that each side proposes."""

DENSE_WEIGHT: dict[Mode, float] = {"hybrid": 0.5, "dense": 1.0, "lexical": 0.0}
DIGITS = 6
"""Scores are rounded before they rank, so that equal chunks tie on every machine."""

NEWEST = 0.05
"""What the newest candidate gains if newer ones are preferred; a difference of fused scores above it still decides."""

_LETTERS = "bcdfghjkmnpqrstvwxz"
_MIXED = "bcdfghjkmnpqrstvwxz23456789"

CandidateScores = NDArray[np.float32] | NDArray[np.float64]
"""One score for each candidate."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The best chunks as passages, the question's vector, and the reason if there are no passages."""

    passages: tuple[Passage, ...]
    vector: Vector
    candidates: int
    reason: StatusReason | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """What is searched for; with `prefers_new`, newer articles rank before others that are nearly as good."""

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
    return Retrieved(passages, vector, len(rows))


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
        ids = generation.chunk_ids(equal)
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
