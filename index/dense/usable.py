"""Which vectors may reach Chroma: it takes NaN without a word, and answers with arbitrary rows."""

from collections.abc import Iterator

import numpy as np

from index.embedding import Matrix, Vector, are_unit
from index.errors import EmbeddingFailed

HINT = "Check that the embedding model of the settings is one, and the one the index was built with."


def usable_pages(vectors: Matrix, page: int) -> Iterator[tuple[int, Matrix]]:
    """The rows of a matrix, so many at a time, each with the number of its first.

    Raises EmbeddingFailed before it gives a page with a vector that is not a finite one of length 1.
    """
    if vectors.ndim != 2 or not vectors.shape[1]:
        raise EmbeddingFailed(f"the vectors have the shape {vectors.shape}, expected (rows, dimension)", HINT)
    for start in range(0, len(vectors), page):
        rows = vectors[start : start + page]
        lengths = np.linalg.norm(rows, axis=1)
        usable = are_unit(rows)
        if not usable.all():
            first = int(np.argmin(usable))
            raise EmbeddingFailed(
                f"the vector of row {start + first} is of length {lengths[first]:g}, expected 1,"
                f" as {int((~usable).sum())} of the {len(rows)} from row {start} on",
                HINT,
            )
        yield start, rows


def check_question(vector: Vector, dimension: int) -> None:
    """Raise EmbeddingFailed where a question's vector is of another dimension, not finite, or nothing but zeros."""
    if vector.shape != (dimension,):
        raise EmbeddingFailed(
            f"the question's vector has the shape {vector.shape}, the index holds vectors of dimension {dimension}",
            HINT,
        )
    if not np.isfinite(vector).all():
        wrong = int((~np.isfinite(vector)).sum())
        raise EmbeddingFailed(f"{wrong} of the {dimension} numbers of the question's vector are not finite", HINT)
    if not vector.any():
        raise EmbeddingFailed(f"all {dimension} numbers of the question's vector are 0, expected a direction", HINT)
