import resource
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest

from index.doctor import Finding, examine, repair
from index.errors import IndexDamaged, IndexNotFound, PublishFailed
from index.generation import Generation, read_manifest
from index.layout import (
    CATALOG,
    CHROMA,
    CURRENT,
    EMBEDDINGS,
    GENERATIONS,
    LEASE,
    LEXICAL,
    MANIFEST,
    STAGING_PREFIX,
    VECTORS,
    current_name,
    generation_folder,
    generation_names,
)
from index.records import Configuration
from tests.fakes import HashedEmbedder, article, built, configuration

OLD = [article("a", "Crews left the harbour. They came back."), article("b", "The mayor spoke. The council listened.")]
NEW = [*OLD, article("c", "The roof of the museum leaks. Pails were fetched.")]
Damage = Callable[[Path], object]


def unasked() -> Configuration:
    raise AssertionError("the current configuration is not needed here")


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with a generation of two articles and a current one of three."""
    data = tmp_path_factory.mktemp("two")
    built(data, OLD)
    built(data, NEW)
    return data


@pytest.fixture
def data(two: Path, tmp_path: Path) -> Path:
    return shutil.copytree(two, tmp_path / "data")


def current(data: Path) -> Path:
    return generation_folder(data, current_name(data) or "")


def healthy(data: Path) -> bool:
    return all(finding.whole for finding in examine(data))


def articles_of(data: Path) -> set[str]:
    with closing(Generation(current(data))) as generation:
        return set(generation.catalog.hashes())


def spoil(folder: Path, name: str) -> None:
    (file,) = folder.glob(name)
    file.write_bytes(file.read_bytes()[:100] + b"\0\0" + file.read_bytes()[102:-5])


def lose_row(statement: str) -> Damage:
    def lose(folder: Path) -> None:
        with closing(sqlite3.connect(folder / CATALOG, isolation_level=None)) as connection:
            connection.execute(statement)

    return lose


REBUILT: dict[str, Damage] = {
    "chroma": lambda folder: spoil(folder, f"{CHROMA}/chroma.sqlite3"),
    "no chroma": lambda folder: shutil.rmtree(folder / CHROMA),
    "vectors": lambda folder: np.save(folder / VECTORS, np.load(folder / VECTORS)[::-1]),
    "lexical": lambda folder: shutil.rmtree(folder / LEXICAL),
    "lease": lambda folder: (folder / LEASE).unlink(),
    "manifest": lambda folder: (folder / MANIFEST).unlink(),
    "dimension": lambda folder: (folder / MANIFEST).write_text(
        (folder / MANIFEST).read_text().replace('"dimension": 64', '"dimension": 384')
    ),
}
LOST: dict[str, Damage] = {
    "article": lose_row("DELETE FROM article WHERE article_id = 'c'"),
    "chunk": lose_row("DELETE FROM chunk WHERE row = 2"),
    "catalogue": lambda folder: (folder / CATALOG).unlink(),
}


@pytest.mark.parametrize("damage", REBUILT.values(), ids=REBUILT)
def test_a_generation_is_rebuilt_from_its_catalogue(data: Path, damage: Damage) -> None:
    """A corrupt generation with a valid catalogue is rebuilt with every article, without embedding."""
    before = current(data)
    fingerprint = read_manifest(before).fingerprint
    damage(before)
    assert not healthy(data)
    done = list(repair(data, lambda: configuration(HashedEmbedder())))
    assert healthy(data), done
    assert articles_of(data) == {"a", "b", "c"}
    assert read_manifest(current(data)).fingerprint == fingerprint
    assert not before.exists()
    assert before.name in done[0]


@pytest.mark.parametrize("damage", LOST.values(), ids=LOST)
def test_without_its_catalogue_the_last_valid_generation_becomes_current(data: Path, damage: Damage) -> None:
    """A changed catalogue is not used; the report says how to restore the newer articles."""
    damage(current(data))
    done = list(repair(data, unasked))
    assert healthy(data), done
    assert articles_of(data) == {"a", "b"}
    assert any("run `dateline ingest PATH` to bring it up to date" in step for step in done)


def test_a_refused_repair_keeps_the_damaged_generation(data: Path) -> None:
    """If the disk is full, the error says so, and the repairable generation stays."""
    before = current(data)
    shutil.rmtree(before / CHROMA)
    ample = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, ample[1]))
    try:
        with pytest.raises(PublishFailed, match="could not be written"):
            list(repair(data, unasked))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, ample)
    assert current(data) == before
    list(repair(data, unasked))
    assert articles_of(data) == {"a", "b", "c"}


def test_a_lost_manifest_does_not_excuse_a_changed_catalogue(data: Path) -> None:
    """Without a manifest, an article that does not match its content hash makes the catalogue invalid."""
    lose_row("UPDATE article SET body = replace(body, 'roof', 'door') WHERE article_id = 'c'")(current(data))
    (current(data) / MANIFEST).unlink()
    done = list(repair(data, unasked))
    assert any("articles in its catalogue have changed" in step for step in done)
    assert articles_of(data) == {"a", "b"}


@pytest.mark.parametrize("name", ["", "20000101T000000000Z-00000000", "\0\xff", None])
def test_a_current_that_leads_nowhere_is_set_right(data: Path, name: str | None) -> None:
    """CURRENT names the newest valid generation again."""
    newest = current_name(data)
    if name is None:
        (data / CURRENT).unlink()
    else:
        (data / CURRENT).write_text(name, encoding="latin-1")
    list(repair(data, unasked))
    assert current_name(data) == newest
    assert healthy(data)


@pytest.mark.parametrize("lost", [True, False])
def test_the_stored_vectors_come_back_from_the_generations(data: Path, lost: bool) -> None:
    """A missing or unreadable embeddings.db is restored from the vectors of the generation, byte for byte."""
    vectors = np.load(current(data) / VECTORS)
    if lost:
        (data / EMBEDDINGS).unlink()
    else:
        (data / EMBEDDINGS).write_bytes(b"no database" * 500)
    list(repair(data, unasked))
    assert healthy(data)
    shutil.rmtree(current(data) / CHROMA)
    list(repair(data, unasked))
    assert np.array_equal(np.load(current(data) / VECTORS), vectors)


def test_a_stored_vector_that_is_broken_is_replaced(data: Path) -> None:
    """An invalid vector in embeddings.db is not used; that of the generation is."""
    with closing(sqlite3.connect(data / EMBEDDINGS, isolation_level=None)) as connection:
        connection.execute("UPDATE embedding SET vector = zeroblob(256) WHERE rowid = 1")
        connection.execute("UPDATE embedding SET vector = zeroblob(7) WHERE rowid = 2")
    shutil.rmtree(current(data) / CHROMA)
    list(repair(data, unasked))
    assert healthy(data)
    assert articles_of(data) == {"a", "b", "c"}


def test_a_damaged_generation_that_is_not_current_is_removed(data: Path) -> None:
    """A corrupt older generation is removed; the current one is unchanged."""
    oldest, newest = sorted(generation_names(data))
    spoil(generation_folder(data, oldest), VECTORS)
    assert list(repair(data, unasked)) == [f"removed {oldest}: it was corrupt, and it is not the current generation"]
    assert generation_names(data) == [newest]


def test_an_index_that_cannot_be_repaired_is_an_error(data: Path) -> None:
    """Without any valid catalogue the error names the fix, and nothing is removed."""
    for name in generation_names(data):
        (generation_folder(data, name) / CATALOG).unlink()
    with pytest.raises(IndexDamaged, match="none of the 2 generations") as raised:
        list(repair(data, unasked))
    assert "dateline ingest" in raised.value.hint
    assert len(generation_names(data)) == 2


def test_without_an_index_there_is_nothing_to_repair(tmp_path: Path) -> None:
    """An empty folder raises IndexNotFound and stays empty."""
    with pytest.raises(IndexNotFound):
        list(repair(tmp_path, unasked))
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def small(tmp_path: Path) -> Path:
    """A data folder with one generation."""
    built(tmp_path, [article("a", "Crews left. They came back.")])
    return tmp_path


def wrong(findings: list[Finding]) -> dict[str, str]:
    return {finding.what: finding.detail for finding in findings if not finding.whole}


def test_a_valid_index_is_described(small: Path) -> None:
    """Valid parts are listed with their contents, and the remains of a killed run are named."""
    (small / GENERATIONS / f"{STAGING_PREFIX}123").mkdir()
    findings = examine(small)
    (name,) = generation_names(small)
    assert wrong(findings) == {}
    details = {finding.what: finding.detail for finding in findings}
    assert details[CURRENT] == f"names {name}"
    assert details[f"generation {name}"].startswith("1 articles, 2 chunks, fingerprint ")
    assert details[EMBEDDINGS] == "2 vectors"
    assert "the next ingest removes it" in details[f"{STAGING_PREFIX}123"]


def test_everything_wrong_is_named(small: Path) -> None:
    """A corrupt generation, a CURRENT that leads nowhere and an unreadable store are each named."""
    (name,) = generation_names(small)
    with (small / GENERATIONS / name / CATALOG).open("ab") as file:
        file.write(b"\0")
    (small / CURRENT).write_text("20000101T000000000Z-00000000\n")
    (small / EMBEDDINGS).write_bytes(b"no database at all" * 100)
    found = wrong(examine(small))
    assert found[f"generation {name}"] == "catalog.db has changed"
    assert "20000101T000000000Z-00000000" in found[CURRENT]
    assert found[EMBEDDINGS].startswith("cannot be read")


def test_what_is_missing_is_named(small: Path) -> None:
    """A missing CURRENT beside generations, and a missing store, are named with what follows from it."""
    (small / CURRENT).unlink()
    (small / EMBEDDINGS).unlink()
    found = wrong(examine(small))
    assert found == {
        CURRENT: "is missing, though there are 1 generations",
        EMBEDDINGS: "is missing: `dateline doctor --repair` restores it",
    }


def test_a_current_without_its_generation_is_damage(small: Path) -> None:
    """A CURRENT that is left without any generation is a fault, not a missing index."""
    shutil.rmtree(small / GENERATIONS)
    assert "which is not in" in wrong(examine(small))[CURRENT]


def test_no_index_is_not_found(tmp_path: Path) -> None:
    """An empty or missing folder has no index, and the error names the command that builds one."""
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(IndexNotFound, match=r"has no index(.|\n)*dateline ingest"):
            examine(folder)
