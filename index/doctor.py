"""Examine a data folder, and repair it: corrupt segments are written again from what is intact in them."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.catalog import Catalog
from index.chroma_server import ChromaServer
from index.embedding import Embedder, Matrix
from index.errors import ChromaUnavailable, IndexDamaged, IndexMismatch
from index.generation import SegmentPool, open_generation
from index.layout import (
    CATALOG,
    CURRENT,
    GENERATIONS,
    SEGMENT,
    VECTORS,
    current_name,
    generation_names,
    ingest_lock,
    is_of_first_release,
    no_index,
    segment_folder,
    unfinished,
)
from index.publishing import copy_to, make_current, named_segments, read_manifest, readable_manifests, replace_segments
from index.records import Configuration, StoredFile, fingerprint, indexed_text
from index.segment import SegmentWriter, digest_of, read_record, verify_in_child


@dataclass(frozen=True, slots=True)
class Finding:
    """One examined part of a data folder, and its state."""

    what: str
    whole: bool
    detail: str


def examine(data: Path, server: ChromaServer | None = None) -> list[Finding]:
    """Return a finding for each part of a data folder; raises IndexNotFound if it has no index."""
    current, names = current_name(data), generation_names(data)
    if is_of_first_release(data) or (current is None and not names):
        raise no_index(data)
    findings = [
        _examine_current(data, current, names),
        *(_examine_generation(data, name) for name in names),
        *(_examine_segment(data, name) for name in sorted(named_segments(data))),
        *(
            Finding(folder.name, whole=True, detail="in use by a running ingest, or left by one that was interrupted")
            for folder in unfinished(data)
        ),
    ]
    if server is not None:
        findings.append(_examine_server(data, server))
    return findings


def repair(data: Path, embedder: Callable[[], Embedder], server: ChromaServer | None = None) -> Iterator[str]:
    """Repair a data folder; yield what was done, as it is done.

    A corrupt segment is written again from its catalogue; vectors are taken from `vectors.npy`, or embedded again if
    that is corrupt. If the catalogue is lost, the segment is dropped, and its articles must be ingested again; so must
    those that only a generation with a corrupt manifest had. Segments that no generation names are kept: the next
    ingest takes vectors from them. Raises IndexDamaged if no generation is left, IngestRunning, EmbeddingFailed and
    PublishFailed.
    """
    if not generation_names(data):
        raise no_index(data)
    with ingest_lock(data):
        yield from _repair_current(data)
        replaced: dict[str, str | None] = {}
        for name in sorted(named_segments(data)):
            if not _segment_faults(data, name):
                continue
            try:
                replaced[name] = _rewrite(data, name, embedder)
                yield f"segment {name} was written again as {replaced[name]}"
            except IndexDamaged as error:
                replaced[name] = None
                yield (
                    f"segment {name} is lost{_count(data, name)}: {error}."
                    " Run `dateline ingest PATH` with the folders of your articles: it adds those that are missing"
                )
        for name in generation_names(data):
            if name not in _readable(data):
                yield f"generation {name} is lost: its manifest cannot be read"
        _, waiting = replace_segments(data, replaced, (), server)
        for name in waiting:
            yield f"generation {name} is in use; the next repair removes it"
        if server is not None:
            for segment in copy_to(server, data, read_manifest(data, current_name(data) or "")):
                yield f"segment {segment} was copied to the Chroma server"


def _examine_current(data: Path, current: str | None, names: Sequence[str]) -> Finding:
    if current is None:
        return Finding(CURRENT, whole=False, detail=f"is missing, though there are {len(names)} generations")
    if current not in names:
        return Finding(CURRENT, whole=False, detail=f"names {current}, which is not in {data / GENERATIONS}")
    return Finding(CURRENT, whole=True, detail=f"names {current}")


def _examine_generation(data: Path, name: str) -> Finding:
    what = f"generation {name}"
    try:
        with closing(open_generation(data, name, SegmentPool(data, checked=False))) as generation:
            manifest, hashes = generation.manifest, generation.hashes()
            if fingerprint(hashes.items(), manifest.configuration) != manifest.fingerprint:
                return Finding(what, whole=False, detail="its articles do not match the manifest's fingerprint")
    except (IndexDamaged, sqlite3.DatabaseError) as error:
        return Finding(what, whole=False, detail=str(error.args[0]).removeprefix(f"{what} "))
    counts = f"{manifest.article_count} articles, {manifest.chunk_count} chunks, segments: {len(manifest.segments)}"
    return Finding(what, whole=True, detail=f"{counts}, fingerprint {manifest.fingerprint[:12]}")


def _segment_faults(data: Path, name: str) -> list[str]:
    folder = segment_folder(data, name)
    faults = verify_in_child(folder)
    entries = [entry for manifest in readable_manifests(data) for entry in manifest.segments]
    published = {entry.sha256 for entry in entries if entry.segment == name}
    return faults or ([] if published == {digest_of(folder / SEGMENT)} else [f"{SEGMENT} has changed"])


def _examine_segment(data: Path, name: str) -> Finding:
    folder = segment_folder(data, name)
    faults = _segment_faults(data, name)
    if faults:
        return Finding(f"segment {name}", whole=False, detail="; ".join(faults))
    record = read_record(folder)
    exact = "; searched exactly, because Chroma misses some chunks" if record.search == "exact" else ""
    return Finding(
        f"segment {name}", whole=True, detail=f"{record.article_count} articles, {record.chunk_count} chunks{exact}"
    )


def _examine_server(data: Path, server: ChromaServer) -> Finding:
    what = f"Chroma server {server.url}"
    try:
        server.ping()
        records = [read_record(segment_folder(data, name)) for name in sorted(named_segments(data))]
        lacking = [record.segment for record in records if not server.has(record.segment, record.chunk_count)]
    except (ChromaUnavailable, IndexDamaged) as error:
        return Finding(what, whole=False, detail=error.args[0])
    if lacking:
        return Finding(
            what, whole=False, detail=f"lacks the vectors of {', '.join(lacking)}, which are searched exactly"
        )
    return Finding(what, whole=True, detail="has the vectors of every segment")


def _readable(data: Path) -> list[str]:
    return [manifest.generation for manifest in readable_manifests(data)]


def _repair_current(data: Path) -> Iterator[str]:
    """Make the newest readable generation current if the current one is not readable."""
    current, names = current_name(data), _readable(data)
    if current in names:
        return
    if not names:
        raise IndexDamaged(
            f"no manifest of the {len(generation_names(data))} generations in {data} can be read",
            "Run `dateline ingest --rebuild PATH` with the folders of all your articles: it embeds nothing again.",
        )
    make_current(data, names[0])
    yield f"{names[0]} is now the current generation; run `dateline ingest PATH` to bring it up to date"


def _rewrite(data: Path, name: str, embedder: Callable[[], Embedder]) -> str:
    """Write a segment again from its catalogue; return the id of the copy. Raises IndexDamaged."""
    folder = segment_folder(data, name)
    vectors = _intact_vectors(folder)
    with closing(_intact_catalog(folder)) as catalog, SegmentWriter(data, catalog.configuration) as writer:
        model = _same_model(embedder(), catalog.configuration) if vectors is None else None
        for article, rows in catalog.articles():
            chunks = [chunk for chunk, _ in catalog.chunks(rows)]
            if model is not None:
                found = model.embed_texts([indexed_text(article.title, chunk.text) for chunk in chunks])
            elif vectors is not None:
                found = vectors[rows]
            history = catalog.histories([article.article_id]).get(article.article_id, ())
            writer.add(article, chunks, found, history)
        written = writer.close()
    if written is None:
        raise IndexDamaged("its catalogue is empty")
    return written.segment


def _intact_catalog(folder: Path) -> Catalog:
    """Open the catalogue of a segment; raises IndexDamaged if it cannot be read, or an article in it has changed."""
    with ExitStack() as opened:
        try:
            catalog = opened.enter_context(closing(Catalog(folder / CATALOG)))
            hashes = catalog.hashes()
            catalog.histories(hashes)
            changed = any(hashes[article.article_id] != article.content_hash for article, _ in catalog.articles())
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            raise IndexDamaged(f"its catalogue cannot be read: {error}") from error
        if changed:
            raise IndexDamaged("its catalogue has changed")
        opened.pop_all()
    return catalog


def _intact_vectors(folder: Path) -> Matrix | None:
    """Return the vectors of a segment if they are as they were published, else None.

    Raises IndexDamaged if the catalogue is not: then its rows may be others than those of the vectors.
    """
    try:
        files = read_record(folder).files
    except IndexDamaged:
        return None
    if not _is_intact(folder / CATALOG, files[CATALOG]):
        raise IndexDamaged("its catalogue is missing or has changed")
    return np.load(folder / VECTORS, mmap_mode="r") if _is_intact(folder / VECTORS, files[VECTORS]) else None


def _is_intact(path: Path, stored: StoredFile) -> bool:
    try:
        return digest_of(path) == stored.sha256
    except OSError:
        return False


def _same_model(model: Embedder, configuration: Configuration) -> Embedder:
    """Return the embedder of the settings; raises IndexMismatch if the segment has vectors of another one."""
    if (model.name, model.graph) != (configuration.embedding_model, configuration.embedding_graph):
        raise IndexMismatch(
            f"the segment was embedded by {configuration.embedding_model} ({configuration.embedding_graph}),"
            f" the settings name {model.name} ({model.graph})",
            "Set DATELINE_EMBEDDING_MODEL back.",
        )
    return model


def _count(data: Path, name: str) -> str:
    """Return how many articles a segment had, if its record says so."""
    try:
        return f", with {read_record(segment_folder(data, name)).article_count} articles"
    except IndexDamaged:
        return ""
