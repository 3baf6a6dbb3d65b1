"""The ingest job: read articles, write what is new into segments, publish a generation. Read `run` first."""

import os
import sqlite3
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from index.catalog import text_key
from index.chroma_server import ChromaServer
from index.embedding import Embedder
from index.embedding.local import count_pieces
from index.errors import DatelineError, IndexMismatch
from index.generation import Generation, SegmentPool, open_generation
from index.layout import (
    current_name,
    generation_names,
    ingest_lock,
    is_of_first_release,
    no_index,
)
from index.lexical import stop_word_list
from index.publishing import (
    SCHEMA_VERSION,
    STALE_S,
    copy_to,
    entry_of,
    merge,
    publish,
    readable_manifests,
    retire,
    sweep,
)
from index.records import Article, Chunk, Configuration, Revision, SegmentEntry, indexed_text
from index.spool import SpoolEntry
from index.text import CHUNKER, chunks_of
from ingest.changes import Changes, Move, revised
from ingest.fetched import Fetched
from ingest.known_vectors import KnownVectors, VectorSource
from ingest.load import LoadedArticle, Loader, find
from ingest.load.fieldmap import FieldMap
from ingest.load.pushed import pushed_file
from ingest.new_segments import NewSegments
from ingest.report import ArticleRejected, IngestReport, Notice, Progress

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
    not read. `fetch` yields the articles of addresses. Texts that `vectors` has are not embedded.
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
    vectors: VectorSource | None = None
    keep_generations: int = 3
    server: ChromaServer | None = None


def run(ingest: Ingest, embedder: Embedder, progress: Progress) -> IngestReport:
    """Ingest articles and publish a new generation, unless nothing changed.

    If the process is killed at any point, the old generation stays current, and the next run embeds no text again.
    Rejected articles are in the report. Raises IngestRunning, IndexMismatch, EmbeddingFailed or PublishFailed.
    """
    started = time.monotonic()
    with (
        opened(ingest, embedder) as (old, known, pool),
        NewSegments(ingest.data, lambda: configuration_of(embedder, ingest.language)) as new,
    ):
        changes, embedded = changes_since(old, ingest), 0
        for batch in batches_to_store(ingest, old, changes, progress):
            if not ingest.dry_run:
                embedded += _store(batch, new, known, embedder, old)
        removed = _removed(ingest, changes)
        report = changes.report(removed, dry_run=ingest.dry_run)
        if not ingest.dry_run and _must_publish(changes, removed, ingest, old):
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


class Opened(NamedTuple):
    """The index that a run continues: its generation, if there is one, the known vectors, and the open segments."""

    old: Generation | None
    known: KnownVectors
    pool: SegmentPool


@contextmanager
def opened(ingest: Ingest, embedder: Embedder) -> Iterator[Opened]:
    """Lock the data folder and open its index; raises IngestRunning, IndexDamaged or IndexMismatch."""
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
        known = KnownVectors(ingest.data, embedder, old, rebuild=ingest.rebuild, more=ingest.vectors)
        stack.enter_context(closing(known))
        yield Opened(old, known, pool)


class Batch(NamedTuple):
    """Articles to store together; those in `withdrawn` came in an earlier batch and are not stored after all."""

    articles: Sequence[Article]
    withdrawn: frozenset[str] = frozenset()


def batches_to_store(ingest: Ingest, old: Generation | None, changes: Changes, progress: Progress) -> Iterator[Batch]:
    """Yield the articles that a run stores: those that are new or changed, then moved ones, then the rest of a rebuild.

    The batches of one step are complete before the next one begins, because it depends on what was read.
    """
    stored: set[str] = set()
    for batch in _batches(changes.compare(_articles(ingest, old, progress))):
        stored.update(article.article_id for article in batch)
        yield Batch(batch)
    moves = changes.move(ingest.paths, old.article) if old is not None else {}
    withdrawn = frozenset((*changes.withdrawn, *moves))
    yield Batch((), withdrawn)
    yield from map(Batch, _batches(_moved(moves.values(), old)))
    if old is not None and ingest.rebuild and not ingest.dry_run:
        done = (stored - withdrawn) | {move.article_id for move in moves.values()} | _removed(ingest, changes)
        yield from map(Batch, _batches(article for article in old.articles() if article.article_id not in done))


class ChunkedArticle(NamedTuple):
    """An article, its chunks, and the text that is embedded for each chunk, by the text's key in their order."""

    article: Article
    chunks: Sequence[Chunk]
    keys: Sequence[bytes]
    texts: Mapping[bytes, str]


def chunked(article: Article) -> ChunkedArticle:
    """Split an article into chunks."""
    chunks = chunks_of(article, count_pieces)
    keys = [text_key(article, chunk) for chunk in chunks]
    texts = (indexed_text(article.title, chunk.text) for chunk in chunks)
    return ChunkedArticle(article, chunks, keys, dict(zip(keys, texts, strict=True)))


def configuration_of(embedder: Embedder, language: str) -> Configuration:
    """Return the configuration of a generation built now; may ask a remote embedder for its dimension."""
    return Configuration(dimension=embedder.dimension, **_without_dimension(embedder, language))


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


def changes_since(old: Generation | None, ingest: Ingest) -> Changes:
    """Return the comparison of a run with the generation that it continues."""
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


def _batches(articles: Iterator[Article]) -> Iterator[list[Article]]:
    while batch := list(islice(articles, ARTICLES_AT_ONCE)):
        yield batch


def _store(batch: Batch, new: NewSegments, known: KnownVectors, embedder: Embedder, old: Generation | None) -> int:
    """Chunk articles, embed what has no vector yet, and add them to the new segments; return how many texts were.

    An article that the previous generation has keeps its history.
    """
    for article_id in batch.withdrawn:
        new.discard(article_id)
    split = [chunked(article) for article in batch.articles]
    texts = {key: text for each in split for key, text in each.texts.items()}
    vectors = known.of(list(texts))
    missing = [key for key in texts if key not in vectors]
    if missing:
        vectors |= zip(missing, embedder.embed_texts([texts[key] for key in missing]), strict=True)
    histories = {} if old is None else _histories(batch.articles, old)
    for each in split:
        rows = [vectors[key] for key in each.keys]
        matrix = np.stack(rows) if rows else np.empty((0, embedder.dimension), np.float32)
        new.add(each.article, each.chunks, matrix, histories.get(each.article.article_id, ()))
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
