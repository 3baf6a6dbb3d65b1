"""Retrieval: the chunks that may answer a question, dense and lexical candidates fused into one ranking.

Candidates are the best of either side; both scores are exact for all of them. Each side is scaled to
[0, 1] within the candidates (lexical from 0, dense from the lowest candidate) and counts half. On SQuAD
and RGB this ranks better than reciprocal ranks do; `benchmarks/retrieval_quality.py` measures it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from index.embedding import Embedder, Vector
from index.generation import Generation
from index.records import Article, Filters, ScoredChunk
from service.records import Mode, StatusReason

CANDIDATES = 50
"""How many chunks each side puts forward."""

DENSE_WEIGHT: dict[Mode, float] = {"hybrid": 0.5, "dense": 1.0, "lexical": 0.0}
DIGITS = 6
"""Scores are rounded before they rank, so that equal chunks tie on every machine."""

Scores = NDArray[np.float32] | NDArray[np.float64]
"""One score for each candidate."""


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The ranked chunks with their articles, the question's vector, and why there are none where there are none."""

    ranked: tuple[tuple[ScoredChunk, Article], ...]
    vector: Vector
    candidates: int
    reason: StatusReason | None = None


def retrieve(
    generation: Generation, embedder: Embedder, text: str, *, filters: Filters, mode: Mode, count: int
) -> Retrieved:
    """Rank the chunks of a generation for a question; raises EmbeddingFailed."""
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
    return Retrieved(tuple(ranked[:count]), vector, len(rows))


def fuse(dense: Scores, lexical: Scores, dense_weight: float) -> NDArray[np.float64]:
    """One score in [0, 1] for each candidate, rounded; dense scores that are all equal count 0, as no lexical does."""
    sides = (_scaled(dense, float(dense.min(initial=np.inf))), _scaled(lexical, 0.0))
    return np.round(dense_weight * sides[0] + (1 - dense_weight) * sides[1], DIGITS)


def _cosines(generation: Generation, vector: Vector, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """The exact cosines of the candidates, rounded; in double precision, for which equal rows are equal anywhere.

    In single precision the last bits depend on where a row stands, and scaling would make them a difference.
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
    """The allowed rows with the highest positive scores; ties go to the lower row."""
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
