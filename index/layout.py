"""The names of files and folders in a data folder, and how they are replaced and synced.

CURRENT                  name of the generation that is served
generations/NAME.json    manifest: the segments of a generation, and the articles in them that are dead
segments/ID/             catalog.db  vectors.npy  chroma/  lexical/  segment.json: closed, never changed
ingest.lock              held by the only writer
"""

import os
from pathlib import Path

CURRENT = "CURRENT"
GENERATIONS = "generations"
SEGMENTS = "segments"
LOCK = "ingest.lock"

CATALOG = "catalog.db"
CHROMA = "chroma"
LEXICAL = "lexical"
VECTORS = "vectors.npy"
SEGMENT = "segment.json"

BUILDING = "building-"
"""Prefix of a segment that is being written, or that a killed run left."""

REMOVED = "removed-"
"""Prefix of a segment that is being removed."""

FIRST_RELEASE_VECTORS = "embeddings.db"


def manifest_path(data: Path, name: str) -> Path:
    """Return the path of a generation's manifest."""
    return data / GENERATIONS / f"{name}.json"


def segment_folder(data: Path, segment: str) -> Path:
    """Return the folder of a segment."""
    return data / SEGMENTS / segment


def generation_names(data: Path) -> list[str]:
    """Return the names of the published generations, newest first."""
    return sorted((path.stem for path in (data / GENERATIONS).glob("*.json")), reverse=True)


def segment_names(data: Path) -> list[str]:
    """Return the ids of the closed segments, oldest first; an id begins with a date."""
    return sorted(path.name for path in (data / SEGMENTS).glob("[0-9]*"))


def unfinished(data: Path) -> list[Path]:
    """Return the folders of segments that a run is writing or removing, or that a killed run left."""
    return sorted(path for prefix in (BUILDING, REMOVED) for path in (data / SEGMENTS).glob(f"{prefix}*"))


def current_name(data: Path) -> str | None:
    """Return the name in CURRENT, which may be invalid; None if the file is missing or empty."""
    try:
        return (data / CURRENT).read_text(encoding="utf-8", errors="replace").strip() or None
    except FileNotFoundError:
        return None


def first_release_folders(data: Path) -> list[Path]:
    """Return the folders of generations that the first release wrote, each with an index of its own."""
    return sorted(path for path in (data / GENERATIONS).glob("*") if path.is_dir())


def write_synced(path: Path, text: str) -> None:
    """Write a file so that readers see the old text or the new one, also after a loss of power."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.new")
    with temporary.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file or the entries of a folder are on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
