"""Retrieval: the passages that may answer a question, dense and lexical candidates fused into one ranking.

Candidates are the best of either side; both scores are exact for all of them. Each side is scaled to
[0, 1] within the candidates (lexical from 0, dense from the lowest candidate) and counts half. On SQuAD
and RGB this ranks better than reciprocal ranks do; `benchmarks/retrieval_quality.py` measures it.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, Vector
from index.generation import Generation
from index.records import Article, Filters, ScoredChunk
from service.records import Mode, Passage, StatusReason

CANDIDATES = 50
"""How many chunks each side puts forward."""

DENSE_WEIGHT: dict[Mode, float] = {"hybrid": 0.5, "dense": 1.0, "lexical": 0.0}
DIGITS = 6
"""Scores are rounded before they rank, so that equal chunks tie on every machine."""

_LETTERS = "bcdfghjkmnpqrstvwxz"
_MIXED = "bcdfghjkmnpqrstvwxz23456789"

Scores = NDArray[np.float32] | NDArray[np.float64]
"""One score for each candidate."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The best chunks as passages, the question's vector, and the reason where there are no passages."""

    passages: tuple[Passage, ...]
    vector: Vector
    candidates: int
    reason: StatusReason | None = None


def retrieve(
    generation: Generation, embedder: Embedder, text: str, *, filters: Filters, mode: Mode, count: int
) -> Retrieved:
    """Return the best `count` chunks of a generation for a question, in rank order; raises EmbeddingFailed."""
    vector = embedder.embed_query(text)
    allowed = generation.allowed_rows(filters)
    if not generation.manifest.chunk_count:
        return Retrieved((), vector, 0, "no_articles")
    if allowed is not None and not allowed.any():
        return Retrieved((), vector, 0, "outside_filters")
    lexical = generation.lexical.scores(text)
    rows = _candidates(generation, vector, lexical, allowed, mode, max(CANDIDATES, count))
    dense = _cosines(generation, vector, rows)
    ranked = _ranked(generation, rows, fuse(dense, lexical[rows], DENSE_WEIGHT[mode]), dense, lexical[rows])
    return Retrieved(_passages(ranked[:count]), vector, len(rows))


def fuse(dense: Scores, lexical: Scores, dense_weight: float) -> NDArray[np.float64]:
    """Return one score in [0, 1] for each candidate, rounded; equal dense scores count 0, as does no lexical match."""
    sides = (_scaled(dense, float(dense.min(initial=np.inf))), _scaled(lexical, 0.0))
    return np.round(dense_weight * sides[0] + (1 - dense_weight) * sides[1], DIGITS)


def _cosines(generation: Generation, vector: Vector, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the exact cosines of the candidates, rounded; in double precision, where equal rows have equal scores.

    In single precision the last bits depend on the position of a row, and scaling would make them a difference.
    """
    exact: NDArray[np.float64] = generation.dense.vectors[rows].astype(np.float64) @ vector.astype(np.float64)
    return exact.round(DIGITS)


def _scaled(scores: Scores, floor: float) -> NDArray[np.float64]:
    spread = float(scores.max(initial=-np.inf)) - floor
    if not len(scores) or spread <= 0:
        return np.zeros(len(scores))
    return (scores.astype(np.float64) - floor) / spread


def _candidates(
    generation: Generation,
    vector: Vector,
    lexical: NDArray[np.float32],
    allowed: NDArray[np.bool_] | None,
    mode: Mode,
    count: int,
) -> NDArray[np.int64]:
    found: list[NDArray[np.int64]] = []
    if mode != "lexical":
        found.append(generation.nearest(vector, count, allowed))
    if mode != "dense":
        found.append(_best_lexical(lexical, allowed, count))
    return np.unique(np.concatenate(found))


def _best_lexical(scores: NDArray[np.float32], allowed: NDArray[np.bool_] | None, count: int) -> NDArray[np.int64]:
    """Return the allowed rows with the highest positive scores; ties go to the lower row."""
    rows = np.flatnonzero(scores > 0 if allowed is None else (scores > 0) & allowed)
    if len(rows) > count:
        least = np.partition(scores[rows], len(rows) - count)[len(rows) - count]
        rows = rows[scores[rows] >= least]
    return rows[np.argsort(-scores[rows], kind="stable")][:count]


def _ranked(
    generation: Generation,
    rows: NDArray[np.int64],
    fused: NDArray[np.float64],
    dense: NDArray[np.float64],
    lexical: NDArray[np.float32],
) -> list[tuple[ScoredChunk, Article]]:
    held = generation.catalog.chunks(rows.tolist())
    scored = [
        (
            ScoredChunk(chunk, float(fused[at]), float(dense[at]), round(float(lexical[at]), DIGITS)),
            article,
        )
        for at, (chunk, article) in enumerate(held)
    ]
    return sorted(scored, key=lambda pair: (-pair[0].score, pair[0].chunk.chunk_id))


def _passages(ranked: list[tuple[ScoredChunk, Article]]) -> tuple[Passage, ...]:
    keys = passage_keys(scored.chunk.chunk_id for scored, _ in ranked)
    return tuple(Passage(key, scored, article) for key, (scored, article) in zip(keys, ranked, strict=True))


def passage_keys(chunk_ids: Iterable[str]) -> list[str]:
    """Return short keys, such as `k7f2`: never a word, never a number, the same for the same chunks."""
    keys: dict[str, None] = {}
    for chunk_id in chunk_ids:
        attempt = 0
        while (key := _key(f"{chunk_id}/{attempt}")) in keys:
            attempt += 1
        keys[key] = None
    return list(keys)


def _key(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    letters = [_LETTERS[digest[0] % len(_LETTERS)], *(_MIXED[byte % len(_MIXED)] for byte in digest[1:3])]
    return f"{''.join(letters)}{digest[3] % 8 + 2}"
