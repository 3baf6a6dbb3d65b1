"""Where everything lies in the data folder."""

from pathlib import Path

CURRENT = "CURRENT"
GENERATIONS = "generations"
EMBEDDINGS = "embeddings.db"
LOCK = "ingest.lock"
STAGING_PREFIX = "building-"

CATALOG = "catalog.db"
CHROMA = "chroma"
LEXICAL = "lexical"
VECTORS = "vectors.npy"
MANIFEST = "manifest.json"
LEASE = "lease"


def generation_folder(data: Path, name: str) -> Path:
    """The folder of the generation of that name."""
    return data / GENERATIONS / name


def generation_names(data: Path) -> list[str]:
    """The published generations, newest first; what is still being built is not among them."""
    folder = data / GENERATIONS
    if not folder.is_dir():
        return []
    names = (path.name for path in folder.iterdir() if (path / MANIFEST).is_file())
    return sorted((name for name in names if not name.startswith(STAGING_PREFIX)), reverse=True)


def current_name(data: Path) -> str | None:
    """The name in CURRENT, or None where nothing was ever published."""
    try:
        return (data / CURRENT).read_text(encoding="utf-8").strip() or None
    except FileNotFoundError:
        return None
