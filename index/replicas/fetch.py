"""Fetch a segment from a store: its files by their digests, verified, then moved into place."""

import os
import shutil
from collections.abc import Collection, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial, reduce
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from index.errors import IndexDamaged, PublishFailed
from index.layout import BUILDING, SEGMENT, SEGMENTS, segment_folder, segment_names, sync
from index.publishing import remove_segment
from index.records import SegmentEntry, StoredFile
from index.replicas.objects import blob_name, damaged, missing, read_segment
from index.replicas.store import Store
from index.segment import digest_of, file_faults, read_record, verify_in_child

AT_ONCE = 4
"""Files of a segment that are downloaded at the same time."""


class Copied(NamedTuple):
    """The number of objects that were copied, and their bytes."""

    objects: int = 0
    bytes: int = 0

    def plus(self, other: "Copied") -> "Copied":
        """Return the sum of both."""
        return Copied(self.objects + other.objects, self.bytes + other.bytes)


def has_segment(data: Path, entry: SegmentEntry, *, by_size: bool) -> bool:
    """Return whether a data folder has a segment, as far as the digests of its files tell, or only their sizes."""
    folder = segment_folder(data, entry.segment)
    try:
        is_same = digest_of(folder / SEGMENT) == entry.sha256
        return is_same and not file_faults(folder, read_record(folder), by_size=by_size)
    except (OSError, IndexDamaged):
        return False


def fetch_segment(store: Store, data: Path, entry: SegmentEntry) -> Copied:
    """Bring a segment into a data folder; a corrupt one of its name is replaced.

    Continues from the files that a killed pull left. Raises StoreUnavailable, StoreDamaged if an object is missing or
    corrupt, and PublishFailed if the disk is too small or the segment does not pass verification.
    """
    content, record = read_segment(store, entry)
    building = data / SEGMENTS / f"{BUILDING}{entry.segment}"
    building.mkdir(parents=True, exist_ok=True)
    files = {building / name: file for name, file in record.files.items()}
    known = _files_by_digest(data)
    lacking = {
        path: file for path, file in files.items() if not (_is_there(path, file) or _is_linked(path, file, known))
    }
    _check_space(data, sum(file.size for file in lacking.values()), entry)
    with ThreadPoolExecutor(AT_ONCE) as threads:
        downloads = threads.map(partial(_download, store), lacking, lacking.values())
        copied = reduce(Copied.plus, downloads, Copied(1, len(content)))
    (building / SEGMENT).write_bytes(content)
    _remove_others(building, files)
    faults = verify_in_child(building, searched=True)
    if faults:
        raise PublishFailed(
            f"segment {entry.segment} did not pass verification: {'; '.join(faults)}",
            "The current generation is unchanged. Check this machine's memory, and whether it has the versions of the"
            " publisher.",
        )
    _move(data, building, entry.segment)
    return copied


def _files_by_digest(data: Path) -> dict[str, Path]:
    """Return the files of all segments by their digests; small files of Chroma are equal in many segments."""
    found: dict[str, Path] = {}
    for folder in (segment_folder(data, name) for name in segment_names(data)):
        with suppress(IndexDamaged):
            found |= {file.sha256: folder / name for name, file in read_record(folder).files.items()}
    return found


def _is_there(path: Path, file: StoredFile) -> bool:
    return path.is_file() and path.stat().st_size == file.size and digest_of(path) == file.sha256


def _is_linked(path: Path, file: StoredFile, known: Mapping[str, Path]) -> bool:
    """Return whether a file could be made a hard link of one of another segment; a closed segment never changes."""
    other = known.get(file.sha256)
    if other is None or not _is_there(other, file):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    try:
        path.hardlink_to(other)
    except OSError:
        # Some file systems have no hard links, or few.
        return False
    return True


def _check_space(data: Path, needed: int, entry: SegmentEntry) -> None:
    free = shutil.disk_usage(data).free
    if needed > free:
        raise PublishFailed(
            f"segment {entry.segment} needs {needed / 1e6:,.0f} MB, {data} has {free / 1e6:,.0f} MB free",
            "The current generation is unchanged. Free space on the disk.",
        )


def _download(store: Store, path: Path, file: StoredFile) -> Copied:
    """Download a file of a segment; raises StoreDamaged if it is missing or is not what its digest says."""
    name = blob_name(file.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.part")
    digest, size = sha256(), 0
    try:
        with part.open("wb") as written:
            for piece in _pieces(store, name):
                size += len(piece)
                if size > file.size:
                    raise damaged(store, name, f"it has more than {file.size} bytes")
                digest.update(piece)
                written.write(piece)
            written.flush()
            os.fsync(written.fileno())
        if (size, digest.hexdigest()) != (file.size, file.sha256):
            raise damaged(store, name, "its content has another SHA-256")
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)
    return Copied(1, size)


def _pieces(store: Store, name: str) -> Iterator[bytes]:
    try:
        yield from store.pieces(name)
    except FileNotFoundError as error:
        raise missing(store, name) from error


def _remove_others(building: Path, files: Collection[Path]) -> None:
    """Remove what killed pulls left beside the files of a segment."""
    for path in building.rglob("*"):
        if path.is_file() and path not in files and path != building / SEGMENT:
            path.unlink()


def _move(data: Path, building: Path, segment: str) -> None:
    """Move a verified segment into place, on the disk and not only in memory."""
    for path in (building, *building.rglob("*")):
        sync(path)
    if segment_folder(data, segment).exists():
        remove_segment(data, segment, None)
    building.rename(segment_folder(data, segment))
    sync(data / SEGMENTS)
