import json
import re
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from chromadb.api.models.Collection import Collection

from index.embedding import Matrix
from index.generation import file_digests, read_manifest
from index.layout import CATALOG, CHROMA, LEXICAL, MANIFEST, VECTORS
from index.verification import faults_of
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


def edit_manifest(folder: Path, **changes: object) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    for name, value in changes.items():
        held = manifest if name in manifest else manifest["configuration"]
        held[name] = value
    (folder / MANIFEST).write_text(json.dumps(manifest))


def edit_chroma(folder: Path, change: Callable[[Collection], object]) -> None:
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


def cut_the_links(folder: Path) -> None:
    """Remove the neighbours of every HNSW element and keep its vector: 4 bytes and 32 links come first."""
    path = hnsw_file(folder, "data_level0.bin")
    elements = np.frombuffer(path.read_bytes(), dtype=np.uint8).reshape(1320, -1).copy()
    elements[:, : 4 + 32 * 4] = 0
    path.write_bytes(elements.tobytes())


def measure_by_l2(folder: Path) -> None:
    vectors = np.load(folder / VECTORS)
    shutil.rmtree(folder / CHROMA)
    with chroma(folder / CHROMA) as client:
        chunks = client.create_collection("chunks", embedding_function=None)
        chunks.add(ids=[str(row) for row in range(len(vectors))], embeddings=vectors)


def drop_a_lexical_row(folder: Path) -> None:
    rows = np.load(folder / LEXICAL / "rows.npy")
    np.save(folder / LEXICAL / "rows.npy", rows[:-1])


def empty_a_lexical_row(folder: Path) -> None:
    path = folder / LEXICAL / "indices.csc.index.npy"
    rows = np.load(path)
    np.save(path, np.where(rows == 77, 78, rows))


def swap_texts(folder: Path) -> None:
    edit_catalog(folder, "UPDATE chunk SET end_char = end_char - 20")


def swap_vectors(folder: Path) -> None:
    edit_vectors(folder, lambda vectors: vectors.__setitem__([10, 900], vectors[[900, 10]]))


def lose_a_number(folder: Path) -> None:
    edit_vectors(folder, lambda vectors: vectors.__setitem__((33, 5), np.nan))


def stretch_a_vector(folder: Path) -> None:
    edit_vectors(folder, lambda vectors: vectors.__setitem__(33, vectors[33] * 1.01))


def other_language(folder: Path) -> None:
    (folder / LEXICAL / "language.json").write_text('{"language": "german"}')


def drop_a_chunk(folder: Path) -> None:
    edit_catalog(folder, "DELETE FROM chunk WHERE row = 500")


def drop_an_article(folder: Path) -> None:
    edit_catalog(folder, "DELETE FROM article WHERE article_id = 'news-0100'")


IN_FILES: list[tuple[Damage, str]] = [
    (drop_eight_vectors, r"numbers of chunks disagree: .*'chroma': 1312"),
    (replace_eight_vectors, r"8 rows wait in chroma's queue, expected 0"),
    (replace_eight_vectors, r"8 vectors in chroma differ from vectors.npy, the first in row 4\d"),
    (rename_a_row, r"chroma has a row that is not in the catalogue"),
    (count_a_row_twice, r"1 rows have no vector in chroma, the first is row 40"),
    (cut_the_links, r"1\d\d\d of 1320 chunks do not find themselves"),
    (measure_by_l2, r"chroma measures 'l2', expected 'cosine'"),
    (drop_a_lexical_row, r"numbers of chunks disagree: .*'lexical': 1319"),
    (empty_a_lexical_row, r"2 rows of the lexical index lack terms, the first is row 77"),
    (swap_texts, r"row \d+ of the lexical index has other terms than its chunk news-"),
    (other_language, r"the lexical index is german, the manifest states english"),
    (drop_a_chunk, r"numbers of chunks disagree: .*'catalogue': 1319"),
    (swap_vectors, r"2 vectors in chroma differ from vectors.npy, the first in row (10|900)"),
    (lose_a_number, r"1 vectors are not finite unit vectors, the first in row 33"),
    (stretch_a_vector, r"1 vectors are not finite unit vectors, the first in row 33"),
]
IN_HNSW: list[Damage] = [truncate_pickle, zero_a_block, remove_hnsw]
IN_MANIFEST: list[tuple[Damage, str]] = [
    (lambda folder: edit_manifest(folder, dimension=384), r"states dimension 384, vectors.npy has 16"),
    (lambda folder: edit_manifest(folder, language="german"), r"index is english, the manifest states german"),
    (lambda folder: edit_manifest(folder, article_count=221), r"has 220 articles, the manifest states 221"),
    (lambda folder: edit_manifest(folder, chunk_count=1321), r"numbers of chunks disagree: .*'manifest': 1321"),
    (lambda folder: (folder / MANIFEST).write_text("{"), r"no readable manifest"),
    (lambda folder: (folder / MANIFEST).unlink(), r"no readable manifest"),
    (lambda folder: (folder / "lease").unlink(), r"cannot be opened: .*lease"),
]


def name_of(value: object) -> str | None:
    return getattr(value, "__name__", None)


def publish_again(folder: Path) -> None:
    """Write the current digests into the manifest, so that only the content can be wrong."""
    edit_manifest(folder, files=file_digests(folder))


def changed_files(folder: Path, damage: Damage) -> set[str]:
    """Corrupt a generation; return the changed files."""
    before = read_manifest(folder).files
    damage(folder)
    after = file_digests(folder)
    changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    assert changed
    return changed


def named_files(found: list[str]) -> set[str]:
    """Return the files that faults name as changed, missing or added."""
    return {
        each.partition(" ")[0] for each in found if each.endswith(("has changed", "is missing", "was not published"))
    }


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "copy")


@pytest.mark.parametrize(("damage", "said"), IN_FILES, ids=name_of)
def test_damage_within_is_found(copy: Path, damage: Damage, said: str) -> None:
    """Contents that do not match are named, even if every digest is right."""
    damage(copy)
    publish_again(copy)
    found = faults_of(copy)
    assert [each for each in found if re.search(said, each)], found


@pytest.mark.parametrize(("damage", "said"), IN_FILES, ids=name_of)
def test_a_changed_file_is_named_with_what_it_has_lost(copy: Path, damage: Damage, said: str) -> None:
    """Each changed, missing or added file is named, with its effect on the index."""
    changed = changed_files(copy, damage)
    found = faults_of(copy)
    assert named_files(found) == changed
    assert [each for each in found if re.search(said, each)], found


@pytest.mark.usefixtures("verification_child")
@pytest.mark.parametrize("damage", IN_HNSW, ids=name_of)
def test_a_child_that_fails_is_a_damage(copy: Path, damage: Damage) -> None:
    """HNSW files that Chroma cannot read end the child; the changed files and the crash are findings."""
    changed = changed_files(copy, damage)
    *found, last = faults_of(copy)
    assert named_files(found) == changed
    assert last.startswith("verification ended with ")


@pytest.mark.usefixtures("verification_child")
def test_a_child_that_is_killed_is_a_damage(whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A child that a signal ends, as a native crash does, is a finding."""
    (tmp_path / "sitecustomize.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert faults_of(whole) == ["verification ended with -11: no message"]


@pytest.mark.parametrize(("damage", "said"), IN_MANIFEST)
def test_a_manifest_that_states_something_else_is_found(copy: Path, damage: Damage, said: str) -> None:
    """A manifest that is unreadable or does not match the files is a finding."""
    damage(copy)
    found = faults_of(copy)
    assert [each for each in found if re.search(said, each)], found


@pytest.mark.usefixtures("verification_child")
def test_a_whole_generation_has_no_damage(whole: Path) -> None:
    """A valid generation has no findings, and its bytes stay the same."""
    before = file_digests(whole)
    assert faults_of(whole) == []
    assert file_digests(whole) == before


@pytest.mark.usefixtures("verification_child")
def test_a_child_names_each_damage(copy: Path) -> None:
    """The child's findings are returned, one for each line."""
    stretch_a_vector(copy)
    edit_manifest(copy, language="german")
    publish_again(copy)
    assert faults_of(copy) == [
        "the lexical index is english, the manifest states german",
        "the catalogue does not match the manifest's fingerprint",
        "1 vectors are not finite unit vectors, the first in row 33",
        "1 vectors in chroma differ from vectors.npy, the first in row 33",
    ]


@pytest.mark.usefixtures("verification_child")
def test_what_a_child_found_before_it_failed_is_kept(copy: Path) -> None:
    """A missing article of chunks is named, even if later checks fail."""
    drop_an_article(copy)
    publish_again(copy)
    first, last = faults_of(copy)
    assert first == "the catalogue has 219 articles, the manifest states 220"
    assert last.startswith("verification ended with 1: ")


@pytest.mark.usefixtures("verification_child")
def test_what_a_child_found_before_it_was_killed_is_kept(
    copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Findings from before a signal ends the child are returned, with the signal."""
    stretch_a_vector(copy)
    publish_again(copy)
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)
    # Killed while it removes its own private view, its last step.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, arguments):\n"
        "    if event == 'shutil.rmtree' and f'chroma-{os.getpid()}-' in str(arguments[0]):\n"
        "        os.kill(os.getpid(), 9)\n"
        "sys.addaudithook(hook)\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert faults_of(copy) == [
        "1 vectors are not finite unit vectors, the first in row 33",
        "1 vectors in chroma differ from vectors.npy, the first in row 33",
        "verification ended with -9: no message",
    ]


def test_chunks_of_the_same_words_find_one_another(tmp_path: Path) -> None:
    """Many chunks with the same vector are valid."""
    same = [article(f"a{number}", "The ferry left the harbour. " * 20) for number in range(20)]
    assert faults_of(built(tmp_path, same, HashedEmbedder(dimension=16))) == []
