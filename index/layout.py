"""The names of files and folders in a data folder."""

from pathlib import Path

CURRENT = "CURRENT"
GENERATIONS = "generations"
EMBEDDINGS = "embeddings.db"
LOCK = "ingest.lock"
STAGING_PREFIX = "building-"

CATALOG = "catalog.db"
CHROMA = "chroma"
COLLECTION_FILE = "collection.json"
LEXICAL = "lexical"
VECTORS = "vectors.npy"
MANIFEST = "manifest.json"
LEASE = "lease"


def generation_folder(data: Path, name: str) -> Path:
    """Return the folder of a generation."""
    return data / GENERATIONS / name


def generation_names(data: Path) -> list[str]:
    """Return the names of the published generations, newest first."""
    folder = data / GENERATIONS
    if not folder.is_dir():
        return []
    names = (path.name for path in folder.iterdir() if path.is_dir())
    return sorted((name for name in names if not name.startswith(STAGING_PREFIX)), reverse=True)


def orphans(data: Path) -> list[Path]:
    """Return the folders of generations that a run is building or removing, or that an interrupted run left."""
    return sorted((data / GENERATIONS).glob(f"{STAGING_PREFIX}*"))


def current_name(data: Path) -> str | None:
    """Return the name in CURRENT, which may be invalid; None if the file is missing or empty."""
    try:
        return (data / CURRENT).read_text(encoding="utf-8", errors="replace").strip() or None
    except FileNotFoundError:
        return None
