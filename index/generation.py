"""One immutable index on disk, open for reading: catalogue, dense and lexical index, and its manifest."""

import hashlib
import sqlite3
from contextlib import ExitStack
from pathlib import Path

from index.catalog import Catalog
from index.dense import DenseIndex
from index.dense.server import ChromaServer
from index.errors import IndexDamaged
from index.layout import CATALOG, LEASE, LEXICAL, MANIFEST
from index.lexical import LexicalIndex
from index.locks import leased
from index.records import Manifest

HINT = "Run `dateline doctor` to see what is corrupt."


class Generation:
    """A published generation, leased while it is open; safe to share between threads.

    Raises IndexDamaged if a file is missing, has changed or cannot be opened, and ChromaUnavailable or IndexMismatch if
    its vectors are on a `server` that does not answer or is None. With `checked` off, files are not verified.
    """

    def __init__(self, folder: Path, server: ChromaServer | None = None, *, checked: bool = True) -> None:
        self.folder = folder
        self.manifest = read_manifest(folder)
        try:
            with ExitStack() as opened:
                opened.enter_context(leased(folder / LEASE))
                # Before Chroma reads a byte: a corrupt HNSW file does not raise there, it ends the process.
                if checked:
                    check_files(folder, self.manifest)
                self.catalog = Catalog(folder / CATALOG)
                opened.callback(self.catalog.close)
                self.lexical = LexicalIndex(folder / LEXICAL)
                self.dense = DenseIndex(folder, server, self.manifest.search)
                opened.callback(self.dense.close)
                differing = checked and (self.differing_counts() or self.differing_dimension())
                if differing:
                    raise IndexDamaged(f"generation {folder.name}: {differing}", HINT)
                self._opened = opened.pop_all()
        except (OSError, ValueError, sqlite3.DatabaseError) as error:
            raise IndexDamaged(f"generation {folder.name} cannot be opened: {error}", HINT) from error

    @property
    def name(self) -> str:
        """Return the generation's name: its time of creation and fingerprint."""
        return self.manifest.generation

    def close(self) -> None:
        """Close every file, remove the private view and release the lease."""
        self._opened.close()

    def differing_counts(self) -> str | None:
        """Return the number of chunks in each part if they differ, else None."""
        counts = {
            "manifest": self.manifest.chunk_count,
            "catalogue": self.catalog.chunk_count,
            "vectors": len(self.dense.vectors),
            "lexical": self.lexical.row_count,
            "chroma": self.dense.count(),
        }
        return f"numbers of chunks disagree: {counts}" if len(set(counts.values())) > 1 else None

    def differing_dimension(self) -> str | None:
        """Return the dimensions of the manifest and of the vectors if they differ, else None."""
        stated, found = self.manifest.configuration.dimension, self.dense.vectors.shape[1]
        return None if stated == found else f"the manifest states dimension {stated}, vectors.npy has {found}"


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a generation; raises IndexDamaged if it is missing or invalid."""
    try:
        return Manifest.from_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise IndexDamaged(f"generation {folder.name} has no readable manifest: {error}", HINT) from error


def file_digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of a generation but its manifest and lease, by path in the folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    paths = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: _digest(path) for name, path in paths.items() if name not in (MANIFEST, LEASE)}


def is_as_published(folder: Path, manifest: Manifest, name: str) -> bool:
    """Return whether one file of a generation is there and unchanged."""
    path = folder / name
    return path.is_file() and _digest(path) == manifest.files.get(name)


def file_faults(folder: Path, manifest: Manifest) -> list[str]:
    """Return a message for each file that is missing, changed or added."""
    found = file_digests(folder)
    return [
        *(f"{name} is missing" for name in sorted(manifest.files.keys() - found.keys())),
        *(f"{name} was not published" for name in sorted(found.keys() - manifest.files.keys())),
        *(
            f"{name} has changed"
            for name in sorted(found)
            if name in manifest.files and found[name] != manifest.files[name]
        ),
    ]


def check_files(folder: Path, manifest: Manifest) -> None:
    """Raise IndexDamaged naming each file that is missing, changed or added."""
    faults = file_faults(folder, manifest)
    if faults:
        raise IndexDamaged(f"generation {folder.name} is corrupt: {'; '.join(faults)}", HINT)


def check_catalog(folder: Path, manifest: Manifest) -> None:
    """Raise IndexDamaged if the catalogue has changed; everything else can be rebuilt from it."""
    if not is_as_published(folder, manifest, CATALOG):
        raise IndexDamaged(
            f"generation {folder.name} is corrupt: {CATALOG} is missing or has changed",
            "Run `dateline doctor --repair`: it goes back to the last valid generation.",
        )


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
