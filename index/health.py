"""The health of a data folder: what is whole, missing or damaged."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from index.errors import IndexDamaged, IndexNotFound
from index.generation import read_manifest
from index.layout import (
    CURRENT,
    EMBEDDINGS,
    GENERATIONS,
    STAGING_PREFIX,
    current_name,
    generation_folder,
    generation_names,
)
from index.verification import damages


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and how it is."""

    what: str
    whole: bool
    detail: str


def examine(data: Path) -> list[Finding]:
    """Look at everything in a data folder; raises IndexNotFound where there is no index at all."""
    current = current_name(data)
    names = generation_names(data)
    if current is None and not names:
        raise IndexNotFound(f"there is no index in {data}", "Make one with `dateline ingest PATH`.")
    return [_current(data, current, names), *_generations(data, names), *_orphans(data), _embeddings(data)]


def _current(data: Path, current: str | None, names: list[str]) -> Finding:
    if current is None:
        return Finding(CURRENT, whole=False, detail=f"is missing, though there are {len(names)} generations")
    if current not in names:
        return Finding(CURRENT, whole=False, detail=f"names {current}, which is not in {data / GENERATIONS}")
    return Finding(CURRENT, whole=True, detail=f"names {current}")


def _generations(data: Path, names: list[str]) -> Iterator[Finding]:
    for name in names:
        folder = generation_folder(data, name)
        found = damages(folder)
        yield Finding(f"generation {name}", whole=not found, detail="; ".join(found) or _contents(folder))


def _contents(folder: Path) -> str:
    try:
        manifest = read_manifest(folder)
    except IndexDamaged as error:
        return str(error)
    return f"{manifest.article_count} articles, {manifest.chunk_count} chunks, fingerprint {manifest.fingerprint[:12]}"


def _orphans(data: Path) -> Iterator[Finding]:
    for orphan in sorted((data / GENERATIONS).glob(f"{STAGING_PREFIX}*")):
        yield Finding(orphan.name, whole=True, detail="left by a run that was cut short; the next ingest sweeps it")


def _embeddings(data: Path) -> Finding:
    path = data / EMBEDDINGS
    if not path.is_file():
        return Finding(EMBEDDINGS, whole=False, detail="is missing: `dateline ingest --rebuild PATH` makes it anew")
    try:
        with closing(sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)) as connection:
            problem = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
            count = connection.execute("SELECT count(*) FROM embedding").fetchone()[0]
    except sqlite3.DatabaseError as error:
        return Finding(EMBEDDINGS, whole=False, detail=f"cannot be read: {error}")
    return Finding(EMBEDDINGS, whole=problem == "ok", detail=f"{count} vectors" if problem == "ok" else str(problem))
