"""The ingest job: read articles, write what is new into segments, publish a generation. Read `run` first."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, suppress
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from functools import cached_property, partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from index.catalog import Catalog, text_key
from index.chroma_server import ChromaServer
from index.embedding import Embedder, Matrix, Vector
from index.embedding.local import count_pieces
from index.errors import DatelineError, IndexDamaged, IndexMismatch
from index.generation import Generation, SegmentPool, open_generation
from index.layout import (
    CATALOG,
    VECTORS,
    current_name,
    generation_names,
    ingest_lock,
    is_of_first_release,
    no_index,
    segment_folder,
    segment_names,
    unfinished,
)
from index.lexical import stop_word_list
from index.publishing import (
    SCHEMA_VERSION,
    STALE_S,
    copy_to,
    entry_of,
    merge,
    named_segments,
    publish,
    readable_manifests,
    retire,
    sweep,
)
from index.records import Article, Chunk, Configuration, Revision, SegmentEntry, SegmentRecord, indexed_text
from index.segment import COLLECTED, SegmentWriter
from index.spool import SpoolEntry
from index.text import CHUNKER, chunks_of
from index.vectors import are_unit, read_rows
from ingest.changes import Changes, Move, revised
from ingest.fetched import Fetched
from ingest.load import LoadedArticle, Loader, find
from ingest.load.fieldmap import FieldMap
from ingest.load.pushed import pushed_file
from ingest.report import ArticleRejected, IngestReport, Notice, Progress

SEGMENT_CHUNKS = 25_000
"""Chunks at which a segment is closed: its build then needs about 100 MB."""

ARTICLES_AT_ONCE = 32
"""Articles that are chunked and stored together: what an ingest keeps in memory, and the most that a kill repeats."""


Fetch = Callable[[Mapping[str, str]], Iterable[Fetched]]
"""A function that fetches articles, given the content hash of every article of the index by its origin."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """The input and the options of a run.

    `prune` removes articles whose file is gone, `rebuild` chunks and embeds every article again, `dry_run` changes
    nothing, and `follow_links` also reads targets of links outside of the given folders. The entries of JSON files are
    read by the `field_map`, if one is given; `site` is the address of the site of an export that states none. `pushed`
    are entries of the spool, at most one of an article. Files of `passed` have not changed since an earlier run and are
    not read. `fetch` yields the articles of addresses.
    """

    paths: tuple[Path, ...]
    data: Path
    language: str
    prune: bool = False
    rebuild: bool = False
    dry_run: bool = False
    follow_links: bool = False
    field_map: FieldMap | None = None
    site: str | None = None
    pushed: tuple[SpoolEntry, ...] = ()
    passed: frozenset[Path] = frozenset()
    fetch: Fetch | None = None
    keep_generations: int = 3
    server: ChromaServer | None = None


def run(ingest: Ingest, embedder: Embedder, progress: Progress) -> IngestReport:
    """Ingest articles and publish a new generation, unless nothing changed.

    If the process is killed at any point, the old generation stays current, and the next run embeds no text again.
    Rejected articles are in the report. Raises IngestRunning, IndexMismatch, EmbeddingFailed or PublishFailed.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(ingest_lock(ingest.data))
        if ingest.server is not None:
            # Fail before an hour of embedding.
            ingest.server.ping()
        # Only sizes are compared: nothing is hashed that did not change.
        pool = SegmentPool(ingest.data, checked=False)
        old = _previous_generation(ingest, embedder, pool)
        if old is not None:
            stack.callback(old.close)
        known = stack.enter_context(closing(KnownVectors(ingest, embedder, old)))
        new = stack.enter_context(NewSegments(ingest.data, lambda: configuration_of(embedder, ingest.language)))

        changes = _changes(ingest, old)
        store = partial(_store_all, ingest, new, known, embedder, old)
        embedded = store(changes.compare(_articles(ingest, old, progress)))
        moves = changes.move(ingest.paths, old.article) if old is not None else {}
        for article_id in (*changes.withdrawn, *moves):
            new.discard(article_id)
        embedded += store(_moved(moves.values(), old))
        removed = _removed(ingest, changes)
        report = changes.report(removed, dry_run=ingest.dry_run)
        if not ingest.dry_run and _must_publish(changes, removed, ingest, old):
            embedded += store(_to_rebuild(ingest, old, new.article_ids | removed))
            with progress.step("build the index"):
                entries = _entries(ingest, old, new, removed)
            with progress.step("publish and merge"):
                manifest = publish(ingest.data, configuration_of(embedder, ingest.language), entries, ingest.server)
                with closing(open_generation(ingest.data, manifest.generation, pool)) as published:
                    report.copies = published.count_copies(new.article_ids)
                report.notices += _clear_up(ingest, 0.0 if known.used_remains else STALE_S)
            # A merge publishes a generation of its own, with the same chunks.
            report.generation = current_name(ingest.data)
            report.chunks, report.embedded = manifest.chunk_count, embedded
        elif ingest.server is not None and old is not None:
            copy_to(ingest.server, ingest.data, old.manifest)
    report.seconds = time.monotonic() - started
    return report


def configuration_of(embedder: Embedder, language: str) -> Configuration:
    """Return the configuration of a generation built now; may ask a remote embedder for its dimension."""
    return Configuration(dimension=embedder.dimension, **_without_dimension(embedder, language))


class NewSegments:
    """The segments that one run writes: an article that comes again replaces the earlier one.

    `configuration` is asked for when the first article is added. If the block raises, what was stored is kept for the
    next run.
    """

    def __init__(self, data: Path, configuration: Callable[[], Configuration]) -> None:
        self._data = data
        self._configuration = configuration
        self._writer: SegmentWriter | None = None
        self._closed: list[tuple[SegmentRecord, set[str]]] = []
        self._place_of: dict[str, int] = {}  # the article's segment, by its place in the order of writing

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Remove the segment under construction, or keep it for the next run if the block raised.

        Nothing is left on a disk that is full.
        """
        if self._writer is None:
            return
        if error is None or isinstance(error, (OSError, sqlite3.OperationalError)):
            self._writer.abandon()
        else:
            self._writer.keep()

    @property
    def article_ids(self) -> set[str]:
        """Return the ids of the articles that were added and not discarded."""
        return set(self._place_of)

    def add(self, article: Article, chunks: Sequence[Chunk], vectors: Matrix, history: Sequence[Revision] = ()) -> None:
        """Add an article with its chunks, their vectors and its revisions, newest first; raises EmbeddingFailed."""
        self.discard(article.article_id)
        if self._writer is None:
            self._writer = SegmentWriter(self._data, self._configuration())
        self._writer.add(article, chunks, vectors, history)
        self._place_of[article.article_id] = len(self._closed)

    def store(self) -> None:
        """Store everything so far, so that a killed run leaves it; close a full segment."""
        if self._writer is not None:
            self._writer.store()
            if self._writer.chunk_count >= SEGMENT_CHUNKS:
                self._close()

    def discard(self, article_id: str) -> None:
        """Remove an article, if it was added."""
        place = self._place_of.pop(article_id, None)
        if place is None:
            return
        if place < len(self._closed):
            self._closed[place][1].add(article_id)
        elif self._writer is not None:
            self._writer.discard(article_id)

    def finish(self) -> list[tuple[SegmentRecord, set[str]]]:
        """Close the last segment; return the record of each, with the ids of the articles that are dead in it."""
        self._close()
        return self._closed

    def _close(self) -> None:
        if self._writer is None:
            return
        record = self._writer.close()
        self._writer = None
        if record is not None:
            self._closed.append((record, set()))


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

    A rebuild takes only what a killed run left, which may have been a rebuild.
    """

    def __init__(self, ingest: Ingest, embedder: Embedder, old: Generation | None) -> None:
        self._embedder = embedder
        self._sources = [] if old is None or ingest.rebuild else [part.segment for part in old.parts]
        data = ingest.data
        other = named_segments(data) if ingest.rebuild else {segment.id for segment in self._sources}
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


def _without_dimension(embedder: Embedder, language: str) -> dict[str, Any]:
    return {
        "embedding_model": embedder.name,
        "embedding_graph": embedder.graph,
        "chunker": CHUNKER,
        "language": language,
        "stop_words": stop_word_list(language),
        "schema": SCHEMA_VERSION,
    }


def _previous_generation(ingest: Ingest, embedder: Embedder, pool: SegmentPool) -> Generation | None:
    """Return the generation to continue from, or None.

    Raises IndexDamaged if it cannot be opened, and IndexMismatch if its configuration differs from the settings, unless
    the run rebuilds it: then an index without a readable manifest is like none.
    """
    if is_of_first_release(ingest.data) and not ingest.rebuild:
        raise no_index(ingest.data)
    # A first ingest that is killed just before its end leaves a complete generation without CURRENT.
    name = current_name(ingest.data) or next(iter(generation_names(ingest.data)), None)
    if name is None or (ingest.rebuild and not readable_manifests(ingest.data)):
        return None
    generation = open_generation(ingest.data, name, pool)
    built, wanted = asdict(generation.manifest.configuration), _without_dimension(embedder, ingest.language)
    differing = [
        f"its {name} is {built[name]!r}, the settings say {wanted[name]!r}"
        for name in wanted
        if built[name] != wanted[name]
    ]
    if differing and not ingest.rebuild:
        generation.close()
        raise IndexMismatch(
            f"the index has another configuration: {'; '.join(differing)}",
            "Run `dateline ingest --rebuild PATH`, choose another folder with --data, or change the settings back.",
        )
    return generation


def _changes(ingest: Ingest, old: Generation | None) -> Changes:
    hashes, origins = (old.hashes(), old.origins()) if old is not None else ({}, {})
    named = frozenset(os.path.abspath(path) for path in ingest.paths)  # noqa: PTH100
    return Changes(hashes, origins, named, frozenset(path.as_posix() for path in ingest.passed))


def _removed(ingest: Ingest, changes: Changes) -> set[str]:
    """Return the ids of the articles to remove: taken down, pushed as deleted, or, if asked for, without their file."""
    deleted = {entry.article_id for entry in ingest.pushed if entry.action == "delete"} & changes.hashes.keys()
    lost = changes.gone(ingest.paths) | changes.pages_gone.keys() if ingest.prune else set()
    return changes.taken_down | deleted | lost


def _articles(ingest: Ingest, old: Generation | None, progress: Progress) -> Iterator[Fetched]:
    """Yield the articles of the files, then those of the addresses; a rebuild fetches everything again."""
    if ingest.paths or ingest.pushed:
        yield from _articles_of_files(ingest, progress)
    if ingest.fetch is not None:
        known = {} if old is None or ingest.rebuild else hashes_by_origin(old)
        with progress.bar("fetch and embed", total=None, unit="article") as advance:
            for item in ingest.fetch(known):
                yield item
                advance(1)


def hashes_by_origin(generation: Generation) -> dict[str, str]:
    """Return the content hash of every article by its origin."""
    hashes = generation.hashes()
    return {origin: hashes[article_id] for article_id, origin in generation.origins().items()}


def _articles_of_files(ingest: Ingest, progress: Progress) -> Iterator[LoadedArticle | ArticleRejected]:
    found = find(ingest.paths, follow_links=ingest.follow_links)
    files = [file for file in found if file.path not in ingest.passed]
    files += [pushed_file(entry) for entry in ingest.pushed if entry.action == "put"]
    with progress.bar("read and embed", total=len(files), unit="file") as advance, Loader() as loader:
        for file in files:
            yield from loader.load(replace(file, field_map=ingest.field_map, site=ingest.site))
            advance(1)


def _store_all(
    ingest: Ingest,
    new: NewSegments,
    known: KnownVectors,
    embedder: Embedder,
    old: Generation | None,
    articles: Iterator[Article],
) -> int:
    """Store articles in batches, unless the run is dry; return how many texts were embedded."""
    embedded = 0
    while batch := list(islice(articles, ARTICLES_AT_ONCE)):
        if not ingest.dry_run:
            embedded += _store(batch, new, known, embedder, old)
    return embedded


def _store(
    articles: Sequence[Article], new: NewSegments, known: KnownVectors, embedder: Embedder, old: Generation | None
) -> int:
    """Chunk articles, embed what has no vector yet, and add them to the new segments; return how many texts were.

    An article that the previous generation has keeps its history.
    """
    chunked = [(article, chunks_of(article, count_pieces)) for article in articles]
    keyed = [(article, chunks, [text_key(article, chunk) for chunk in chunks]) for article, chunks in chunked]
    texts = {
        key: indexed_text(article.title, chunk.text)
        for article, chunks, keys in keyed
        for key, chunk in zip(keys, chunks, strict=True)
    }
    vectors = known.of(list(texts))
    missing = [key for key in texts if key not in vectors]
    if missing:
        vectors |= zip(missing, embedder.embed_texts([texts[key] for key in missing]), strict=True)
    histories = {} if old is None else _histories(articles, old)
    for article, chunks, keys in keyed:
        rows = [vectors[key] for key in keys]
        history = histories.get(article.article_id, ())
        new.add(article, chunks, np.stack(rows) if rows else np.empty((0, embedder.dimension), np.float32), history)
    new.store()
    return len(missing)


def _histories(articles: Sequence[Article], old: Generation) -> dict[str, tuple[Revision, ...]]:
    """Return the history of each article, with what changed since the previous generation."""
    earlier, now = old.histories([article.article_id for article in articles]), datetime.now(UTC)
    return {
        each.article_id: revised(each, old.article(each.article_id), earlier.get(each.article_id, ()), now)
        for each in articles
    }


def _moved(moves: Iterable[Move], old: Generation | None) -> Iterator[Article]:
    """Yield the articles of the previous generation that have a new origin."""
    for move in moves:
        if old is not None and (article := old.article(move.article_id)) is not None:
            yield replace(article, origin=move.origin)


def _to_rebuild(ingest: Ingest, old: Generation | None, done: set[str]) -> Iterator[Article]:
    """Yield the articles of the previous generation that a rebuild has not read from files."""
    if ingest.rebuild and old is not None:
        yield from (article for article in old.articles() if article.article_id not in done)


def _entries(ingest: Ingest, old: Generation | None, new: NewSegments, removed: set[str]) -> list[SegmentEntry]:
    """Return the segments of the new generation: the old ones, in which what was replaced is dead, and the new ones."""
    entries = [entry_of(ingest.data, record.segment, dead) for record, dead in new.finish()]
    if old is None or ingest.rebuild:
        return entries
    replaced = new.article_ids | removed
    return [*(replace(part.entry, dead=part.dead_with(replaced)) for part in old.parts), *entries]


def _clear_up(ingest: Ingest, remains_older_than_s: float) -> Iterator[Notice]:
    """Merge segments and remove old generations; if that fails, the published generation is complete."""
    try:
        merge(ingest.data, ingest.server)
        retire(ingest.data, ingest.keep_generations, ingest.server)
        sweep(ingest.data, ingest.server, older_than_s=remains_older_than_s)
    except (DatelineError, OSError, sqlite3.OperationalError) as error:
        happened = error.args[0] if isinstance(error, DatelineError) else error
        message = f"the articles are published, but old segments were not merged or removed: {happened}"
        yield Notice("not_merged", str(ingest.data), message)


def _must_publish(changes: Changes, removed: set[str], ingest: Ingest, old: Generation | None) -> bool:
    """Return whether articles changed, or the previous generation is not current."""
    if changes.added or changes.updated or removed:
        return True
    return old is not None and (ingest.rebuild or old.name != current_name(ingest.data))
