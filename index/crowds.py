"""Crowds of nearly equal chunks, which keep HNSW from reaching what lies beside them."""

from collections import Counter
from contextlib import closing
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from index.catalog import Catalog
from index.dense import EF_SEARCH
from index.embedding import Matrix
from index.layout import CATALOG, VECTORS
from index.records import Article

NEAR = 0.9
"""Cosine from which two chunks are nearly equal: lines of one log or table reach it, two news reports do not."""

_SAMPLE = 1000
_AT_ONCE = 100


def in_crowds(scores: Matrix) -> NDArray[np.bool_]:
    """Return which rows of a matrix of cosines have more nearly equal ones than HNSW looks at in one search."""
    crowded: NDArray[np.bool_] = (scores >= NEAR).sum(axis=1) > EF_SEARCH
    return crowded


def crowded_articles(folder: Path) -> list[Article]:
    """Return the articles of a generation with chunks in a crowd, those with most of them first.

    A sample of the rows is looked at, so that an article with few of them may stay unseen.
    """
    vectors = np.load(folder / VECTORS, mmap_mode="r")
    sample = np.sort(np.random.default_rng(0).permutation(len(vectors))[:_SAMPLE])
    crowded: list[int] = []
    for start in range(0, len(sample), _AT_ONCE):
        rows = sample[start : start + _AT_ONCE]
        crowded += rows[in_crowds(vectors[rows] @ vectors.T)].tolist()
    with closing(Catalog(folder / CATALOG)) as catalog:
        found = [article for _, article in catalog.chunks(crowded)]
    counts = Counter(article.article_id for article in found)
    articles = {article.article_id: article for article in found}
    return [articles[article_id] for article_id, _ in sorted(counts.items(), key=lambda item: (-item[1], item[0]))]
