import json
import os
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from chromadb.api.models.Collection import Collection as ChromaCollection
from numpy.typing import NDArray

from index.embedding import Matrix, Vector
from index.errors import IndexDamaged
from index.layout import CATALOG, CHROMA, LEXICAL, SEGMENT, VECTORS, segment_folder, segment_names
from index.lexical import LENGTHS
from index.segment import faults_of, file_faults, read_record, stored_files, verify_in_child
from index.vectors import Collection, misses_too_many
from tests.fakes import HashedEmbedder, article, built
from tests.index.chroma import chroma

Damage = Callable[[Path], object]


def edit_vectors(folder: Path, change: Callable[[Matrix], object]) -> None:
    vectors = np.load(folder / VECTORS)
    change(vectors)
    np.save(folder / VECTORS, vectors)


def edit_catalog(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / CATALOG, isolation_level=None)) as connection:
        connection.execute(statement)


def edit_record(folder: Path, **changes: object) -> None:
    record = json.loads((folder / SEGMENT).read_text())
    for name, value in changes.items():
        held = record if name in record else record["configuration"]
        held[name] = value
    (folder / SEGMENT).write_text(json.dumps(record))


def edit_chroma(folder: Path, change: Callable[[ChromaCollection], object]) -> None:
    with chroma(folder / CHROMA) as client:
        change(client.get_collection("chunks", embedding_function=None))


def hnsw_file(folder: Path, name: str) -> Path:
    (found,) = folder.glob(f"{CHROMA}/*/{name}")
    return found


def truncate_pickle(folder: Path) -> None:
    path = hnsw_file(folder, "index_metadata.pickle")
    path.write_bytes(path.read_bytes()[:1000])


def zero_a_block(folder: Path) -> None:
    with hnsw_file(folder, "data_level0.bin").open("r+b") as file:
        file.seek(100_000)
        file.write(bytes(4096))


def remove_hnsw(folder: Path) -> None:
    hnsw_file(folder, "header.bin").unlink()


def drop_eight_vectors(folder: Path) -> None:
    edit_chroma(folder, lambda chunks: chunks.delete(ids=[str(row) for row in range(40, 48)]))


def replace_eight_vectors(folder: Path) -> None:
    vectors = np.load(folder / VECTORS)[:8]
    edit_chroma(folder, lambda chunks: chunks.update(ids=[str(row) for row in range(40, 48)], embeddings=vectors))


def rename_a_row(folder: Path) -> None:
    vector = np.load(folder / VECTORS)[40:41]
    edit_chroma(folder, lambda chunks: chunks.delete(ids=["40"]))
    edit_chroma(folder, lambda chunks: chunks.add(ids=["9999"], embeddings=vector))


def count_a_row_twice(folder: Path) -> None:
    vector = np.load(folder / VECTORS)[41:42]
    edit_chroma(folder, lambda chunks: chunks.delete(ids=["40"]))
    edit_chroma(folder, lambda chunks: chunks.add(ids=["0041"], embeddings=vector))


def measure_by_l2(folder: Path) -> None:
    vectors = np.load(folder / VECTORS)
    shutil.rmtree(folder / CHROMA)
    with chroma(folder / CHROMA) as client:
        chunks = client.create_collection("chunks", embedding_function=None)
        chunks.add(ids=[str(row) for row in range(len(vectors))], embeddings=vectors)


def drop_a_lexical_row(folder: Path) -> None:
    np.save(folder / LEXICAL / LENGTHS, np.load(folder / LEXICAL / LENGTHS)[:-1])


def swap_vectors(folder: Path) -> None:
    edit_vectors(folder, lambda vectors: vectors.__setitem__([10, 900], vectors[[900, 10]]))


def lose_a_number(folder: Path) -> None:
    edit_vectors(folder, lambda vectors: vectors.__setitem__((33, 5), np.nan))


def stretch_a_vector(folder: Path) -> None:
    edit_vectors(folder, lambda vectors: vectors.__setitem__(33, vectors[33] * 1.01))


def empty_the_vectors(folder: Path) -> None:
    (folder / VECTORS).write_bytes(b"")


def empty_the_catalogue(folder: Path) -> None:
    (folder / CATALOG).write_bytes(b"")


def drop_a_chunk(folder: Path) -> None:
    edit_catalog(folder, "DELETE FROM chunk WHERE row = 500")


def drop_an_article(folder: Path) -> None:
    edit_catalog(folder, "DELETE FROM article WHERE article_id = 'news-0100'")


IN_FILES: list[tuple[Damage, str]] = [
    (drop_eight_vectors, r"numbers of chunks disagree: .*'chroma': 1312"),
    (replace_eight_vectors, r"rows wait in chroma's queue"),
    (replace_eight_vectors, r"8 vectors in chroma differ from vectors.npy, the first in row 4\d"),
    (rename_a_row, r"chroma has a row that is not in the catalogue"),
    (count_a_row_twice, r"1 rows have no vector in chroma, the first is row 40"),
    (measure_by_l2, r"chroma measures 'l2', expected 'cosine'"),
    (drop_a_lexical_row, r"numbers of chunks disagree: .*'lexical': 1319"),
    (drop_an_article, r"has 219 articles, the record states 220"),
    (drop_a_chunk, r"numbers of chunks disagree: .*'catalogue': 1319"),
    (swap_vectors, r"2 vectors in chroma differ from vectors.npy, the first in row (10|900)"),
    (lose_a_number, r"1 vectors are not finite unit vectors, the first in row 33"),
    (stretch_a_vector, r"1 vectors are not finite unit vectors, the first in row 33"),
    (empty_the_vectors, r"it cannot be opened: .*(No data|EOF)"),
    (empty_the_catalogue, r"it cannot be opened: no such table"),
]
IN_HNSW: list[Damage] = [truncate_pickle, zero_a_block, remove_hnsw]
IN_RECORD: list[tuple[Damage, str]] = [
    (lambda folder: edit_record(folder, dimension=384), r"states dimension 384, vectors.npy has 16"),
    (lambda folder: edit_record(folder, article_count=221), r"has 220 articles, the record states 221"),
    (lambda folder: edit_record(folder, chunk_count=1321), r"numbers of chunks disagree: .*'record': 1321"),
    (lambda folder: (folder / SEGMENT).write_text("{"), r"no readable segment\.json"),
    (lambda folder: (folder / SEGMENT).unlink(), r"no readable segment\.json"),
]


def name_of(value: object) -> str | None:
    return getattr(value, "__name__", None)


def close_again(folder: Path) -> None:
    """Write the current digests into the record, so that only the content can be wrong."""
    edit_record(folder, files={name: asdict(stored) for name, stored in stored_files(folder).items()})


def changed_files(folder: Path, damage: Damage) -> set[str]:
    """Corrupt a segment; return the changed files that its record names."""
    before = read_record(folder).files
    damage(folder)
    after = stored_files(folder)
    changed = {name for name in before if before[name] != after.get(name)}
    assert changed
    return changed


def named_files(found: list[str]) -> set[str]:
    """Return the files that faults name as changed or missing."""
    return {each.partition(" ")[0] for each in found if each.endswith((" has changed", " is missing"))}


def in_this_process(folder: Path) -> list[str]:
    """Return the faults that the child would print."""
    try:
        record = read_record(folder)
    except IndexDamaged as error:
        return [str(error)]
    return [*file_faults(folder, record), *faults_of(folder, record)]


@pytest.mark.parametrize(("damage", "said"), IN_FILES, ids=name_of)
def test_damage_within_is_found(copied_segment: Path, damage: Damage, said: str) -> None:
    """Contents that do not match are named, even if every digest is right."""
    damage(copied_segment)
    close_again(copied_segment)
    found = in_this_process(copied_segment)
    assert [each for each in found if re.search(said, each)], found
    assert named_files(found) == set()


@pytest.mark.parametrize(("damage", "said"), IN_FILES, ids=name_of)
def test_a_changed_file_is_named_with_what_it_has_lost(copied_segment: Path, damage: Damage, said: str) -> None:
    """Each changed or missing file is named, with its effect on the index."""
    changed = changed_files(copied_segment, damage)
    found = in_this_process(copied_segment)
    assert named_files(found) == changed
    assert [each for each in found if re.search(said, each)], found


@pytest.mark.parametrize(("damage", "said"), IN_RECORD)
def test_a_record_that_states_something_else_is_found(copied_segment: Path, damage: Damage, said: str) -> None:
    """A record that is unreadable or does not match the files is a finding."""
    damage(copied_segment)
    found = in_this_process(copied_segment)
    assert [each for each in found if re.search(said, each)], found


@pytest.mark.parametrize("damage", IN_HNSW, ids=name_of)
def test_a_child_that_fails_is_a_damage(copied_segment: Path, damage: Damage) -> None:
    """HNSW files that Chroma cannot read end the child; the changed files and the crash are findings."""
    changed = changed_files(copied_segment, damage)
    *found, last = verify_in_child(copied_segment)
    assert named_files(found) == changed
    assert last.startswith("verification ended with ")


def test_a_child_that_is_killed_is_a_damage(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that a signal ends, as a native crash does, is a finding."""
    (tmp_path / "sitecustomize.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert verify_in_child(whole) == ["verification ended with -11: no message"]


def test_a_child_that_does_not_end_is_a_damage(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is killed after its time, and the finding says so."""
    monkeypatch.setattr("index.segment.TIMEOUT_S", 0.01)
    assert verify_in_child(whole) == ["verification did not end within 0.01 s"]


def test_a_valid_segment_has_no_damage(whole: Path) -> None:
    """A valid segment has no findings, and its bytes stay the same."""
    before = stored_files(whole)
    assert verify_in_child(whole) == []
    assert in_this_process(whole) == []
    assert stored_files(whole) == before


def test_a_child_names_each_damage(copied_segment: Path) -> None:
    """The child's findings are returned, one for each line; it can be given a relative path, as of `--data data`."""
    stretch_a_vector(copied_segment)
    edit_record(copied_segment, article_count=221)
    close_again(copied_segment)
    expected = [
        "the catalogue has 220 articles, the record states 221",
        "1 vectors are not finite unit vectors, the first in row 33",
        "1 vectors in chroma differ from vectors.npy, the first in row 33",
    ]
    assert verify_in_child(Path(os.path.relpath(copied_segment))) == expected


def test_a_collection_that_is_not_searched_is_compared_by_its_digests(copied_segment: Path) -> None:
    """A replica does not open it: it finds the changed file, and what is wrong in the other parts."""
    stretch_a_vector(copied_segment)
    edit_record(copied_segment, article_count=221)
    close_again(copied_segment)
    changed = changed_files(copied_segment, IN_HNSW[0])
    *found, articles, vectors = verify_in_child(copied_segment, searched=True)
    assert named_files(found) == changed
    assert articles == "the catalogue has 220 articles, the record states 221"
    assert vectors == "1 vectors are not finite unit vectors, the first in row 33"


def test_what_a_child_found_before_it_was_killed_is_kept(
    copied_segment: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Changed files are returned, even if a signal ends the child later; half a line is not."""
    changed = changed_files(copied_segment, stretch_a_vector)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, arguments):\n"
        "    if event == 'shutil.copyfile':\n"
        "        os.write(1, b'half a li')\n"
        "        os.kill(os.getpid(), 9)\n"
        "sys.addaudithook(hook)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert verify_in_child(copied_segment) == [
        *(f"{name} has changed" for name in sorted(changed)),
        "verification ended with -9: no message",
    ]


@pytest.mark.parametrize(("missed", "too_many"), [(0, False), (1, False), (2, True)])
def test_a_few_chunks_may_be_missed(whole: Path, monkeypatch: pytest.MonkeyPatch, missed: int, too_many: bool) -> None:
    """Two in a thousand of the chunks that are tried may not be found by their own vectors: 1 of 500."""
    search = Collection.nearest
    left = [missed]

    def nearest(collection: Collection, vector: Vector, count: int) -> NDArray[np.int64]:
        found = search(collection, vector, count)
        if left[0]:
            left[0] -= 1
            return found[1:2] if len(found) > 1 else found[:0]
        return found

    monkeypatch.setattr(Collection, "nearest", nearest)
    assert misses_too_many(whole / CHROMA, np.load(whole / VECTORS)) == too_many


def test_a_search_that_finds_nothing_is_a_miss(whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """HNSW may return fewer rows than it is asked for."""
    monkeypatch.setattr(Collection, "nearest", lambda *_: np.empty(0, dtype=np.int64))
    assert misses_too_many(whole / CHROMA, np.load(whole / VECTORS))


def test_chunks_of_the_same_words_find_one_another(tmp_path: Path) -> None:
    """Many chunks with the same vector are valid."""
    same = [article(f"a{number}", "The ferry left the harbour. " * 20) for number in range(20)]
    built(tmp_path, same, HashedEmbedder(dimension=16))
    (name,) = segment_names(tmp_path)
    folder = segment_folder(tmp_path, name)
    assert in_this_process(folder) == []
    assert not misses_too_many(folder / CHROMA, np.load(folder / VECTORS))
