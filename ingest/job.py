"""The ingest job: read articles and publish a new generation of the index. Read `run` first."""

import os
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from index.catalog import Catalog
from index.dense.server import ChromaServer
from index.embedding import Embedder
from index.embedding.local import count_pieces
from index.errors import IndexMismatch
from index.generation import check_catalog, file_faults, read_manifest
from index.layout import CATALOG, COLLECTION_FILE, EMBEDDINGS, LEASE, current_name, generation_folder, generation_names
from index.locks import ingest_lock
from index.publish import SCHEMA_VERSION, new_staging, publish, write_manifest
from index.rebuild import refill
from index.records import Configuration, indexed_text
from index.retention import abandon, retire, sweep
from index.staging import Staging
from index.terms import stop_word_list
from index.vector_cache import VectorCache, embedding_key, embedding_model_id
from ingest.changes import Changes
from ingest.chunk import CHUNKER, SentenceChunker
from ingest.errors import ArticleRejected
from ingest.load import LoadedArticle, find
from ingest.load.child import Loader
from ingest.progress import Progress
from ingest.report import IngestReport, nearly_equal

ARTICLES_AT_ONCE = 64
"""Articles that are chunked together: the number that an ingest keeps in memory."""

EMBEDDING_BATCH = 128
"""Texts that are embedded and stored together: the most that a killed ingest repeats."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """The input and the options of a run.

    `prune` removes articles whose file is gone, `rebuild` chunks every article again, `dry_run` changes nothing, and
    `follow_links` also reads targets of links outside of the given folders.
    """

    paths: tuple[Path, ...]
    data: Path
    language: str
    prune: bool = False
    rebuild: bool = False
    dry_run: bool = False
    follow_links: bool = False
    keep_generations: int = 3
    server: ChromaServer | None = None


def run(ingest: Ingest, embedder: Embedder, progress: Progress) -> IngestReport:
    """Ingest articles and publish a new generation, unless nothing changed.

    If the process is killed at any point, the old generation stays current and the next run continues from it.
    Rejected articles are in the report. Raises IngestRunning, IndexMismatch, EmbeddingFailed or PublishFailed.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(ingest_lock(ingest.data))
        if ingest.server is not None:
            # Fail before an hour of embedding.
            ingest.server.ping()
        sweep(ingest.data, ingest.server)
        old = _previous_generation(ingest, embedder)
        staging = Staging(new_staging(ingest.data))
        stack.callback(abandon, staging.folder, ingest.server)
        stack.callback(staging.close)

        changes = _read(ingest, old, staging, progress)
        removed = changes.gone(ingest.paths) if ingest.prune else set()
        report = _report(changes, removed, dry_run=ingest.dry_run)
        if not ingest.dry_run and _must_publish(changes, removed, ingest, old):
            if old is not None:
                kept = changes.hashes.keys() - changes.updated.keys() - removed
                (staging.renew if ingest.rebuild else staging.keep)(old / CATALOG, kept)
            store = stack.enter_context(closing(VectorCache(ingest.data / EMBEDDINGS, embedding_model_id(embedder))))
            report.embedded = _chunk_and_embed(staging, embedder, store, progress)
            with progress.step("build the index"):
                configuration = configuration_of(embedder, ingest.language)
                if old is not None and not ingest.rebuild:
                    with closing(Catalog(old / CATALOG)) as catalog:
                        refill(store, catalog, ingest.data, configuration)
                report.chunks = staging.finish(store, configuration, ingest.server)
                manifest = write_manifest(staging.folder, configuration, changes.hashes_after(removed), report.chunks)
            with progress.step("verify and publish"):
                manifest = publish(ingest.data, staging.folder, manifest, ingest.server)
                retire(ingest.data, ingest.keep_generations, ingest.server)
            report.generation = manifest.generation
            if manifest.search == "exact":
                report.notices.append(nearly_equal(generation_folder(ingest.data, manifest.generation)))
    report.seconds = time.monotonic() - started
    return report


def configuration_of(embedder: Embedder, language: str) -> Configuration:
    """Return the configuration of a generation built now; may ask a remote embedder for its dimension."""
    return Configuration(dimension=embedder.dimension, **_without_dimension(embedder, language))


def embed_missing(texts: Sequence[str], embedder: Embedder, store: VectorCache) -> int:
    """Embed the texts whose vectors the store lacks, each once, and store them; return how many."""
    by_key = {embedding_key(text): text for text in texts}
    missing = store.missing(by_key)
    keys = [key for key in by_key if key in missing]
    for start in range(0, len(keys), EMBEDDING_BATCH):
        batch = keys[start : start + EMBEDDING_BATCH]
        store.put(batch, embedder.embed_texts([by_key[key] for key in batch]))
    return len(keys)


def _without_dimension(embedder: Embedder, language: str) -> dict[str, Any]:
    return {
        "embedding_model": embedder.name,
        "embedding_graph": embedder.graph,
        "chunker": CHUNKER,
        "language": language,
        "stop_words": stop_word_list(language),
        "schema": SCHEMA_VERSION,
    }


def _previous_generation(ingest: Ingest, embedder: Embedder) -> Path | None:
    """Return the folder of the generation to continue from, or None; the ingest lock keeps it from being removed.

    Raises IndexDamaged if its catalogue is corrupt. Raises IndexMismatch if its configuration differs from the
    settings, unless the run rebuilds it.
    """
    # A first ingest that is killed just before its end leaves a complete generation without CURRENT.
    name = current_name(ingest.data) or next(iter(generation_names(ingest.data)), None)
    if name is None:
        return None
    folder = generation_folder(ingest.data, name)
    manifest = read_manifest(folder)
    if not ingest.rebuild:
        built, wanted = asdict(manifest.configuration), _without_dimension(embedder, ingest.language)
        differing = [
            f"its {name} is {built[name]!r}, the settings say {wanted[name]!r}"
            for name in wanted
            if built[name] != wanted[name]
        ]
        if differing:
            raise IndexMismatch(
                f"the index has another configuration: {'; '.join(differing)}",
                "Run `dateline ingest --rebuild PATH`, choose another folder with --data, or change the settings back.",
            )
    # The new generation takes rows from this catalogue, and would publish their corruption as valid.
    check_catalog(folder, manifest)
    return folder


def _read(ingest: Ingest, old: Path | None, staging: Staging, progress: Progress) -> Changes:
    """Load every file, and stage the articles that are new or changed."""
    with ExitStack() as stack:
        catalog = stack.enter_context(closing(Catalog(old / CATALOG))) if old else None
        hashes, origins = (catalog.hashes(), catalog.origins()) if catalog else ({}, {})
        changes = Changes(hashes, origins, named=frozenset(os.path.abspath(path) for path in ingest.paths))  # noqa: PTH100
        for article in changes.compare(_articles(ingest, progress)):
            staging.add(article)
        for article_id in changes.withdrawn:
            staging.discard(article_id)
        if catalog:
            for new, first in changes.move(ingest.paths, catalog.article).items():
                staging.rename(new, first)
    return changes


def _articles(ingest: Ingest, progress: Progress) -> Iterator[LoadedArticle | ArticleRejected]:
    files = find(ingest.paths, follow_links=ingest.follow_links)
    with progress.bar("read", total=len(files), unit="file") as advance, Loader() as loader:
        for file in files:
            yield from loader.load(file)
            advance(1)


def _report(changes: Changes, removed: set[str], *, dry_run: bool) -> IngestReport:
    return IngestReport(
        added=len(changes.added),
        updated=len(changes.updated) - len(changes.moved),
        moved=len(changes.moved),
        unchanged=len(changes.unchanged),
        removed=len(removed),
        kept=len(changes.hashes) - len(changes.updated) - len(changes.unchanged) - len(removed),
        rejected=changes.rejected,
        skipped=changes.skipped,
        notices=changes.notices,
        passed_over=changes.passed_over,
        dry_run=dry_run,
    )


def _must_publish(changes: Changes, removed: set[str], ingest: Ingest, old: Path | None) -> bool:
    """Return whether articles changed, or the previous generation cannot stay current."""
    if changes.added or changes.updated or removed:
        return True
    if old is None:
        return False
    is_elsewhere = (old / COLLECTION_FILE).exists() != (ingest.server is not None)
    if ingest.rebuild or is_elsewhere or old.name != current_name(ingest.data) or not (old / LEASE).is_file():
        return True
    return bool(file_faults(old, read_manifest(old)))


def _chunk_and_embed(staging: Staging, embedder: Embedder, store: VectorCache, progress: Progress) -> int:
    """Chunk and embed the staged articles, a batch at a time; return how many texts were embedded."""
    chunker = SentenceChunker(count=count_pieces)
    embedded = 0
    with progress.bar("chunk and embed", total=staging.pending_characters(), unit="char") as advance:
        while articles := staging.pending(ARTICLES_AT_ONCE):
            titles = {article.article_id: article.title for article in articles}
            chunks = [chunk for article in articles for chunk in chunker.chunks(article)]
            texts = [indexed_text(titles[chunk.article_id], chunk.text) for chunk in chunks]
            embedded += embed_missing(texts, embedder, store)
            staging.chunked(articles, zip(chunks, map(embedding_key, texts), strict=True))
            advance(sum(len(article.body) for article in articles))
    return embedded
