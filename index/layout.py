"""Where everything lies in the data folder."""

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
    """The folder of the generation of that name."""
    return data / GENERATIONS / name


def generation_names(data: Path) -> list[str]:
    """The published generations, newest first; what is being built or removed is not among them."""
    folder = data / GENERATIONS
    if not folder.is_dir():
        return []
    names = (path.name for path in folder.iterdir() if path.is_dir())
    return sorted((name for name in names if not name.startswith(STAGING_PREFIX)), reverse=True)


def orphans(data: Path) -> list[Path]:
    """The folders of generations that are being built or removed: of a run that is at it, or was cut short."""
    return sorted((data / GENERATIONS).glob(f"{STAGING_PREFIX}*"))


def current_name(data: Path) -> str | None:
    """The name in CURRENT, or None where there is no such file or nothing in it."""
    try:
        # Whatever stands there is a name; one that is no generation's is found damaged by whoever opens it.
        return (data / CURRENT).read_text(encoding="utf-8", errors="replace").strip() or None
    except FileNotFoundError:
        return None
