"""A generation: a list of segments and of the articles in them that are dead, searched as one index.

The rows of all segments are numbered through. Every score is global: exact cosines, and BM25 with the statistics of the
whole generation, so that articles rank the same however they are spread over segments.
"""

import os
import threading
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from functools import cache, cached_property
from pathlib import Path
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from index.catalog import PAGE, Catalog, Outlet
from index.chroma_server import ChromaServer
from index.copies import Compared, Stories, count_copies, stories_of
from index.embedding import Vector
from index.errors import EmbeddingFailed, IndexDamaged, reason_of
from index.layout import leased, manifest_path
from index.lexical import LexicalIndex, LexicalPart
from index.publishing import read_manifest
from index.records import (
    NO_BOUNDS,
    Article,
    Chunk,
    Filters,
    Listed,
    Manifest,
    Revision,
    SegmentEntry,
    fingerprint,
    isoformat,
)
from index.segment import Segment, open_segment
from index.vectors import least_of

T = TypeVar("T")

PARALLEL_ROWS = 20_000
"""Rows from which on the segments are searched on several threads."""

MOST_THREADS = 4

OPENING = 400
"""Code points of each body in a list of articles."""

MOST_VIEWS = 16
"""Restricted views that a generation keeps, those used last: each takes about 20 bytes for every chunk."""


class Part(NamedTuple):
    """A segment in a generation: `first` is its first row, `alive` a mask of its rows or None if all are alive.

    `dead` are the ids of the dead articles of `entry`.
    """

    segment: Segment
    entry: SegmentEntry
    first: int
    alive: NDArray[np.bool_] | None
    dead: frozenset[str]

    @property
    def rows(self) -> slice:
        """Return the segment's rows among those of the generation."""
        return slice(self.first, self.first + self.segment.record.chunk_count)

    def dead_with(self, article_ids: Collection[str]) -> tuple[str, ...]:
        """Return the ids of the dead articles if these are dead as well."""
        return tuple(sorted({*self.dead, *self.segment.catalog.article_rows(article_ids)}))

    def texts(self, wanted: NDArray[np.bool_]) -> Iterator[str]:
        """Yield the texts of some chunks, given as a mask of the rows, with at most a page of them in memory."""
        rows = np.flatnonzero(wanted).tolist()
        for start in range(0, len(rows), PAGE):
            yield from (chunk.text for chunk, _ in self.segment.catalog.chunks(rows[start : start + PAGE]))


class Generation:
    """A published generation, open for search; safe to share between threads. `close` gives its segments back.

    `restricted` returns a view of it, in which only the articles that pass some filters exist.
    """

    def __init__(
        self,
        manifest: Manifest,
        segments: Sequence[Segment],
        close: Callable[[], None],
        compared: Compared | None = None,
    ) -> None:
        self.manifest = manifest
        self.parts: list[Part] = []
        self.close = close
        self._compared: Compared = {} if compared is None else compared
        self._views: dict[Filters, Generation] = {}
        self._views_lock = threading.Lock()
        first = 0
        for segment, entry in zip(segments, manifest.segments, strict=True):
            alive = None
            if entry.dead:
                alive = np.ones(segment.record.chunk_count, dtype=bool)
                alive[segment.catalog.rows_of_articles(entry.dead)] = False
            self.parts.append(Part(segment, entry, first, alive, frozenset(entry.dead)))
            first += segment.record.chunk_count

    @property
    def name(self) -> str:
        """Return the generation's name."""
        return self.manifest.generation

    @cached_property
    def lexical(self) -> LexicalIndex:
        """Return the lexical index of all segments."""
        parts = [LexicalPart(part.segment.postings, part.alive, part.texts) for part in self.parts]
        return LexicalIndex(self.manifest.configuration.language, parts)

    @cached_property
    def stories(self) -> Stories:
        """Return the articles that are copies of one another."""
        catalogs = [part.segment.catalog for part in self.parts]
        return stories_of(catalogs, [part.dead for part in self.parts], self._compared)

    def count_copies(self, article_ids: Collection[str]) -> int:
        """Return how many of these articles are copies of others; much faster than `stories` for a few of them."""
        catalogs = [part.segment.catalog for part in self.parts]
        return count_copies(catalogs, [part.dead for part in self.parts], article_ids)

    def open(self) -> None:
        """Open everything that questions use, so that the first question does not wait for it."""
        for part in self.parts:
            part.segment.open()
        _ = self.lexical, self.stories

    def restricted(self, bounds: Filters) -> "Generation":
        """Return a view in which articles that do not pass `bounds` are dead; without bounds, the generation itself.

        The view equals a generation of the other articles alone, in its counts, scores, stories and words. Only its
        name and the time of its publication are those of the complete one. It must not be used after the generation is
        closed.
        """
        if bounds == NO_BOUNDS:
            return self
        with self._views_lock:
            view = self._views.pop(bounds, None) or self._view(bounds)
            self._views[bounds] = view
            if len(self._views) > MOST_VIEWS:
                del self._views[next(iter(self._views))]
        view.open()
        return view

    def _view(self, bounds: Filters) -> "Generation":
        kept: list[tuple[Segment, SegmentEntry]] = []
        for part in self.parts:
            dead = part.dead.union(part.segment.catalog.ids_outside(bounds))
            if len(dead) < part.segment.record.article_count:
                kept.append((part.segment, replace(part.entry, dead=tuple(dead))))
        view = Generation(
            replace(self.manifest, segments=tuple(entry for _, entry in kept)),
            [segment for segment, _ in kept],
            close=lambda: None,
            # A copy, because computing the stories drops the comparisons that it does not use.
            compared=dict(self._compared),
        )
        hashes = view.hashes()
        view.manifest = replace(
            view.manifest,
            article_count=len(hashes),
            chunk_count=view.lexical.row_count,
            fingerprint=fingerprint(hashes.items(), self.manifest.configuration),
        )
        return view

    def allowed_rows(self, filters: Filters) -> NDArray[np.bool_] | None:
        """Return a mask of the live chunks whose articles pass the filters; None if all rows do."""
        if filters == Filters() and all(part.alive is None for part in self.parts):
            return None
        masks = [np.empty(0, dtype=bool)]
        for part in self.parts:
            if filters == Filters():
                mask = np.ones(part.segment.record.chunk_count, dtype=bool)
            else:
                mask = part.segment.catalog.allowed_rows(filters)
            masks.append(mask if part.alive is None else mask & part.alive)
        return np.concatenate(masks)

    def count_articles(self, rows: NDArray[np.bool_]) -> int:
        """Return the number of articles with a chunk among these rows, given as a mask."""
        return sum(len(np.unique(part.segment.catalog.article_of_row[rows[part.rows]])) for part in self.parts)

    def nearest(self, vector: Vector, count: int, allowed: NDArray[np.bool_] | None) -> NDArray[np.int64]:
        """Return the `count` rows nearest to a vector among those allowed, in any order, and those that are as near.

        Raises EmbeddingFailed for a vector of another dimension.
        """
        dimension = self.manifest.configuration.dimension
        if vector.shape != (dimension,):
            raise EmbeddingFailed(
                f"the question's vector has the shape {vector.shape}, the index has {dimension} dimensions",
                "Check DATELINE_EMBEDDING_MODEL: it must name the embedding model that the index was built with.",
            )

        def search(part: Part) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
            dead = 0 if part.alive is None else int(np.count_nonzero(~part.alive))
            mask = None if allowed is None else allowed[part.rows]
            found, near = part.segment.nearest(vector, count, mask, dead)
            return part.first + found, near

        # Threads cost more than they save on a small index.
        each = _threads().map if self.manifest.chunk_count > PARALLEL_ROWS else map
        found = list(each(search, self.parts))
        rows = [np.empty(0, dtype=np.int64), *(rows for rows, _ in found)]
        near = np.concatenate([np.empty(0, dtype=np.float32), *(near for _, near in found)])
        return np.concatenate(rows)[near >= least_of(near, count)]

    def cosines(self, vector: Vector, rows: NDArray[np.int64]) -> NDArray[np.float64]:
        """Return the exact cosine of a vector with each of these rows.

        In double precision: in single precision the last bits depend on the position of a row among its neighbours.
        """
        found, exact = np.empty(len(rows)), vector.astype(np.float64)
        for part, places, own in self._by_part(rows):
            found[places] = part.segment.vectors[own].astype(np.float64) @ exact
        return found

    def chunks(self, rows: NDArray[np.int64]) -> list[tuple[Chunk, Article]]:
        """Return the chunks of these rows with their articles, in the order of `rows`."""
        return self._of_rows(rows, Catalog.chunks)

    def outlets(self, rows: NDArray[np.int64]) -> list[Outlet]:
        """Return where and when the chunks in these rows were published, in the order of `rows`."""
        return self._of_rows(rows, Catalog.outlets)

    def _of_rows(self, rows: NDArray[np.int64], read: Callable[[Catalog, list[int]], list[T]]) -> list[T]:
        found: dict[int, T] = {}
        for part, places, own in self._by_part(rows):
            found.update(zip(places.tolist(), read(part.segment.catalog, own.tolist()), strict=True))
        return [found[place] for place in range(len(rows))]

    def article(self, article_id: str) -> Article | None:
        """Return the article with that id, or None."""
        for part in self.parts:
            if article_id not in part.dead and (found := part.segment.catalog.article(article_id)):
                return found
        return None

    def known(self, article_ids: Collection[str]) -> set[str]:
        """Return those of some ids that articles of the generation have."""
        found = (part.segment.catalog.article_rows(article_ids).keys() - part.dead for part in self.parts)
        return set[str]().union(*found)

    def histories(self, article_ids: Collection[str]) -> dict[str, tuple[Revision, ...]]:
        """Return the revisions of those articles that have some, by article id, newest first."""
        found: dict[str, tuple[Revision, ...]] = {}
        for part in self.parts:
            found |= part.segment.catalog.histories([each for each in article_ids if each not in part.dead])
        return found

    def correcting_rows(self, article: Article) -> NDArray[np.int64]:
        """Return the rows of later articles by the same source that say that they correct another one."""
        if article.source is None or article.published_at is None:
            return np.empty(0, dtype=np.int64)
        published, rows = self._correcting.get(article.source.casefold(), _NO_ROWS)
        # Sorted by date, as text without its Z.
        return rows[np.searchsorted(published, isoformat(article.published_at).removesuffix("Z"), side="right") :]

    @cached_property
    def _correcting(self) -> dict[str, tuple[NDArray[np.str_], NDArray[np.int64]]]:
        """Return dates of publication and rows of correcting articles, by source, the oldest first."""
        found: dict[str, list[tuple[str, int]]] = {}
        for part in self.parts:
            for source, published, row in part.segment.catalog.correcting:
                if part.alive is None or part.alive[row]:
                    found.setdefault(source, []).append((published, part.first + row))
        return {
            source: (np.array([each for each, _ in pairs]), np.array([row for _, row in pairs], dtype=np.int64))
            for source, pairs in ((source, sorted(pairs)) for source, pairs in found.items())
        }

    def articles(self) -> Iterator[Article]:
        """Yield all articles, with at most a page of them in memory."""
        for part in self.parts:
            yield from (each for each, _ in part.segment.catalog.articles() if each.article_id not in part.dead)

    def listed(self, offset: int, limit: int, opening: int = OPENING) -> list[Listed]:
        """Return a page of articles with the openings of their bodies: newest first, undated ones last, then by id."""
        keys = [
            (published, article_id, at, row)
            for at, part in enumerate(self.parts)
            for published, article_id, row in part.segment.catalog.newest(offset + limit, part.dead)
        ]
        keys.sort(key=lambda key: key[1])
        keys.sort(key=lambda key: key[0] or "", reverse=True)
        page = keys[offset : offset + limit]
        found: dict[tuple[int, int], Listed] = {}
        for at, part in enumerate(self.parts):
            rows = [row for _, _, place, row in page if place == at]
            found |= {(at, row): each for row, each in part.segment.catalog.listed(rows, opening).items()}
        return [found[at, row] for _, _, at, row in page]

    def dates(self) -> tuple[str | None, str | None]:
        """Return the oldest and the newest date of publication, ISO 8601; None if no article has one."""
        found = [part.segment.catalog.dates(part.dead) for part in self.parts]
        oldest = min((oldest for oldest, _ in found if oldest), default=None)
        newest = max((newest for _, newest in found if newest), default=None)
        return oldest and f"{oldest}Z", newest and f"{newest}Z"

    def hashes(self) -> dict[str, str]:
        """Return the content hash of every article by its id."""
        return dict(each for part in self.parts for each in part.segment.catalog.hashes(part.dead).items())

    def origins(self) -> dict[str, str]:
        """Return the origin of every article by its id."""
        return dict(each for part in self.parts for each in part.segment.catalog.origins(part.dead).items())

    def _by_part(self, rows: NDArray[np.int64]) -> Iterable[tuple[Part, NDArray[np.int64], NDArray[np.int64]]]:
        """Yield each part that has some of these rows, their places in `rows`, and their numbers in its segment."""
        part_of = np.searchsorted([part.first for part in self.parts], rows, side="right") - 1
        for at in np.unique(part_of).tolist():
            places = np.flatnonzero(part_of == at)
            yield self.parts[at], places, rows[places] - self.parts[at].first


@cache
def _threads() -> ThreadPoolExecutor:
    """Return the threads that search segments; numpy and Chroma release the interpreter's lock."""
    return ThreadPoolExecutor(min(os.cpu_count() or 1, MOST_THREADS), thread_name_prefix="search")


_NO_ROWS = (np.empty(0, dtype=np.str_), np.empty(0, dtype=np.int64))


class SegmentPool:
    """Open segments, each opened for the first generation that names it, and closed with the last.

    With `checked` off, files are compared by their sizes only.
    """

    def __init__(self, data: Path, server: ChromaServer | None = None, *, checked: bool = True) -> None:
        self._data = data
        self._server = server
        self._checked = checked
        self._lock = threading.Lock()
        self._open: dict[str, tuple[Segment, int]] = {}
        self.compared: Compared = {}

    def take(self, entry: SegmentEntry) -> Segment:
        """Return a segment of a generation, opened if it is not; raises IndexDamaged if it is missing or corrupt."""
        with self._lock:
            segment, users = self._open.get(entry.segment, (None, 0))
            if segment is None:
                segment = open_segment(self._data, entry, self._server, checked=self._checked)
            self._open[entry.segment] = (segment, users + 1)
            return segment

    def give_back(self, segment: Segment) -> None:
        """End the use of a segment, and close it if that was the last one."""
        with self._lock:
            _, users = self._open.pop(segment.id)
            if users > 1:
                self._open[segment.id] = (segment, users - 1)
                return
        segment.close()


def open_generation(data: Path, name: str, pool: SegmentPool | None = None) -> Generation:
    """Open a generation with a lease on it; raises IndexDamaged if a part of it is missing or corrupt."""
    pool = pool or SegmentPool(data)
    with ExitStack() as opened:
        try:
            opened.enter_context(leased(manifest_path(data, name)))
        except OSError as error:
            raise IndexDamaged(
                f"generation {name} cannot be opened: {reason_of(error)}", "Run `dateline doctor`."
            ) from error
        manifest = read_manifest(data, name)
        segments: list[Segment] = []
        for entry in manifest.segments:
            segments.append(pool.take(entry))
            opened.callback(pool.give_back, segments[-1])
        return Generation(manifest, segments, opened.pop_all().close, pool.compared)
