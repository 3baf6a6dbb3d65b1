"""The vectors that need not be computed: those of the index, of what killed runs left, and of an embedding job."""

import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import Protocol

import numpy as np

from index.catalog import Catalog
from index.embedding import Embedder, Matrix, Vector
from index.errors import IndexDamaged
from index.generation import Generation
from index.layout import CATALOG, VECTORS, segment_folder, segment_names, unfinished
from index.publishing import named_segments
from index.segment import COLLECTED
from index.vectors import are_unit, read_rows


class VectorSource(Protocol):
    """Vectors of texts, found by the keys of the texts."""

    def vectors_of_texts(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the vectors that there are, by the keys of their texts."""


class UnfinishedSegment:
    """The vectors in a folder that a killed run left.

    Raises IndexDamaged if they are of another model or graph, or unreadable.
    """

    def __init__(self, folder: Path, model: str, graph: str) -> None:
        try:
            self._catalog = Catalog(folder / CATALOG, closed=False)
            found, numbered = self._catalog.configuration, self._catalog.is_numbered
            collected = folder / COLLECTED
            self._vectors: Matrix = (
                np.load(folder / VECTORS, mmap_mode="r") if numbered else read_rows(collected, found.dimension)
            )
        except (OSError, EOFError, ValueError, IndexError, sqlite3.DatabaseError) as error:
            raise IndexDamaged(f"{folder.name} cannot be read: {error}") from error
        if (found.embedding_model, found.embedding_graph) != (model, graph):
            self.close()
            raise IndexDamaged(f"{folder.name} has vectors of another model")

    def vectors_of_texts(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the vectors of those texts that the run had embedded, by the keys of the texts."""
        rows = self._catalog.rows_of_texts(keys)
        found = {key: np.array(self._vectors[row]) for key, row in rows.items() if row < len(self._vectors)}
        return {key: vector for key, vector in found.items() if are_unit(vector[np.newaxis, :])[0]}

    def close(self) -> None:
        """Close the file."""
        self._catalog.close()


class KnownVectors:
    """The vectors that need not be computed: of every generation, and of what killed runs left.

    A rebuild takes only what a killed run left, which may have been a rebuild. `more` has further vectors.
    """

    def __init__(
        self,
        data: Path,
        embedder: Embedder,
        old: Generation | None,
        *,
        rebuild: bool = False,
        more: VectorSource | None = None,
    ) -> None:
        self._embedder = embedder
        segments = [] if old is None or rebuild else [part.segment for part in old.parts]
        self._sources: list[VectorSource] = [*segments, *([more] if more else [])]
        other = named_segments(data) if rebuild else {segment.id for segment in segments}
        closed = (segment_folder(data, name) for name in segment_names(data) if name not in other)
        self._folders = [*unfinished(data), *closed]
        self.used_remains = False

    def close(self) -> None:
        """Close what killed runs left."""
        for remains in self.__dict__.get("_remains", ()):
            remains.close()

    @cached_property
    def _remains(self) -> list[UnfinishedSegment]:
        """Open what killed runs left, and the segments that only other generations name."""
        found: list[UnfinishedSegment] = []
        for folder in self._folders:
            with suppress(IndexDamaged):
                found.append(UnfinishedSegment(folder, self._embedder.name, self._embedder.graph))
        return found

    def of(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the known vectors of some texts, by the keys of the texts."""
        found: dict[bytes, Vector] = {}
        for source in self._sources:
            found |= source.vectors_of_texts([key for key in keys if key not in found])
        for remains in self._remains if len(found) < len(keys) else ():
            more = remains.vectors_of_texts([key for key in keys if key not in found])
            self.used_remains |= bool(more)
            found |= more
        return found
