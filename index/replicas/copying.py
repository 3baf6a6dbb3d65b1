"""Copy the files of a generation to a store, each under the digest of its content."""

from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path

from index.errors import IndexDamaged, reason_of
from index.layout import SEGMENT, segment_folder
from index.records import SegmentEntry, StoredFile
from index.replicas.objects import blob_name, damaged, manifest_name
from index.replicas.store import SINGLE_REQUEST, Store
from index.segment import HINT, digest_of, read_record

AT_ONCE = 4
"""Files of a segment that are copied at the same time."""


class Copying:
    """A copy of a generation to a store, and what was copied: `segments`, `objects` and `bytes`.

    A file is read and compared with its digest before the store gets it under that name. With `repair`, what the store
    has is compared as well, and replaced if it is corrupt.
    """

    def __init__(self, data: Path, store: Store, *, repair: bool = False) -> None:
        self.segments: list[str] = []
        self.objects = 0
        self.bytes = 0
        self._data = data
        self._store = store
        self._repair = repair

    def copy_segment(self, entry: SegmentEntry) -> None:
        """Copy a segment, unless the store has it; its record comes last and tells that the rest is there."""
        if not self._repair and self._store.size(blob_name(entry.sha256)) is not None:
            return
        folder = segment_folder(self._data, entry.segment)
        before = self.objects
        try:
            itself = StoredFile((folder / SEGMENT).stat().st_size, entry.sha256)
            files = {folder / name: file for name, file in read_record(folder).files.items()}
            with ThreadPoolExecutor(AT_ONCE) as threads:
                for copied in threads.map(self._copy_file, files, files.values()):
                    self._count(copied)
            self._count(self._copy_file(folder / SEGMENT, itself))
        except OSError as error:
            file = Path(error.filename or folder).name
            raise IndexDamaged(f"segment {entry.segment} cannot be read: {reason_of(error)} ({file})", HINT) from error
        if self.objects > before:
            self.segments.append(entry.segment)

    def copy_manifest(self, generation: str, content: bytes) -> None:
        """Copy a manifest, unless the store has it; raises StoreDamaged if it has another one of that name."""
        name = manifest_name(generation)
        if self._store.create(name, content):
            self._count(len(content))
        elif self._store.read(name) != content:
            if not self._repair:
                raise damaged(self._store, name, "it is another manifest")
            self._store.replace(name, content)
            self._count(len(content))

    def _count(self, copied: int) -> None:
        """Count an object, unless nothing of it was copied."""
        self.objects += copied > 0
        self.bytes += copied

    def _copy_file(self, path: Path, file: StoredFile) -> int:
        """Copy a file, unless the store has it; return the number of bytes. Raises IndexDamaged if it is corrupt."""
        name = blob_name(file.sha256)
        if self._repair and self._is_intact(name, file):
            return 0
        if file.size > SINGLE_REQUEST:
            return self._copy_large(path, name, file)
        content = path.read_bytes()
        _check(path, sha256(content).hexdigest(), file)
        if self._store.create(name, content):
            return file.size
        if self._repair:
            self._store.replace(name, content)
            return file.size
        return 0

    def _copy_large(self, path: Path, name: str, file: StoredFile) -> int:
        """Copy a file in parts; its name determines its content, so that replacing it does no harm."""
        if not self._repair and self._store.size(name) == file.size:
            return 0
        _check(path, digest_of(path), file)
        self._store.replace(name, path)
        return file.size

    def _is_intact(self, name: str, file: StoredFile) -> bool:
        """Return whether the store has a file, unchanged."""
        digest = sha256()
        try:
            for piece in self._store.pieces(name):
                digest.update(piece)
        except FileNotFoundError:
            return False
        return digest.hexdigest() == file.sha256


def _check(path: Path, digest: str, file: StoredFile) -> None:
    if digest != file.sha256:
        raise IndexDamaged(f"{path} has changed since it was written; it was not pushed", HINT)
