"""The vectors of a segment: exact in `vectors.npy`, and copied into a Chroma collection for approximate search.

`vectors.npy` (float32, unit rows in the order of the catalogue, memory-mapped) is the truth: its cosines rank, and it
answers whatever Chroma does not. Up to EXACT_ROWS rows, an exact search is faster than Chroma's
(`benchmarks/question_speed.py` measures it).
"""

from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from index.embedding import Matrix, Vector

EXACT_ROWS = 30_000
"""Rows up to which a segment is searched exactly."""

PAGE = 5000
"""Rows copied at once."""


class ApproximateSearch(Protocol):
    """The search of a Chroma collection: embedded in this process, or on a server."""

    def nearest(self, vector: Vector, count: int) -> NDArray[np.int64] | None:
        """Return the rows nearest to a vector, best first; None if the collection cannot be asked now."""


def nearest(
    vectors: Matrix, vector: Vector, count: int, allowed: NDArray[np.bool_] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """Return the rows nearest to a vector among those allowed, and their cosines; exact, in any order."""
    scores = vectors @ vector
    if allowed is not None:
        scores = np.where(allowed, scores, -np.inf)
    rows = np.argpartition(-scores, count)[:count] if count < len(scores) else np.arange(len(scores))
    rows = rows[scores[rows] > -np.inf]
    return rows, scores[rows]


def cosines(vectors: Matrix, vector: Vector, rows: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return the cosine of a vector with each of these rows.

    In double precision: in single precision the last bits depend on the position of a row among its neighbours.
    """
    exact: NDArray[np.float64] = vectors[rows].astype(np.float64) @ vector.astype(np.float64)
    return exact


class VectorFile:
    """Vectors that are being collected in a file: appended row by row, then written as `vectors.npy`."""

    def __init__(self, path: Path, dimension: int) -> None:
        self._path = path
        self._dimension = dimension
        self._file = path.open("wb")

    def append(self, vectors: Matrix) -> None:
        """Add rows at the end."""
        # Written, not mapped: on a full disk this raises an error, where a mapped file would crash.
        self._file.write(np.ascontiguousarray(vectors, dtype="<f4").tobytes())

    def flush(self) -> None:
        """Hand everything so far to the system, so that a killed run leaves it."""
        self._file.flush()

    def save(self, target: Path, rows: NDArray[np.int64]) -> None:
        """Write these rows as a file of numpy, in this order."""
        self._file.close()
        collected = read_rows(self._path, self._dimension)
        header = {"descr": "<f4", "fortran_order": False, "shape": (len(rows), self._dimension)}
        with target.open("wb") as file:
            np.lib.format.write_array_header_1_0(file, header)
            for start in range(0, len(rows), PAGE):
                file.write(collected[rows[start : start + PAGE]].tobytes())

    def remove(self) -> None:
        """Close and remove the file."""
        self._file.close()
        self._path.unlink()


def read_rows(path: Path, dimension: int) -> Matrix:
    """Return the complete rows that a VectorFile has collected, memory-mapped."""
    rows = path.stat().st_size // (4 * dimension)
    if not rows:
        return np.empty((0, dimension), dtype=np.float32)
    return np.memmap(path, dtype="<f4", mode="r", shape=(rows, dimension))
