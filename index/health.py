"""The health of a data folder: what is whole, missing or damaged."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, closing
from dataclasses import dataclass
from pathlib import Path

from index.dense.server import ChromaServer
from index.errors import ChromaUnavailable, IndexDamaged, IndexMismatch, IndexNotFound
from index.generation import read_manifest
from index.layout import (
    CURRENT,
    EMBEDDINGS,
    GENERATIONS,
    current_name,
    generation_folder,
    generation_names,
    orphans,
)
from index.verification import damages


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and how it is."""

    what: str
    whole: bool
    detail: str


def examine(data: Path, server: ChromaServer | None = None) -> list[Finding]:
    """Look at everything in a data folder; raises IndexNotFound where there is no index at all."""
    current = current_name(data)
    names = generation_names(data)
    if current is None and not names:
        raise IndexNotFound(f"there is no index in {data}", "Make one with `dateline ingest PATH`.")
    return [
        _current(data, current, names),
        *_generations(data, names, server),
        *_orphans(data),
        _embeddings(data / EMBEDDINGS),
    ]


def _current(data: Path, current: str | None, names: list[str]) -> Finding:
    if current is None:
        return Finding(CURRENT, whole=False, detail=f"is missing, though there are {len(names)} generations")
    if current not in names:
        return Finding(CURRENT, whole=False, detail=f"names {current}, which is not in {data / GENERATIONS}")
    return Finding(CURRENT, whole=True, detail=f"names {current}")


def _generations(data: Path, names: list[str], server: ChromaServer | None) -> Iterator[Finding]:
    for name in names:
        folder = generation_folder(data, name)
        try:
            found = damages(folder, server)
        except (ChromaUnavailable, IndexMismatch) as error:
            found = [f"cannot be looked at: {error}"]
        yield Finding(f"generation {name}", whole=not found, detail="; ".join(found) or _contents(folder))


def _contents(folder: Path) -> str:
    try:
        manifest = read_manifest(folder)
    except IndexDamaged as error:
        return str(error)
    searched = "; searched exactly, as Chroma misses some chunks" if manifest.search == "exact" else ""
    counts = f"{manifest.article_count} articles, {manifest.chunk_count} chunks"
    return f"{counts}, fingerprint {manifest.fingerprint[:12]}{searched}"


def _orphans(data: Path) -> Iterator[Finding]:
    for orphan in orphans(data):
        yield Finding(orphan.name, whole=True, detail="left by a run that was cut short; the next ingest sweeps it")


def _embeddings(path: Path) -> Finding:
    trouble = embeddings_trouble(path)
    if trouble:
        return Finding(EMBEDDINGS, whole=False, detail=trouble)
    with _read_only(path) as connection:
        count = connection.execute("SELECT count(*) FROM embedding").fetchone()[0]
    return Finding(EMBEDDINGS, whole=True, detail=f"{count} vectors")


def embeddings_trouble(path: Path) -> str | None:
    """What is wrong with the store of vectors; None where nothing is."""
    if not path.is_file():
        return "is missing: `dateline doctor --repair` makes it anew"
    try:
        with _read_only(path) as connection:
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            connection.execute("SELECT count(*) FROM embedding JOIN model ON id = model")
    except sqlite3.DatabaseError as error:
        return f"cannot be read: {error}"
    return None if problem == "ok" else str(problem)


def _read_only(path: Path) -> AbstractContextManager[sqlite3.Connection]:
    # Where nobody may write, SQLite cannot make the files that a write-ahead log is read with, and needs none.
    writable = os.access(path.parent, os.W_OK) and os.access(path, os.W_OK)
    mode = "mode=ro" if writable else "mode=ro&immutable=1"
    return closing(sqlite3.connect(f"{path.absolute().as_uri()}?{mode}", uri=True))
