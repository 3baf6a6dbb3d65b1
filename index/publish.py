"""From a staged folder to the generation that is served: manifest, verification, CURRENT, and retiring the old."""

import os
import shutil
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from uuid import uuid4

from index.dense.hosted import discard_collection
from index.errors import IndexDamaged, PublishFailed
from index.generation import file_digests
from index.layout import (
    CURRENT,
    GENERATIONS,
    LEASE,
    MANIFEST,
    STAGING_PREFIX,
    current_name,
    generation_folder,
    generation_names,
    orphans,
)
from index.locks import exclusive
from index.records import Configuration, Manifest, fingerprint, isoformat
from index.verification import verify

if TYPE_CHECKING:
    from index.dense.server import ChromaServer

SCHEMA_VERSION = 1


def new_staging(data: Path) -> Path:
    """A name for the folder to build in; it is swept by the next run if this one is killed."""
    return data / GENERATIONS / f"{STAGING_PREFIX}{uuid4().hex[:12]}"


def sweep(data: Path, server: "ChromaServer | None" = None) -> None:
    """Remove what killed runs left behind; the caller holds the ingest lock."""
    for orphan in orphans(data):
        _remove(orphan, server)
    for orphan in data.glob(f"{CURRENT}.*"):
        orphan.unlink()


def write_manifest(staging: Path, configuration: Configuration, hashes: dict[str, str], chunk_count: int) -> Manifest:
    """Close a staged folder with its lease and manifest."""
    (staging / LEASE).touch()
    moment = datetime.now(UTC)
    print_ = fingerprint(hashes.items(), configuration)
    manifest = Manifest(
        generation=f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z-{print_[:8]}",
        configuration=configuration,
        article_count=len(hashes),
        chunk_count=chunk_count,
        created_at=isoformat(moment, "milliseconds"),
        fingerprint=print_,
        files=file_digests(staging),
    )
    (staging / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def publish(data: Path, staging: Path, manifest: Manifest, server: "ChromaServer | None" = None) -> Manifest:
    """Verify a staged generation, put it in its place and make it the current one; raises PublishFailed.

    The vectors are the truth: where Chroma misses some of them, the manifest that is returned asks for exact search.
    """
    verdict = verify(staging, server)
    if verdict.damages:
        raise PublishFailed(
            f"the new generation did not pass verification: {'; '.join(verdict.damages)}",
            "The index is as before. Run the ingest again; if this repeats, check disk and memory.",
        )
    if verdict.searches.exact_is_better:
        manifest = replace(manifest, search="exact")
        (staging / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    _sync_tree(staging)
    staging.rename(generation_folder(data, manifest.generation))
    _sync(data / GENERATIONS)
    make_current(data, manifest.generation)
    return manifest


def make_current(data: Path, name: str) -> None:
    """Let CURRENT name another generation, atomically and for good."""
    temporary = data / f"{CURRENT}.{os.getpid()}"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(f"{name}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(data / CURRENT)
    _sync(data)


def retire(data: Path, keep: int, server: "ChromaServer | None" = None) -> list[str]:
    """Remove all but the newest `keep` generations and the current one; one still being read waits for the next run."""
    current = current_name(data)
    old = [name for name in generation_names(data)[keep:] if name != current]
    return [name for name in old if discard(data, name, server)]


def discard(data: Path, name: str, server: "ChromaServer | None" = None) -> bool:
    """Remove a generation; False where it is still being read. The caller holds the ingest lock."""
    folder = generation_folder(data, name)
    with exclusive(folder / LEASE) as free:
        if free:
            # From here on it is no generation, should the rest be cut short.
            doomed = folder.rename(folder.with_name(f"{STAGING_PREFIX}retired-{name}"))
            _remove(doomed, server)
    return free


def abandon(staging: Path, server: "ChromaServer | None" = None) -> None:
    """Remove a staged folder that was not published; what cannot be removed now is swept by the next run."""
    with suppress(OSError):
        if staging.exists():
            _remove(staging, server)


def _remove(folder: Path, server: "ChromaServer | None") -> None:
    """Remove a folder with its collection; it waits for the next sweep where the server cannot be reached."""
    try:
        free = discard_collection(folder, server)
    except IndexDamaged:
        # What it names can no longer be told: the collection stays on the server, whose keeper can list it.
        free = True
    if free:
        shutil.rmtree(folder)


def _sync_tree(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
