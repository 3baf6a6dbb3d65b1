"""The damages that a generation may take, each really done to a copy of it."""

import json
import re
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from index.dense import NAME
from index.generation import file_digests
from index.layout import CATALOG, CHROMA, LEXICAL, MANIFEST, VECTORS
from tests.faults.two_writers import damage_by_two_writers
from tests.index.chroma import chroma

HNSW = ("header.bin", "length.bin", "link_lists.bin", "data_level0.bin", "index_metadata.pickle")
BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Damage:
    """What is done to a generation's folder, what is said of the published files, and what of their meaning.

    `files` is said where the published files were altered, `meaning` where the manifest states the altered ones,
    as it does when the build itself was at fault. It `ends` the process that opens it, or may.
    """

    name: str
    do: Callable[[Path], object]
    files: str
    meaning: str
    ends: bool = False


def hnsw_files(folder: Path) -> dict[str, Path]:
    """The files of the HNSW index, by name; Chroma writes them at its threshold alone."""
    return {path.name: path for path in folder.glob(f"{CHROMA}/*/*")}


def state_anew(folder: Path) -> None:
    """Let the manifest state the files as they are."""
    _edit_manifest(folder, files=file_digests(folder))


def _truncate_pickle(folder: Path) -> None:
    path = hnsw_files(folder)["index_metadata.pickle"]
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _zero_block(folder: Path) -> None:
    path = hnsw_files(folder)["data_level0.bin"]
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2 // BLOCK * BLOCK)
        file.write(bytes(BLOCK))


def _drop_vectors(folder: Path) -> None:
    with chroma(folder / CHROMA) as client:
        collection = client.get_collection(NAME, embedding_function=None)
        collection.delete(ids=[str(row) for row in range(100, 108)])


def _drop_lexical_row(folder: Path) -> None:
    path = folder / LEXICAL / "rows.npy"
    np.save(path, np.delete(np.load(path), 700))


def _empty_lexical_row(folder: Path) -> None:
    path = folder / LEXICAL / "indices.csc.index.npy"
    rows = np.load(path)
    np.save(path, np.where(rows == 700, 701, rows))


def _swap_rows(folder: Path) -> None:
    vectors = np.load(folder / VECTORS)
    vectors[[10, 900]] = vectors[[900, 10]]
    np.save(folder / VECTORS, vectors)


def _delete_from_catalog(statement: str) -> Callable[[Path], None]:
    def delete(folder: Path) -> None:
        with closing(sqlite3.connect(folder / CATALOG, isolation_level=None)) as connection:
            assert connection.execute(statement).rowcount == 1

    return delete


def _edit_manifest(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    for name, value in changes.items():
        (manifest if name in manifest else manifest["configuration"])[name] = value
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")


DAMAGES: tuple[Damage, ...] = (
    Damage(
        "pickle truncated",
        _truncate_pickle,
        r"index_metadata\.pickle has changed",
        r"verification ended with",
        ends=True,
    ),
    Damage(
        "4 kB zeroed",
        _zero_block,
        r"data_level0\.bin has changed",
        r"verification ended with|do not find|differ",
        ends=True,
    ),
    Damage("8 vectors missing", _drop_vectors, r"chroma\.sqlite3 has changed", r"numbers of chunks disagree.*'chroma'"),
    Damage("lexical row gone", _drop_lexical_row, r"rows\.npy has changed", r"numbers of chunks disagree.*'lexical'"),
    Damage("lexical row empty", _empty_lexical_row, r"indices\S* has changed", r"do not hold their terms.* row 700"),
    Damage(
        "chunk gone",
        _delete_from_catalog("DELETE FROM chunk WHERE row = 500"),
        r"catalog\.db has changed",
        r"numbers of chunks disagree.*'catalogue'",
    ),
    Damage(
        "article gone",
        _delete_from_catalog("DELETE FROM article WHERE article_id = 'news-0100'"),
        r"catalog\.db has changed",
        r"the catalogue holds \d+ articles, the manifest states \d+",
        ends=True,
    ),
    Damage("rows swapped", _swap_rows, r"vectors\.npy has changed", r"2 vectors in chroma differ from vectors\.npy"),
    Damage(
        "wrong dimension",
        lambda folder: _edit_manifest(folder, dimension=384),
        r"states dimension 384, vectors\.npy holds",
        r"states dimension 384, vectors\.npy holds",
    ),
    Damage(
        "two writers",
        damage_by_two_writers,
        r"chroma\S* (has changed|is missing|was not published)",
        r"chroma|verification ended with|do not find themselves",
        ends=True,
    ),
)


def says(found: list[str], pattern: str) -> bool:
    """Whether any of the damages found is the one meant."""
    return any(re.search(pattern, each) for each in found)
