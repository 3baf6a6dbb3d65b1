"""The ingest job: articles in, a new generation of the index out. Read `run` first."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from index.catalog import Catalog
from index.dense import ChromaServer
from index.disk import written
from index.embedding import Embedder
from index.embedding.minilm import count_pieces
from index.embeddings import EmbeddingStore, embedding_model_id
from index.layout import CATALOG, EMBEDDINGS, generation_folder
from index.lease import ingest_lock
from index.publish import abandon, new_staging, publish, retire, sweep, write_manifest
from index.rebuild import refill
from index.records import Chunk, Configuration
from index.staging import Staging
from ingest.changes import Changes
from ingest.chunk import SentenceChunker
from ingest.embed import StoredEmbedding
from ingest.errors import ArticleRejected
from ingest.load import LoadedArticle, find
from ingest.load.child import Loader
from ingest.odd import nearly_equal
from ingest.predecessor import configuration_of, identity, predecessor, serves_on
from ingest.progress import Progress
from ingest.report import IngestReport

if TYPE_CHECKING:
    from llama_index.core.schema import BaseNode, TextNode

ARTICLES_AT_ONCE = 64
"""Articles that go through the pipeline together: what an ingest holds in memory."""


@dataclass(frozen=True, slots=True)
class Ingest:
    """The input and mode of a run: `prune` removes missing articles, `rebuild` rebuilds, `dry_run` changes nothing.

    `follow_links` also takes in what links in the folders lead to outside of them.
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
    """Take articles in and publish a new generation, unless nothing changed.

    Killed anywhere, the old generation serves on and the next run goes on where this one stopped.
    Raises IngestRunning, IndexMismatch, EmbeddingFailed or PublishFailed; bad articles are in the report.
    """
    started = time.monotonic()
    with ExitStack() as stack:
        stack.enter_context(ingest_lock(ingest.data))
        stack.enter_context(written(ingest.data))
        if ingest.server is not None:
            # Not after an hour of embedding.
            ingest.server.ping()
        sweep(ingest.data, ingest.server)
        old = predecessor(ingest.data, None if ingest.rebuild else identity(embedder, ingest.language))
        staging = _staging(ingest, stack)

        changes = _read(ingest, old and old / CATALOG, staging, progress)
        removed = changes.gone(ingest.paths) if ingest.prune else set()
        report = _report(changes, removed, dry_run=ingest.dry_run)
        if not ingest.dry_run and _anything_to_publish(changes, removed, ingest, old):
            _take_over(old and old / CATALOG, staging, changes, removed, rebuild=ingest.rebuild)
            store = stack.enter_context(closing(EmbeddingStore(ingest.data / EMBEDDINGS, embedding_model_id(embedder))))
            report.embedded = _chunk_and_embed(staging, embedder, store, progress)
            with progress.step("build the index"):
                configuration = configuration_of(embedder, ingest.language)
                _put_back(ingest, old, store, configuration)
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


def _staging(ingest: Ingest, stack: ExitStack) -> Staging:
    staging = Staging(new_staging(ingest.data))
    stack.callback(abandon, staging.folder, ingest.server)
    stack.callback(staging.close)
    return staging


def _read(ingest: Ingest, old: Path | None, staging: Staging, progress: Progress) -> Changes:
    """Load and clean every file; what is new or changed goes into the staged catalogue."""
    changes = Changes(*_held(old), named=frozenset(os.path.abspath(path) for path in ingest.paths))  # noqa: PTH100
    for article in changes.compare(_articles(ingest, progress)):
        staging.add(article)
    for article_id in changes.withdrawn:
        staging.discard(article_id)
    if old is not None:
        with closing(Catalog(old)) as catalog:
            for new, first in changes.move(ingest.paths, catalog.article).items():
                staging.rename(new, first)
    return changes


def _articles(ingest: Ingest, progress: Progress) -> Iterator[LoadedArticle | ArticleRejected]:
    files = find(ingest.paths, follow_links=ingest.follow_links)
    with progress.bar("read", total=len(files), unit="file") as bar, Loader() as loader:
        for file in files:
            yield from loader.load(file)
            bar.advance(1)


def _held(old: Path | None) -> tuple[dict[str, str], dict[str, str]]:
    if old is None:
        return {}, {}
    with closing(Catalog(old)) as catalog:
        return catalog.hashes(), catalog.origins()


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


def _stored(node: "BaseNode") -> tuple[Chunk, bytes]:
    source, text = node.source_node, cast("TextNode", node)
    if source is None or text.start_char_idx is None or text.end_char_idx is None:
        raise AssertionError(f"the chunker left {node.node_id} without offsets or source")
    chunk = Chunk(
        chunk_id=node.node_id,
        article_id=source.node_id,
        ordinal=node.metadata["ordinal"],
        text=text.text,
        start_char=text.start_char_idx,
        end_char=text.end_char_idx,
        token_count=node.metadata["token_count"],
    )
    return chunk, node.metadata["embedding_key"]


def _anything_to_publish(changes: Changes, removed: set[str], ingest: Ingest, old: Path | None) -> bool:
    if changes.added or changes.updated or removed:
        return True
    return old is not None and (ingest.rebuild or not serves_on(old, ingest.data, on_server=ingest.server is not None))


def _take_over(old: Path | None, staging: Staging, changes: Changes, removed: set[str], *, rebuild: bool) -> None:
    if old is None:
        return
    unchanged = changes.hashes.keys() - changes.updated.keys() - removed
    (staging.renew if rebuild else staging.keep)(old, unchanged)


def _put_back(ingest: Ingest, old: Path | None, store: EmbeddingStore, configuration: Configuration) -> None:
    """Where embeddings.db was lost, the vectors of what is kept come from the generations that have them."""
    if old is not None and not ingest.rebuild:
        with closing(Catalog(old / CATALOG)) as catalog:
            refill(store, catalog, ingest.data, configuration)


def _chunk_and_embed(staging: Staging, embedder: Embedder, store: EmbeddingStore, progress: Progress) -> int:
    """Send the new articles through the pipeline, a batch at a time; returns how many texts were embedded."""
    from llama_index.core import Document
    from llama_index.core.ingestion import IngestionPipeline

    chunker = SentenceChunker(count=count_pieces)
    embedding = StoredEmbedding(embedder=embedder, store=store)
    # Its cache would keep a copy of everything in memory.
    pipeline = IngestionPipeline(transformations=[chunker, embedding], disable_cache=True)
    with progress.bar("chunk and embed", total=staging.pending_characters(), unit="char") as bar:
        while articles := staging.pending(ARTICLES_AT_ONCE):
            documents = [Document(id_=a.article_id, text=a.body, metadata={"title": a.title}) for a in articles]
            nodes = pipeline.run(documents=documents)
            staging.chunked(articles, (_stored(node) for node in nodes))
            bar.advance(sum(len(article.body) for article in articles))
    return embedding.embedded
