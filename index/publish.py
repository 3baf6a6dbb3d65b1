"""From a staged folder to the generation that is served: manifest, verification, CURRENT, and retiring the old."""

import hashlib
import os
import shutil
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path

from index.errors import PublishFailed
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
)
from index.lease import unleased
from index.records import Configuration, Manifest
from index.verification import damages

SCHEMA_VERSION = 1
KEEP = 3


def fingerprint(hashes: Iterable[tuple[str, str]], configuration: Configuration) -> str:
    """SHA-256 over the sorted (article id, content hash) and the configuration: equal for equal content.

    How the model is run is left out: int8 and fp32 graphs of one model answer alike.
    """
    digest = hashlib.sha256()
    made_by = (configuration.schema, configuration.embedding_model, configuration.chunker, configuration.language)
    for line in (*made_by, *sorted(hashes)):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


def new_staging(data: Path) -> Path:
    """A name for the folder to build in; it is swept by the next run if this one is killed."""
    return data / GENERATIONS / f"{STAGING_PREFIX}{os.getpid()}"


def sweep(data: Path) -> None:
    """Remove what killed runs left behind; the caller holds the ingest lock."""
    folder = data / GENERATIONS
    for orphan in folder.glob(f"{STAGING_PREFIX}*"):
        shutil.rmtree(orphan)


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
        created_at=moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        fingerprint=print_,
        files=file_digests(staging),
    )
    (staging / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    return manifest


def publish(data: Path, staging: Path, manifest: Manifest) -> None:
    """Verify a staged generation, put it in its place and make it the current one; raises PublishFailed."""
    found = damages(staging)
    if found:
        raise PublishFailed(
            f"the new generation did not pass verification: {'; '.join(found)}",
            "The old generation serves on. Run the ingest again; if this repeats, check disk and memory.",
        )
    _sync_tree(staging)
    staging.rename(generation_folder(data, manifest.generation))
    _sync(data / GENERATIONS)
    make_current(data, manifest.generation)


def make_current(data: Path, name: str) -> None:
    """Let CURRENT name another generation, atomically and for good."""
    temporary = data / f"{CURRENT}.{os.getpid()}"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(f"{name}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(data / CURRENT)
    _sync(data)


def retire(data: Path, keep: int = KEEP) -> list[str]:
    """Remove all but the newest generations and the current one; one still being read waits for the next run."""
    current = current_name(data)
    retired = []
    for name in generation_names(data)[keep:]:
        folder = generation_folder(data, name)
        if name != current and unleased(folder / LEASE):
            # The manifest goes first: a folder without one is no generation, should this be cut short.
            (folder / MANIFEST).rename(folder / f"{MANIFEST}.retired")
            doomed = folder.rename(folder.with_name(f"{STAGING_PREFIX}retired-{name}"))
            shutil.rmtree(doomed)
            retired.append(name)
    return retired


def _sync_tree(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        _sync(path)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
