"""The generations of a data folder as its keeper sees them: list them, go back to one, remove old ones."""

from dataclasses import dataclass
from pathlib import Path

from index.dense.server import ChromaServer
from index.errors import ConfigurationError, IndexDamaged, IndexNotFound
from index.generation import read_manifest
from index.layout import LEASE, current_name, generation_folder, generation_names
from index.locks import ingest_lock, is_leased
from index.publish import make_current, retire, sweep
from index.records import Manifest
from index.verification import damages


@dataclass(frozen=True, slots=True)
class ListedGeneration:
    """A generation in a list; `manifest` is None where it cannot be read, `size` is in bytes."""

    name: str
    current: bool
    in_use: bool
    size: int
    manifest: Manifest | None


def list_generations(data: Path) -> list[ListedGeneration]:
    """The generations, newest first; whether one is whole is the doctor's business."""
    current = current_name(data)
    return [_listed(generation_folder(data, name), current=name == current) for name in generation_names(data)]


def roll_back(data: Path, wanted: str, server: ChromaServer | None = None) -> str:
    """Make another generation the current one, named in full or by a beginning that no other has; returns its name.

    Raises ConfigurationError where there is no such generation, IndexDamaged where it is not whole, IngestRunning.
    """
    with ingest_lock(data):
        name = _named(data, wanted)
        found = damages(generation_folder(data, name), server)
        if found:
            raise IndexDamaged(
                f"generation {name} is damaged: {'; '.join(found)}", "Choose another: `dateline generations list`."
            )
        make_current(data, name)
    return name


def prune(data: Path, keep: int, server: ChromaServer | None = None) -> list[str]:
    """Remove what killed runs left, and all generations but the newest `keep` and the current one; returns names."""
    with ingest_lock(data):
        sweep(data, server)
        return retire(data, keep, server)


def _named(data: Path, wanted: str) -> str:
    names = generation_names(data)
    if not names:
        raise IndexNotFound(f"there is no index in {data}", "Make one with `dateline ingest PATH`.")
    found = [name for name in names if name.startswith(wanted)]
    if len(found) != 1:
        raise ConfigurationError(
            f"{wanted!r} is the beginning of {len(found)} generations in {data}, expected 1",
            f"There are: {', '.join(names)}.",
        )
    return found[0]


def _listed(folder: Path, *, current: bool) -> ListedGeneration:
    try:
        manifest = read_manifest(folder)
    except IndexDamaged:
        manifest = None
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return ListedGeneration(folder.name, current, is_leased(folder / LEASE), size, manifest)
