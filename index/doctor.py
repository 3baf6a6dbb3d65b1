"""Examine a data folder, and repair it from its valid parts; no text is embedded again."""

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from index.catalog import Catalog
from index.dense.server import ChromaServer
from index.errors import ChromaUnavailable, EmbeddingFailed, IndexDamaged, IndexMismatch, no_index
from index.generation import is_as_published, read_manifest
from index.layout import (
    CATALOG,
    CURRENT,
    EMBEDDINGS,
    GENERATIONS,
    current_name,
    generation_folder,
    generation_names,
    orphans,
)
from index.locks import ingest_lock
from index.publish import make_current
from index.rebuild import rebuild, refill
from index.records import Configuration
from index.retention import discard, sweep
from index.vector_cache import vector_cache_of
from index.verification import faults_of


@dataclass(frozen=True, slots=True)
class Finding:
    """One examined part of a data folder, and its state."""

    what: str
    whole: bool
    detail: str


def examine(data: Path, server: ChromaServer | None = None) -> list[Finding]:
    """Return a finding for each part of a data folder; raises IndexNotFound if it has no index."""
    current = current_name(data)
    names = generation_names(data)
    if current is None and not names:
        raise no_index(data)
    return [
        _examine_current(data, current, names),
        *(_examine_generation(generation_folder(data, name), server) for name in names),
        *(
            Finding(orphan.name, whole=True, detail="left by an interrupted run; the next ingest removes it")
            for orphan in orphans(data)
        ),
        _examine_cache(data / EMBEDDINGS),
    ]


def _examine_current(data: Path, current: str | None, names: list[str]) -> Finding:
    if current is None:
        return Finding(CURRENT, whole=False, detail=f"is missing, though there are {len(names)} generations")
    if current not in names:
        return Finding(CURRENT, whole=False, detail=f"names {current}, which is not in {data / GENERATIONS}")
    return Finding(CURRENT, whole=True, detail=f"names {current}")


def _examine_generation(folder: Path, server: ChromaServer | None) -> Finding:
    try:
        found = faults_of(folder, server)
        if not found:
            manifest = read_manifest(folder)
            searched = "; searched exactly, because Chroma misses some chunks" if manifest.search == "exact" else ""
            counts = f"{manifest.article_count} articles, {manifest.chunk_count} chunks"
            detail = f"{counts}, fingerprint {manifest.fingerprint[:12]}{searched}"
            return Finding(f"generation {folder.name}", whole=True, detail=detail)
    except (ChromaUnavailable, IndexMismatch) as error:
        found = [f"cannot be verified: {error}"]
    except IndexDamaged as error:
        found = [str(error)]
    return Finding(f"generation {folder.name}", whole=False, detail="; ".join(found))


def _examine_cache(path: Path) -> Finding:
    if not path.is_file():
        return Finding(EMBEDDINGS, whole=False, detail="is missing: `dateline doctor --repair` restores it")
    # In a read-only folder SQLite cannot create the files with which it reads a write-ahead log, and needs none.
    writable = os.access(path.parent, os.W_OK) and os.access(path, os.W_OK)
    mode = "mode=ro" if writable else "mode=ro&immutable=1"
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True)) as connection:
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            connection.execute("SELECT count(*) FROM embedding JOIN model ON id = model")
            count = connection.execute("SELECT count(*) FROM embedding").fetchone()[0]
    except sqlite3.DatabaseError as error:
        return Finding(EMBEDDINGS, whole=False, detail=f"cannot be read: {error}")
    if problem != "ok":
        return Finding(EMBEDDINGS, whole=False, detail=f"is corrupt: {problem}")
    return Finding(EMBEDDINGS, whole=True, detail=f"{count} vectors")


def repair(data: Path, configuration: Callable[[], Configuration], server: ChromaServer | None = None) -> Iterator[str]:
    """Repair a data folder; yield one sentence for each change.

    A corrupt current generation is rebuilt from its catalogue and the vector cache. If the catalogue is lost, the
    newest generation that is valid, or can be rebuilt, becomes current. Other corrupt generations are removed.
    `configuration` returns the configuration of a new generation, for a generation whose manifest is lost.

    Raises IndexNotFound if the folder has no index, IngestRunning, IndexDamaged if no generation can be repaired, and
    PublishFailed or ChromaUnavailable if the new generation cannot be written: then the corrupt one stays.
    """
    if not generation_names(data):
        raise no_index(data)
    with ingest_lock(data):
        sweep(data, server)
        yield from _remove_corrupt_cache(data / EMBEDDINGS)
        yield from _repair_current(data, configuration, server)
        yield from _remove_corrupt(data, server)
        yield from _refill_cache(data)


def _remove_corrupt_cache(path: Path) -> Iterator[str]:
    finding = _examine_cache(path)
    if path.exists() and not finding.whole:
        for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            file.unlink(missing_ok=True)
        yield f"removed {EMBEDDINGS}: it {finding.detail}"


def _repair_current(
    data: Path, configuration: Callable[[], Configuration], server: ChromaServer | None
) -> Iterator[str]:
    current = current_name(data)
    names = generation_names(data)
    for name in sorted(names, key=lambda name: name != current):
        if not faults_of(generation_folder(data, name), server):
            if name != current:
                make_current(data, name)
                yield f"{name} is now the current generation; run `dateline ingest PATH` to bring it up to date"
            return
        try:
            rebuilt = _rebuild(data, name, configuration, server)
        except (IndexDamaged, EmbeddingFailed) as error:
            yield f"{name} cannot be rebuilt: {error}"
        else:
            yield f"{name} was rebuilt as {rebuilt}, which is now the current generation"
            return
    raise IndexDamaged(
        f"none of the {len(names)} generations in {data} can be repaired",
        "Move the folder away and ingest the articles again with `dateline ingest PATH`.",
    )


def _rebuild(data: Path, name: str, configuration: Callable[[], Configuration], server: ChromaServer | None) -> str:
    folder = generation_folder(data, name)
    try:
        manifest = read_manifest(folder)
    except IndexDamaged:
        _check_content_hashes(folder)
        rebuilt_with = configuration()
    else:
        if not is_as_published(folder, manifest, CATALOG):
            raise IndexDamaged(f"{CATALOG} is missing or has changed")
        rebuilt_with = manifest.configuration
    with closing(vector_cache_of(data / EMBEDDINGS, rebuilt_with)) as cache:
        cache.drop_invalid()
    return rebuild(data, folder, rebuilt_with, server=server).generation


def _check_content_hashes(folder: Path) -> None:
    """Raise IndexDamaged unless every article of a catalogue without a manifest has its content hash."""
    if not (folder / CATALOG).is_file():
        raise IndexDamaged(f"{CATALOG} is missing")
    try:
        with closing(Catalog(folder / CATALOG)) as catalog:
            hashes = catalog.hashes()
            changed = any(hashes[article.article_id] != article.content_hash for article in catalog.every_article())
    except (sqlite3.DatabaseError, ValueError) as error:
        raise IndexDamaged(f"its manifest is lost, and its catalogue cannot be read: {error}") from error
    if changed:
        raise IndexDamaged("its manifest is lost, and articles in its catalogue have changed")


def _remove_corrupt(data: Path, server: ChromaServer | None) -> Iterator[str]:
    current = current_name(data)
    for name in generation_names(data):
        if name == current or not faults_of(generation_folder(data, name), server):
            continue
        if discard(data, name, server):
            yield f"removed {name}: it was corrupt, and it is not the current generation"
        else:
            yield f"{name} is corrupt, and a process is reading it; the next repair removes it"


def _refill_cache(data: Path) -> Iterator[str]:
    folder = generation_folder(data, current_name(data) or "")
    configuration = read_manifest(folder).configuration
    with (
        closing(Catalog(folder / CATALOG)) as catalog,
        closing(vector_cache_of(data / EMBEDDINGS, configuration)) as cache,
    ):
        invalid = cache.drop_invalid()
        copied = refill(cache, catalog, data, configuration)
    if invalid or copied:
        yield f"copied {copied} vectors from {folder.name} to {EMBEDDINGS}"
