"""The generations of a data folder: list them, roll back to one, remove old and unfinished ones."""

import shutil
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from index.dense.hosted import discard_collection
from index.dense.server import ChromaServer
from index.errors import ConfigurationError, IndexDamaged, no_index
from index.generation import read_manifest
from index.layout import (
    CURRENT,
    LEASE,
    STAGING_PREFIX,
    current_name,
    generation_folder,
    generation_names,
    orphans,
)
from index.locks import exclusive, ingest_lock, is_leased
from index.publish import make_current
from index.records import Manifest
from index.verification import faults_of


@dataclass(frozen=True, slots=True)
class ListedGeneration:
    """A generation in a list; `manifest` is None if it cannot be read, `size` is in bytes."""

    name: str
    current: bool
    in_use: bool
    size: int
    manifest: Manifest | None


def list_generations(data: Path) -> list[ListedGeneration]:
    """Return the generations, newest first, without verifying them."""
    current = current_name(data)
    listed: list[ListedGeneration] = []
    for name in generation_names(data):
        folder = generation_folder(data, name)
        manifest: Manifest | None = None
        with suppress(IndexDamaged):
            manifest = read_manifest(folder)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        listed.append(ListedGeneration(name, name == current, is_leased(folder / LEASE), size, manifest))
    return listed


def roll_back(data: Path, prefix: str, server: ChromaServer | None = None) -> str:
    """Make the only generation whose name has this prefix current; return its name.

    Raises ConfigurationError if there is not exactly one, IndexDamaged if it is corrupt, and IngestRunning.
    """
    with ingest_lock(data):
        names = generation_names(data)
        if not names:
            raise no_index(data)
        matches = [name for name in names if name.startswith(prefix)]
        if len(matches) != 1:
            raise ConfigurationError(
                f"{len(matches)} generations in {data} match {prefix!r}, expected 1",
                f"Choose from: {', '.join(names)}.",
            )
        name = matches[0]
        found = faults_of(generation_folder(data, name), server)
        if found:
            raise IndexDamaged(
                f"generation {name} is corrupt: {'; '.join(found)}", "Choose another: `dateline generations list`."
            )
        make_current(data, name)
    return name


def prune(data: Path, keep: int, server: ChromaServer | None = None) -> list[str]:
    """Remove the remains of killed runs, and all generations but the newest `keep` and the current one.

    Returns the names of the removed generations.
    """
    with ingest_lock(data):
        sweep(data, server)
        return retire(data, keep, server)


def sweep(data: Path, server: ChromaServer | None = None) -> None:
    """Remove the remains of killed runs; the caller has the ingest lock."""
    for orphan in orphans(data):
        _remove(orphan, server)
    for orphan in data.glob(f"{CURRENT}.*"):
        orphan.unlink()


def retire(data: Path, keep: int, server: ChromaServer | None = None) -> list[str]:
    """Remove all generations but the newest `keep` and the current one; leased ones wait for the next run."""
    current = current_name(data)
    old = [name for name in generation_names(data)[keep:] if name != current]
    return [name for name in old if discard(data, name, server)]


def discard(data: Path, name: str, server: ChromaServer | None = None) -> bool:
    """Remove a generation; return False if it is leased. The caller has the ingest lock."""
    folder = generation_folder(data, name)
    with exclusive(folder / LEASE) as free:
        if free:
            # Renamed first, so that it is not a generation if this is cut short.
            doomed = folder.rename(folder.with_name(f"{STAGING_PREFIX}retired-{name}"))
            _remove(doomed, server)
    return free


def abandon(staging: Path, server: ChromaServer | None = None) -> None:
    """Remove a staged folder that was not published; the next run sweeps what cannot be removed now."""
    with suppress(OSError):
        if staging.exists():
            _remove(staging, server)


def _remove(folder: Path, server: ChromaServer | None) -> None:
    """Remove a folder with its collection; if the server is not reached, both wait for the next sweep."""
    try:
        free = discard_collection(folder, server)
    except IndexDamaged:
        # The name of the collection is lost: it stays on the server until its operator removes it.
        free = True
    if free:
        shutil.rmtree(folder)
