import json
import resource
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Never

import numpy as np
import pytest

from index.doctor import examine, repair
from index.embedding import Embedder
from index.errors import IndexDamaged, IndexMismatch, IndexNotFound, IngestRunning, PublishFailed
from index.layout import (
    BUILDING,
    CATALOG,
    CHROMA,
    CURRENT,
    GENERATIONS,
    LEXICAL,
    SEGMENT,
    SEGMENTS,
    VECTORS,
    current_name,
    generation_names,
    ingest_lock,
    manifest_path,
    segment_folder,
    segment_names,
)
from index.publishing import read_manifest
from index.records import Edit, Revision
from ingest.job import Ingest, run
from ingest.report import Progress
from tests.fakes import HashedEmbedder, article, built, grown, opened

A = article("a", "Crews left the harbour. They came back.")
B = article("b", "The mayor spoke. The council listened.")
C = article("c", "The roof of the museum leaks. Pails were fetched.")
Damage = Callable[[Path], object]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a generation of two articles, and a current one with a third in a second segment."""
    data = tmp_path_factory.mktemp("two")
    built(data, [A, B])
    grown(data, [C])
    return data


@pytest.fixture
def data(two: Path, tmp_path: Path) -> Path:
    return shutil.copytree(two, tmp_path / "data")


def unused() -> Never:
    raise AssertionError("nothing has to be embedded here")


def wrong(data: Path) -> dict[str, str]:
    """Return what the doctor finds wrong, by the part."""
    return {finding.what: finding.detail for finding in examine(data) if not finding.whole}


def repaired(data: Path, embedder: Callable[[], Embedder] = unused) -> list[str]:
    """Repair a folder; return what was done. Afterwards nothing is wrong, and a second repair does nothing."""
    done = list(repair(data, embedder))
    assert wrong(data) == {}, done
    assert list(repair(data, unused)) == []
    return done


def articles_of(data: Path, name: str | None = None) -> set[str]:
    with opened(data, name) as generation:
        return set(generation.hashes())


def newest_segment(data: Path) -> Path:
    """Return the folder of the segment of article c, which only the current generation names."""
    return segment_folder(data, read_manifest(data, generation_names(data)[0]).segments[-1].segment)


def spoil(folder: Path, name: str) -> None:
    """Change two bytes of a file, and cut its last five."""
    (file,) = folder.glob(name)
    file.write_bytes(file.read_bytes()[:100] + b"\0\0" + file.read_bytes()[102:-5])


def flip(file: Path, at: int = -1) -> None:
    """Change one byte of a file, and leave its size."""
    held = bytearray(file.read_bytes())
    held[at] ^= 1
    file.write_bytes(held)


def statement(text: str) -> Damage:
    def change(folder: Path) -> None:
        with closing(sqlite3.connect(folder / CATALOG, isolation_level=None)) as connection:
            connection.execute(text)

    return change


COPIED: dict[str, tuple[Damage, str]] = {
    "chroma": (lambda folder: spoil(folder, f"{CHROMA}/chroma.sqlite3"), "chroma/chroma.sqlite3 has changed"),
    "no chroma": (lambda folder: shutil.rmtree(folder / CHROMA), "chroma/chroma.sqlite3 is missing"),
    "lexical": (lambda folder: flip(folder / LEXICAL / "counts.npy"), "lexical/counts.npy has changed"),
    "no lexical": (lambda folder: shutil.rmtree(folder / LEXICAL), "lexical/counts.npy is missing"),
}
EMBEDDED: dict[str, tuple[Damage, str]] = {
    "vectors": (lambda folder: np.save(folder / VECTORS, np.load(folder / VECTORS)[::-1]), "vectors.npy has changed"),
    "a bit of a vector": (lambda folder: flip(folder / VECTORS), "vectors.npy has changed"),
    "no vectors": (lambda folder: (folder / VECTORS).unlink(), "vectors.npy is missing"),
    "no record": (lambda folder: (folder / SEGMENT).unlink(), "no readable segment.json"),
    "half a record": (lambda folder: spoil(folder, SEGMENT), "no readable segment.json"),
}
LOST: dict[str, tuple[Damage, str]] = {
    "article": (statement("DELETE FROM article WHERE article_id = 'c'"), "catalog.db has changed"),
    "chunk": (statement("DELETE FROM chunk WHERE row = 1"), "catalog.db has changed"),
    "no catalogue": (lambda folder: (folder / CATALOG).unlink(), "catalog.db is missing"),
    "all": (shutil.rmtree, "no readable segment.json"),
}


@pytest.mark.parametrize(("damage", "said"), COPIED.values(), ids=COPIED)
def test_what_is_derived_is_written_again(data: Path, damage: Damage, said: str) -> None:
    """Chroma and the postings are written again from the catalogue and the vectors, without embedding."""
    folder, fingerprint = newest_segment(data), read_manifest(data, current_name(data) or "").fingerprint
    vectors = np.load(folder / VECTORS)
    damage(folder)
    assert said in wrong(data)[f"segment {folder.name}"]
    (done,) = repaired(data)
    assert done == f"segment {folder.name} was written again as {newest_segment(data).name}"
    assert articles_of(data) == {"a", "b", "c"}
    assert read_manifest(data, current_name(data) or "").fingerprint == fingerprint
    assert np.array_equal(np.load(newest_segment(data) / VECTORS), vectors)
    assert not folder.exists()


@pytest.mark.parametrize(("damage", "said"), EMBEDDED.values(), ids=EMBEDDED)
def test_lost_vectors_are_embedded_again(data: Path, damage: Damage, said: str) -> None:
    """Only the texts of the corrupt segment are embedded, with the model of the index."""
    folder, embedder = newest_segment(data), HashedEmbedder()
    vectors = np.load(folder / VECTORS)
    damage(folder)
    assert said in wrong(data)[f"segment {folder.name}"]
    repaired(data, lambda: embedder)
    assert embedder.texts == ["The roof of the museum leaks.", "Pails were fetched."]
    assert articles_of(data) == {"a", "b", "c"}
    assert np.array_equal(np.load(newest_segment(data) / VECTORS), vectors)


@pytest.mark.parametrize(("damage", "said"), LOST.values(), ids=LOST)
def test_a_segment_without_its_catalogue_is_lost(data: Path, damage: Damage, said: str) -> None:
    """A changed catalogue is not used: the segment is dropped, and the report says how to get its articles back."""
    folder = newest_segment(data)
    damage(folder)
    assert said in wrong(data)[f"segment {folder.name}"]
    (done,) = repaired(data)
    assert done.startswith(f"segment {folder.name} is lost")
    assert ("with 1 articles" in done) == (said != "no readable segment.json")
    assert "Run `dateline ingest PATH` with the folders of your articles: it adds those that are missing" in done
    assert articles_of(data) == {"a", "b"}


def test_a_changed_record_is_found_by_its_digest(data: Path) -> None:
    """A record that can be read, and differs from the published one, is corrupt, and is written again."""
    folder = newest_segment(data)
    text = (folder / SEGMENT).read_text()
    (folder / SEGMENT).write_text(text.replace('"search": "chroma"', '"search": "exact"'))
    assert wrong(data)[f"segment {folder.name}"] == "segment.json has changed"
    repaired(data)
    assert articles_of(data) == {"a", "b", "c"}


def test_a_lost_record_does_not_excuse_a_changed_catalogue(data: Path) -> None:
    """Without a record, an article that does not match its content hash makes the catalogue invalid."""
    folder = newest_segment(data)
    statement("UPDATE article SET body = replace(body, 'roof', 'door')")(folder)
    (folder / SEGMENT).unlink()
    (done,) = repaired(data, HashedEmbedder)
    assert "is lost: its catalogue has changed" in done
    assert articles_of(data) == {"a", "b"}


@pytest.mark.parametrize("held", [b"", b"not a database" * 300])
def test_a_lost_record_beside_a_catalogue_that_cannot_be_read(data: Path, held: bytes) -> None:
    """Both are lost: the segment is dropped."""
    folder = newest_segment(data)
    (folder / SEGMENT).unlink()
    (folder / CATALOG).write_bytes(held)
    (done,) = repaired(data, HashedEmbedder)
    assert "is lost: its catalogue cannot be read" in done


def test_a_segment_that_all_generations_have_is_repaired_in_all(data: Path) -> None:
    """Every generation names the rewritten segment, and keeps its articles and its place in time."""
    first = segment_folder(data, segment_names(data)[0])
    shutil.rmtree(first / CHROMA)
    assert wrong(data).keys() == {f"segment {first.name}", *(f"generation {name}" for name in generation_names(data))}
    repaired(data)
    newest, oldest = generation_names(data)
    assert newest == current_name(data)
    assert (articles_of(data, newest), articles_of(data, oldest)) == ({"a", "b", "c"}, {"a", "b"})
    assert read_manifest(data, newest).segments[0].segment == read_manifest(data, oldest).segments[0].segment


def test_a_repair_keeps_the_history_of_an_article(data: Path) -> None:
    """The rewritten segment has the revisions of its articles."""
    history = (Revision("2026-05-03T09:00:00Z", is_stated=True, edits=(Edit("It sank.", "It sailed."),)),)
    grown(data, [article("ship", "It sailed.")], histories={"ship": history})
    shutil.rmtree(segment_folder(data, segment_names(data)[-1]) / CHROMA)
    repaired(data)
    with opened(data) as generation:
        assert generation.histories(["ship"]) == {"ship": history}


def test_a_dead_article_stays_dead(data: Path) -> None:
    """A repair does not bring back what was removed."""
    grown(data, removed=["a"])
    shutil.rmtree(segment_folder(data, segment_names(data)[0]) / CHROMA)
    repaired(data)
    assert articles_of(data) == {"b", "c"}


def test_another_model_does_not_embed_what_is_lost(data: Path) -> None:
    """Vectors of two models are not comparable: the error names both, and nothing is lost."""
    (newest_segment(data) / VECTORS).unlink()
    with pytest.raises(IndexMismatch, match=r"fake:hashed .*fake:other "):
        list(repair(data, lambda: HashedEmbedder("fake:other")))
    repaired(data, HashedEmbedder)
    assert articles_of(data) == {"a", "b", "c"}


def test_a_repair_on_a_full_disk_loses_nothing(data: Path) -> None:
    """If the disk is full, the error says so, and the corrupt segment stays, to be repaired later."""
    before, folder = current_name(data), newest_segment(data)
    shutil.rmtree(folder / CHROMA)
    ample = resource.getrlimit(resource.RLIMIT_FSIZE)
    for limit in (4_000, 20_000):
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, ample[1]))
        try:
            with pytest.raises(PublishFailed, match=r"could not (be )?write?"):
                list(repair(data, unused))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, ample)
        assert current_name(data) == before
        assert (folder / CATALOG).exists()
    repaired(data)
    assert articles_of(data) == {"a", "b", "c"}


@pytest.mark.parametrize("name", ["", "20000101T000000000Z-00000000", "\0\xff", None])
def test_a_current_that_names_no_generation_is_repaired(data: Path, name: str | None) -> None:
    """CURRENT names the newest valid generation again."""
    newest = current_name(data)
    if name is None:
        (data / CURRENT).unlink()
    else:
        (data / CURRENT).write_text(name, encoding="latin-1")
    (detail,) = wrong(data).values()
    assert ("is missing, though there are 2 generations" in detail) == (not name)
    (done,) = repaired(data)
    assert done.startswith(f"{newest} is now the current generation")
    assert current_name(data) == newest


CHANGED: dict[str, Damage] = {
    "gone": lambda path: path.unlink(),
    "half": lambda path: path.write_text(path.read_text()[:200]),
    "not JSON": lambda path: path.write_bytes(b"\0" * 500),
    "count": lambda path: path.write_text(path.read_text().replace('"article_count": 3', '"article_count": 2')),
    "a dead article": lambda path: path.write_text(path.read_text().replace('"dead": []', '"dead": ["a"]', 1)),
    "of another generation": lambda path: path.write_text(min(path.parent.iterdir()).read_text()),
}


@pytest.mark.parametrize("damage", CHANGED.values(), ids=CHANGED)
def test_without_its_manifest_the_generation_before_becomes_current(data: Path, damage: Damage) -> None:
    """A manifest with any change is not used; what only it named is kept, so that an ingest embeds nothing again."""
    newest, oldest = generation_names(data)
    segments = segment_names(data)
    damage(manifest_path(data, newest))
    assert wrong(data)
    done = repaired(data)
    assert done[0] == f"{oldest} is now the current generation; run `dateline ingest PATH` to bring it up to date"
    assert articles_of(data) == {"a", "b"}
    assert segment_names(data) == segments


def ingested(data: Path, articles: Path, *, rebuild: bool = False) -> int:
    """Ingest a folder; return how many chunks were embedded."""
    return run(Ingest((articles,), data, "english", rebuild=rebuild), HashedEmbedder(), Progress(quiet=True)).embedded


def test_an_index_without_any_manifest_is_built_again_from_its_vectors(tmp_path: Path) -> None:
    """The error has the command that builds the index again, and that command embeds nothing."""
    folder, data = tmp_path / "articles", tmp_path / "data"
    folder.mkdir()
    for each in (A, B, C):
        (folder / f"{each.article_id}.txt").write_text(each.body)
    assert ingested(data, folder) == 3
    manifest_path(data, current_name(data) or "").write_text("{")
    with pytest.raises(IndexDamaged, match="no manifest of the 1 generations") as raised:
        list(repair(data, unused))
    assert "dateline ingest --rebuild PATH" in raised.value.hint
    assert ingested(data, folder, rebuild=True) == 0
    assert wrong(data) == {}
    assert len(generation_names(data)) == 1
    assert articles_of(data) == {"a", "b", "c"}


def test_a_rebuild_does_not_drop_a_corrupt_index_that_can_be_repaired(data: Path, tmp_path: Path) -> None:
    """Articles that are not under the paths would be lost without a word."""
    shutil.rmtree(segment_folder(data, segment_names(data)[0]))
    (tmp_path / "d.txt").write_text("One more article.")
    with pytest.raises(IndexDamaged):
        ingested(data, tmp_path / "d.txt", rebuild=True)


def test_a_generation_in_use_is_removed_by_the_next_repair(data: Path) -> None:
    """A service that still reads the corrupt generation is not disturbed, and the report says so."""
    newest = generation_names(data)[0]
    with opened(data) as generation:
        shutil.rmtree(newest_segment(data) / CHROMA)
        done = list(repair(data, unused))
        assert done[-1] == f"generation {newest} is in use; the next repair removes it"
        assert generation.article("c") == C
        assert current_name(data) != newest
    repaired(data)
    assert newest not in generation_names(data)


def test_a_repair_leaves_what_a_killed_run_embedded(data: Path) -> None:
    """The next ingest takes vectors from an unfinished segment, and from one that no generation names."""
    first = segment_folder(data, segment_names(data)[0])
    unfinished = shutil.copytree(first, data / SEGMENTS / f"{BUILDING}123")
    unnamed = shutil.copytree(first, first.with_name("20260101T000000000Z-00000000"))
    shutil.rmtree(newest_segment(data) / CHROMA)
    list(repair(data, unused))
    assert unfinished.is_dir()
    assert unnamed.is_dir()


@pytest.mark.usefixtures("verification_child")
def test_a_file_that_ends_the_process_is_found_and_repaired(tmp_path: Path) -> None:
    """A corrupt HNSW file ends the child that opens it, not the doctor."""
    built(tmp_path, [article(f"a{number}", "The ferry left the harbour. " * 4) for number in range(30)])
    (folder,) = (data for data in (tmp_path / SEGMENTS).iterdir())
    (pickled,) = folder.glob(f"{CHROMA}/*/index_metadata.pickle")
    pickled.write_bytes(pickled.read_bytes()[:1000])
    found = wrong(tmp_path)[f"segment {folder.name}"]
    assert f"{pickled.relative_to(folder)} has changed" in found
    assert "verification ended with" in found
    list(repair(tmp_path, unused))
    assert wrong(tmp_path) == {}


def test_a_valid_index_is_described(data: Path) -> None:
    """Valid parts are listed with their contents, and the remains of a killed run are named."""
    (data / SEGMENTS / f"{BUILDING}123").mkdir()
    newest, oldest = generation_names(data)
    first, second = segment_names(data)
    assert wrong(data) == {}
    details = {finding.what: finding.detail for finding in examine(data)}
    assert details[CURRENT] == f"names {newest}"
    assert details[f"generation {newest}"].startswith("3 articles, 6 chunks, segments: 2, fingerprint ")
    assert details[f"generation {oldest}"].startswith("2 articles, 4 chunks, segments: 1, fingerprint ")
    assert details[f"segment {first}"] == "2 articles, 4 chunks"
    assert details[f"segment {second}"] == "1 articles, 2 chunks"
    assert details[f"{BUILDING}123"] == "in use by a running ingest, or left by one that was interrupted"
    assert repaired(data) == []


def test_everything_wrong_is_named_at_once(data: Path) -> None:
    """A CURRENT that names nothing, a corrupt manifest and two corrupt segments are each named."""
    grown(data, [article("d", "One more article.")])
    newest, middle, oldest = generation_names(data)
    first, second, third = segment_names(data)
    flip(segment_folder(data, first) / CATALOG, 5000)
    (segment_folder(data, third) / VECTORS).unlink()
    manifest_path(data, middle).write_text("{}")
    (data / CURRENT).write_text("20000101T000000000Z-00000000\n")
    found = wrong(data)
    assert found.keys() == {
        CURRENT,
        *(f"generation {name}" for name in (newest, middle)),
        f"segment {first}",
        f"segment {third}",
    } | ({f"generation {oldest}"} & found.keys())
    assert found[CURRENT] == f"names 20000101T000000000Z-00000000, which is not in {data / GENERATIONS}"
    assert "no readable manifest" in found[f"generation {middle}"]
    assert "catalog.db has changed" in found[f"segment {first}"]
    assert "vectors.npy is missing" in found[f"segment {third}"]
    assert f"segment {second}" not in found


def test_a_manifest_of_other_articles_is_named(data: Path) -> None:
    """The fingerprint of a generation is that of its articles: a valid manifest may still state another."""
    newest = generation_names(data)[0]
    manifest = read_manifest(data, newest)
    other = {**json.loads(manifest.to_json()), "fingerprint": "0" * 64}
    path = manifest_path(data, newest)
    path.write_text(json.dumps(other))
    assert wrong(data)[f"generation {newest}"].startswith(f"the manifest of generation {newest} has changed")


def test_a_current_without_its_generation_is_damage(data: Path) -> None:
    """A CURRENT that is left without any generation is a fault, not a missing index."""
    shutil.rmtree(data / GENERATIONS)
    assert "which is not in" in wrong(data)[CURRENT]


def test_no_index_is_not_found(tmp_path: Path) -> None:
    """An empty or missing folder has no index; the error has the command that builds one, and nothing is written."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(IndexNotFound, match=r"has no index(.|\n)*dateline ingest"):
            examine(folder)
        with pytest.raises(IndexNotFound):
            list(repair(folder, unused))
    assert list(tmp_path.iterdir()) == []


def test_an_index_of_the_first_release_is_refused(tmp_path: Path) -> None:
    """It is neither examined nor repaired: the error has the command that replaces it."""
    old = tmp_path / GENERATIONS / "20260101T000000000Z-00000000"
    old.mkdir(parents=True)
    (tmp_path / CURRENT).write_text(f"{old.name}\n")
    for look in (lambda: examine(tmp_path), lambda: list(repair(tmp_path, unused))):
        with pytest.raises(IndexNotFound, match=r"index of the first release(.|\n)*--rebuild"):
            look()
    assert old.is_dir()


def test_nothing_is_repaired_while_an_ingest_runs(data: Path) -> None:
    """A repair ends at once, with the holder of the lock; an examination needs no lock."""
    with ingest_lock(data):
        assert wrong(data) == {}
        with pytest.raises(IngestRunning):
            list(repair(data, unused))
