"""The objects in a store: their names, the records in them, and the checks of what is read from there.

blobs/sha256/ab/abcdef…   a file of a segment, or its `segment.json`, by the SHA-256 of its content
generations/NAME.json     the manifest of a generation
pointers/0000000042       the generation to serve: the pointer with the highest number counts
tombstones/0000000007     the articles of a takedown: replicas remove every generation and segment that has them
replicas/ID.json          the report of a replica: what it serves, what is on its disk, which takedowns it has done
doomed/NAME               a generation that is not kept any more; the age of this object is how long it has not been
keys.json                 the keys of the publisher's services, for those of its replicas: read keys.py
probes/ID                 an object by which a publisher tests the store; removed at once

A generation's manifest names its segments by the digest of their `segment.json`, and this names every file of a segment
by its digest. So the digest in a pointer vouches for everything that a replica stores. Publishers write the blob of a
`segment.json` after those of its files: if a store has it, it has the complete segment. A removal of blobs begins with
it, and needs the store lock of the publisher.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import PurePosixPath
from typing import TypeVar

from index.errors import DatelineError, StoreDamaged
from index.layout import SEGMENT
from index.publishing import SCHEMA_VERSION
from index.records import Manifest, SegmentEntry, SegmentRecord, Stored
from index.replicas.store import Store

GENERATIONS = "generations/"
POINTERS = "pointers/"
TOMBSTONES = "tombstones/"
REPLICAS = "replicas/"
BLOBS = "blobs/sha256/"
PROBES = "probes/"
DOOMED = "doomed/"

MOST_BYTES = 256 * 1024 * 1024
"""Bytes of the largest manifest or record that is read: a manifest of ten million chunks has a few megabytes."""

MOST_FILES = 1_000
"""Files that a segment may have; a real one has about fifteen."""

LONGEST_PATH = 200

_DIGEST = re.compile(r"[0-9a-f]{64}")
_GENERATION = re.compile(r"[0-9]{8}T[0-9]{9}Z-[0-9a-f]{8}")
_SEGMENT = _GENERATION
_NUMBER = re.compile(r"[0-9]{10}")
_REPLICA = re.compile(r"[0-9a-f]{32}")
_FILE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")

Record = TypeVar("Record", bound=Stored)


@dataclass(frozen=True, slots=True)
class Pointer(Stored):
    """The generation that replicas serve from now on, and the SHA-256 of its manifest.

    `publisher` is the id of the publisher's data folder, `push` the id of the push that created the pointer.
    """

    number: int
    generation: str
    sha256: str
    publisher: str
    push: str
    host: str
    created_at: str


@dataclass(frozen=True, slots=True)
class Tombstone(Stored):
    """A takedown: the SHA-256 of the id of each article, and the ids of the segments that had one of them.

    A segment that was closed later may have an article with one of these ids, because it was published again. Numbers
    count up; a tombstone is created before the pointer to the first generation that has none of its articles.
    """

    number: int
    articles: tuple[str, ...]
    segments: tuple[str, ...]
    created_at: str


@dataclass(frozen=True, slots=True)
class Report(Stored):
    """The state of a replica: the pointer that it follows, the generation that it serves, and what is on its disk.

    `segments` are the ids of all segments on its disk, with the remains of killed pulls; `generations` the names of its
    manifests. Nothing of the takedowns up to the number `tombstone` is left on it. `keys` is the digest of the keys
    that its services accept.
    """

    id: str
    name: str
    pointer: int
    generation: str | None
    generations: tuple[str, ...]
    segments: tuple[str, ...]
    reported_at: str
    tombstone: int = 0
    keys: str = ""


def blob_name(digest: str) -> str:
    """Return the name of the object with this content."""
    return f"{BLOBS}{digest[:2]}/{digest}"


def manifest_name(generation: str) -> str:
    """Return the name of a generation's manifest."""
    return f"{GENERATIONS}{generation}.json"


def pointer_name(number: int) -> str:
    """Return the name of a pointer; names sort by number."""
    return f"{POINTERS}{number:010d}"


def tombstone_name(number: int) -> str:
    """Return the name of a tombstone; names sort by number."""
    return f"{TOMBSTONES}{number:010d}"


def doomed_name(generation: str) -> str:
    """Return the name of the object by which a generation is known not to be kept."""
    return f"{DOOMED}{generation}"


def report_name(replica: str) -> str:
    """Return the name of a replica's report."""
    return f"{REPLICAS}{replica}.json"


def numbers(store: Store, prefix: str, after: int = 0) -> Iterator[int]:
    """Yield the numbers of the pointers or tombstones that are greater than `after`, unsorted."""
    for name in store.names(prefix, after=f"{prefix}{after:010d}"):
        number = name.removeprefix(prefix)
        if _NUMBER.fullmatch(number):
            yield int(number)


def newest_pointer(store: Store, after: int = 0) -> Pointer | None:
    """Return the pointer with the highest number if that is greater than `after`; lists the store once."""
    number = max(numbers(store, POINTERS, after), default=None)
    return None if number is None else read_pointer(store, number)


def read_pointer(store: Store, number: int) -> Pointer | None:
    """Return a pointer; None if it does not exist. Raises StoreDamaged."""
    name = pointer_name(number)
    pointer = read(store, name, Pointer)
    if pointer is not None and (pointer.number != number or not _names_generation(pointer)):
        raise damaged(store, name, "its fields are not valid")
    return pointer


def _names_generation(pointer: Pointer) -> bool:
    return bool(_GENERATION.fullmatch(pointer.generation) and _DIGEST.fullmatch(pointer.sha256))


def tombstones(store: Store, after: int = 0) -> list[Tombstone]:
    """Return the tombstones with greater numbers, in their order; raises StoreDamaged for one that is not valid."""
    found: list[Tombstone] = []
    for number in sorted(numbers(store, TOMBSTONES, after)):
        name = tombstone_name(number)
        tombstone = read(store, name, Tombstone)
        if tombstone is not None:
            if tombstone.number != number or not _is_valid(tombstone):
                raise damaged(store, name, "its fields are not valid")
            found.append(tombstone)
    return found


def _is_valid(tombstone: Tombstone) -> bool:
    try:
        has_zone = datetime.fromisoformat(tombstone.created_at).tzinfo is not None
    except ValueError:
        return False
    return has_zone and all(map(_DIGEST.fullmatch, tombstone.articles))


def reports(store: Store) -> Iterator[Report]:
    """Yield the reports of the replicas, unsorted; raises StoreDamaged for one that is not valid."""
    for name in store.names(REPLICAS):
        if _REPLICA.fullmatch(name.removeprefix(REPLICAS).removesuffix(".json")):
            report = read(store, name, Report)
            if report is not None:
                yield report


def read(store: Store, name: str, kind: type[Record]) -> Record | None:
    """Return the record in an object; None if it does not exist. Raises StoreDamaged if it is not valid."""
    content = read_bytes(store, name)
    return None if content is None else parsed(store, name, content, kind)


def read_bytes(store: Store, name: str) -> bytes | None:
    """Return the content of a small object, None if it does not exist; raises StoreDamaged if it is not small."""
    found = bytearray()
    try:
        for piece in store.pieces(name):
            found += piece
            if len(found) > MOST_BYTES:
                raise damaged(store, name, f"it is larger than {MOST_BYTES} bytes")
    except FileNotFoundError:
        return None
    return bytes(found)


def parsed(store: Store, name: str, content: bytes, kind: type[Record]) -> Record:
    """Return the record in the content of an object; raises StoreDamaged if it is not valid."""
    try:
        return kind.from_json(content.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise damaged(store, name, str(error)) from error


def read_manifest(store: Store, pointer: Pointer) -> tuple[bytes, Manifest]:
    """Return the manifest that a pointer names, as it is stored and parsed; raises StoreDamaged."""
    name = manifest_name(pointer.generation)
    content = _vouched(store, name, pointer.sha256)
    manifest = parsed(store, name, content, Manifest)
    if manifest.generation != pointer.generation or not pointer.generation.endswith(manifest.digest):
        raise damaged(store, name, "it is the manifest of another generation")
    if manifest.configuration.schema != SCHEMA_VERSION:
        raise StoreDamaged(
            f"{name} in {store.url} has the schema {manifest.configuration.schema},"
            f" this version reads {SCHEMA_VERSION}",
            "Install the version of Dateline that the publisher has.",
        )
    ids = [entry.segment for entry in manifest.segments]
    if len(set(ids)) < len(ids):
        raise damaged(store, name, "it names a segment twice")
    for entry in manifest.segments:
        if not (_SEGMENT.fullmatch(entry.segment) and _DIGEST.fullmatch(entry.sha256)):
            raise damaged(store, name, f"{entry.segment[:LONGEST_PATH]!r} does not name a segment")
    return content, manifest


def read_segment(store: Store, entry: SegmentEntry) -> tuple[bytes, SegmentRecord]:
    """Return the record of a segment, as it is stored and parsed; raises StoreDamaged.

    The names of its files stay in the segment's folder.
    """
    name = blob_name(entry.sha256)
    content = _vouched(store, name, entry.sha256)
    record = parsed(store, name, content, SegmentRecord)
    if record.segment != entry.segment:
        raise damaged(store, name, f"it is the record of segment {record.segment[:LONGEST_PATH]!r}")
    if len(record.files) > MOST_FILES:
        raise damaged(store, name, f"it has {len(record.files)} files")
    folders = {str(folder) for path in record.files for folder in PurePosixPath(path).parents}
    for path, file in record.files.items():
        if path in folders or not (is_file_name(path) and file.size >= 0 and _DIGEST.fullmatch(file.sha256)):
            raise damaged(store, name, f"{path[:LONGEST_PATH]!r} does not name a file of a segment")
    return content, record


def is_file_name(path: str) -> bool:
    """Return whether a path may be that of a file in a segment: relative, plain, and not that of its record."""
    parts = PurePosixPath(path).parts
    return (
        len(path) <= LONGEST_PATH
        and "/".join(parts) == path
        and bool(parts)
        and all(map(_FILE.fullmatch, parts))
        and parts[0] != SEGMENT
    )


def _vouched(store: Store, name: str, digest: str) -> bytes:
    content = read_bytes(store, name)
    if content is None:
        raise missing(store, name)
    if sha256(content).hexdigest() != digest:
        raise damaged(store, name, "its content has another SHA-256")
    return content


def missing(store: Store, name: str) -> DatelineError:
    """Return the error for an object that should be in a store."""
    return StoreDamaged(f"{store.url} has no {name}", "Run `dateline push --repair` on the publisher.")


def damaged(store: Store, name: str, reason: str) -> DatelineError:
    """Return the error for an object that is not what its name or its reader expects."""
    return StoreDamaged(f"{name} in {store.url} is corrupt: {reason}", "Run `dateline push --repair` on the publisher.")
