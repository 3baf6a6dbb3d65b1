"""Mending a damaged data folder, without embedding anything again. Read `repair` first."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

from index.catalog import Catalog
from index.dense.server import ChromaServer
from index.errors import EmbeddingFailed, IndexDamaged, IndexNotFound
from index.generation import is_as_published, read_manifest
from index.health import embeddings_trouble
from index.layout import CATALOG, EMBEDDINGS, current_name, generation_folder, generation_names
from index.locks import ingest_lock
from index.publish import discard, make_current, sweep
from index.rebuild import rebuild, refill
from index.records import Configuration
from index.vector_cache import vector_cache_of
from index.verification import damages


def repair(data: Path, configuration: Callable[[], Configuration], server: ChromaServer | None = None) -> Iterator[str]:
    """Make a data folder whole again; yields what was done, a sentence each.

    The current generation, where damaged, is made anew from its catalogue and the stored vectors; where the catalogue
    is lost, the newest generation that is whole, or can be made so, takes its place. Other damaged generations are
    removed. `configuration` says how a generation is made now, for one whose manifest is lost.

    Raises IndexNotFound where there is no index, IngestRunning, IndexDamaged where nothing can be mended, and
    PublishFailed or ChromaUnavailable where what was made anew could not be written: then nothing is given up for it.
    """
    if not generation_names(data):
        raise IndexNotFound(f"there is no index in {data}", "Make one with `dateline ingest PATH`.")
    with ingest_lock(data):
        sweep(data, server)
        yield from _mend_embeddings(data)
        yield from _mend_current(data, configuration, server)
        yield from _remove_damaged(data, server)
        yield from _fill_embeddings(data)


def _mend_embeddings(data: Path) -> Iterator[str]:
    path = data / EMBEDDINGS
    trouble = embeddings_trouble(path) if path.exists() else None
    if trouble:
        for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
            file.unlink(missing_ok=True)
        yield f"{EMBEDDINGS} was removed: it {trouble}"


def _mend_current(data: Path, configuration: Callable[[], Configuration], server: ChromaServer | None) -> Iterator[str]:
    current = current_name(data)
    names = generation_names(data)
    for name in sorted(names, key=lambda name: name != current):
        if not damages(generation_folder(data, name), server):
            if name != current:
                make_current(data, name)
                yield f"{name} is the current generation now; `dateline ingest PATH` brings it up to date"
            return
        try:
            made = _rebuilt(data, name, configuration, server)
        except (IndexDamaged, EmbeddingFailed) as error:
            yield f"{name} cannot be made anew: {error}"
        else:
            yield f"{name} was made anew as {made}, which is the current generation now"
            return
    raise IndexDamaged(
        f"none of the {len(names)} generations in {data} can be mended",
        "Move the folder away and take the articles in again with `dateline ingest PATH`.",
    )


def _rebuilt(data: Path, name: str, configuration: Callable[[], Configuration], server: ChromaServer | None) -> str:
    folder = generation_folder(data, name)
    try:
        manifest = read_manifest(folder)
    except IndexDamaged:
        _check_words(folder)
        made_by = configuration()
    else:
        if not is_as_published(folder, manifest, CATALOG):
            raise IndexDamaged(f"{CATALOG} is missing or has changed")
        made_by = manifest.configuration
    with closing(vector_cache_of(data / EMBEDDINGS, made_by)) as store:
        store.drop_invalid()
    return rebuild(data, folder, made_by, server=server).generation


def _check_words(folder: Path) -> None:
    """Raise IndexDamaged unless the catalogue proves itself: each article still has the hash it was taken in with."""
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


def _remove_damaged(data: Path, server: ChromaServer | None) -> Iterator[str]:
    current = current_name(data)
    for name in generation_names(data):
        if name == current or not damages(generation_folder(data, name), server):
            continue
        if discard(data, name, server):
            yield f"{name} was removed: it was damaged, and is not the current generation"
        else:
            yield f"{name} is damaged and still being read; the next repair removes it"


def _fill_embeddings(data: Path) -> Iterator[str]:
    folder = generation_folder(data, current_name(data) or "")
    configuration = read_manifest(folder).configuration
    with (
        closing(Catalog(folder / CATALOG)) as catalog,
        closing(vector_cache_of(data / EMBEDDINGS, configuration)) as store,
    ):
        broken = store.drop_invalid()
        put_back = refill(store, catalog, data, configuration)
    if broken or put_back:
        yield f"{put_back} vectors were put back into {EMBEDDINGS} from {folder.name}"
