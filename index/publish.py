"""From a staged folder to the current generation: manifest, verification and CURRENT."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import uuid4

from index.dense.server import ChromaServer
from index.errors import PublishFailed
from index.generation import file_digests
from index.layout import CURRENT, GENERATIONS, LEASE, MANIFEST, STAGING_PREFIX, generation_folder
from index.records import Configuration, Manifest, fingerprint
from index.verification import verify

SCHEMA_VERSION = 1


def new_staging(data: Path) -> Path:
    """Return a new name for the folder to build in; if this run is killed, the next one sweeps it."""
    return data / GENERATIONS / f"{STAGING_PREFIX}{uuid4().hex[:12]}"


def write_manifest(staging: Path, configuration: Configuration, hashes: dict[str, str], chunk_count: int) -> Manifest:
    """Write the lease and the manifest of a staged folder, which must not change afterwards."""
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


def publish(data: Path, staging: Path, manifest: Manifest, server: ChromaServer | None = None) -> Manifest:
    """Verify a staged generation, move it into place and make it current; raises PublishFailed.

    If Chroma misses some vectors, the manifest that is returned asks for exact search.
    """
    result = verify(staging, server)
    if result.faults:
        raise PublishFailed(
            f"the new generation did not pass verification: {'; '.join(result.faults)}",
            "The current generation is unchanged. Run the ingest again; if this repeats, check disk and memory.",
        )
    if result.searches.exact_is_better:
        manifest = replace(manifest, search="exact")
        (staging / MANIFEST).write_text(manifest.to_json(), encoding="utf-8")
    for path in (staging, *staging.rglob("*")):
        _sync(path)
    staging.rename(generation_folder(data, manifest.generation))
    _sync(data / GENERATIONS)
    make_current(data, manifest.generation)
    return manifest


def make_current(data: Path, name: str) -> None:
    """Write a generation's name to CURRENT, atomically and synced to the disk."""
    temporary = data / f"{CURRENT}.{os.getpid()}"
    with temporary.open("w", encoding="utf-8") as file:
        file.write(f"{name}\n")
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(data / CURRENT)
    _sync(data)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
