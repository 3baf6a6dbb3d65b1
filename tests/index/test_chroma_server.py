"""The dense index on a real `chroma run` server."""

import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import numpy as np
import pytest
from chromadb.api.models.Collection import Collection
from index.dense import DenseIndex, build_dense, undrained
from index.dense.hosted import CollectionRecord, discard_collection
from index.dense.server import ChromaServer

from index.embedding import Matrix
from index.errors import ConfigurationError, EmbeddingFailed, IndexDamaged, IndexMismatch
from index.layout import COLLECTION_FILE, VECTORS
from tests.chroma_server import RunningChroma

ROWS, DIMENSION = 5601, 8


def unit_rows(count: int, dimension: int = DIMENSION) -> Matrix:
    rows = np.random.default_rng(3).normal(size=(count, dimension)).astype(np.float32)
    scaled: Matrix = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    return scaled


def saved(folder: Path, vectors: Matrix) -> Path:
    folder.mkdir(exist_ok=True)
    np.save(folder / VECTORS, vectors)
    return folder


def fields(folder: Path) -> dict[str, str]:
    read: dict[str, str] = json.loads((folder / COLLECTION_FILE).read_text())
    return read


def collection(server: ChromaServer, name: str) -> Collection:
    """Return Chroma's own handle, for changes that Dateline never makes."""
    return server.call(lambda api: Collection(client=api, model=api.get_collection(name), embedding_function=None))


def names(server: ChromaServer) -> set[str]:
    return {each.name for each in server.call(lambda api: api.list_collections())}


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningChroma]:
    server = RunningChroma(tmp_path_factory.mktemp("chroma"))
    yield server
    server.kill()


@pytest.fixture(scope="module")
def server(running: RunningChroma) -> Iterator[ChromaServer]:
    with closing(ChromaServer(running.url)) as server:
        yield server


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, server: ChromaServer) -> Path:
    """Return a folder whose vectors, more than one page, are on the server."""
    folder = saved(tmp_path_factory.mktemp("generation"), unit_rows(ROWS))
    build_dense(folder, unit_rows(ROWS), server)
    return folder


def test_the_server_finds_what_a_folder_finds(folder: Path, server: ChromaServer, tmp_path: Path) -> None:
    """The same vectors give the same neighbours from a server as from a folder, filtered or not."""
    build_dense(saved(tmp_path, unit_rows(ROWS)), unit_rows(ROWS))
    allowed = np.arange(ROWS) % 3 == 0
    with closing(DenseIndex(folder, server)) as hosted, closing(DenseIndex(tmp_path)) as embedded:
        for vector in unit_rows(ROWS)[::560]:
            assert set(hosted.nearest(vector, 10)) == set(embedded.nearest(vector, 10))
            assert hosted.nearest(vector, 10)[0] == embedded.nearest(vector, 10)[0]
            assert (hosted.nearest(vector, 9, allowed) == embedded.nearest(vector, 9, allowed)).all()
        assert hosted.count() == embedded.count() == ROWS
        same = {"space", "ef_search", "ef_construction", "max_neighbors"}
        assert {name: hosted.configuration[name] for name in same} == {
            name: embedded.configuration[name] for name in same
        }


@pytest.mark.parametrize("rows", [0, 1, ROWS])
def test_the_server_holds_every_vector(server: ChromaServer, tmp_path: Path, rows: int) -> None:
    """For any number, every vector is on the server and none in the folder."""
    vectors = unit_rows(rows)
    build_dense(saved(tmp_path, vectors), vectors, server)
    assert sorted(path.name for path in tmp_path.iterdir()) == [COLLECTION_FILE, VECTORS]
    assert undrained(tmp_path) == 0
    with closing(DenseIndex(tmp_path, server)) as index:
        assert index.count() == rows
        assert len(index.nearest(unit_rows(1)[0], 5)) == min(rows, 5)
        stored = np.full_like(vectors, np.nan)
        for page, found in index.stored():
            stored[page] = found
    assert stored == pytest.approx(vectors, abs=1e-6)


def test_a_collection_is_held_by_its_id(server: ChromaServer, tmp_path: Path) -> None:
    """A renamed collection is found by its id; another one with its old name is not used."""
    build_dense(saved(tmp_path, unit_rows(3)), unit_rows(3), server)
    name = fields(tmp_path)["name"]
    ours = collection(server, name)
    server.call(lambda _: ours.modify(name=f"moved-{uuid4().hex}"))
    server.call(lambda api: api.create_collection(name))
    with closing(DenseIndex(tmp_path, server)) as index:
        assert index.count() == 3
        assert index.configuration["space"] == "cosine"


def test_a_missing_collection_is_damage(server: ChromaServer, tmp_path: Path) -> None:
    """A deleted collection raises IndexDamaged with the fix, on opening and in use."""
    build_dense(saved(tmp_path, unit_rows(3)), unit_rows(3), server)
    with closing(DenseIndex(tmp_path, server)) as index:
        server.call(lambda api: api.delete_collection(fields(tmp_path)["name"]))
        for _ in range(3):
            with pytest.raises(IndexDamaged, match="has no collection dateline-") as refused:
                index.nearest(unit_rows(1)[0], 1)
            with pytest.raises(IndexDamaged):
                index.count()
    assert "dateline doctor --repair" in refused.value.hint
    with pytest.raises(IndexDamaged, match="has no collection dateline-"):
        DenseIndex(tmp_path, server)


def test_foreign_rows_are_damage(server: ChromaServer, tmp_path: Path) -> None:
    """A row from another program in the collection is an error."""
    build_dense(saved(tmp_path, unit_rows(3)), unit_rows(3), server)
    theirs = collection(server, fields(tmp_path)["name"])
    server.call(lambda _: theirs.add(ids=["theirs"], embeddings=-unit_rows(1)))
    with closing(DenseIndex(tmp_path, server)) as index, pytest.raises(IndexDamaged, match="not Dateline's"):
        index.nearest(-unit_rows(1)[0], 1)


def test_without_a_server_a_hosted_generation_is_a_mismatch(folder: Path) -> None:
    """If the vectors are on a server and the settings have no server, the file and the setting are named."""
    with pytest.raises(IndexMismatch, match=COLLECTION_FILE) as refused:
        DenseIndex(folder)
    assert "Set CHROMA_URL" in refused.value.hint


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "{}",
        '{"name": 1, "id": null}',
        '{"name": "theirs", "id": null}',
        f'{{"name": "dateline-{"0" * 32}", "id": "x"}}',
    ],
)
def test_a_record_that_does_not_read_is_damage(server: ChromaServer, tmp_path: Path, text: str) -> None:
    """An invalid collection.json is an error that names it, and no collection is deleted."""
    (saved(tmp_path, unit_rows(1)) / COLLECTION_FILE).write_text(text)
    with pytest.raises(IndexDamaged, match=COLLECTION_FILE):
        DenseIndex(tmp_path, server)
    with pytest.raises(IndexDamaged, match=COLLECTION_FILE):
        discard_collection(tmp_path, server)


def test_an_unfinished_collection_is_damage(server: ChromaServer, tmp_path: Path) -> None:
    """An interrupted build leaves a collection that is not opened and can be discarded."""
    record = CollectionRecord(f"dateline-{uuid4().hex}")
    record.write(saved(tmp_path, unit_rows(3)))
    server.call(lambda api: api.create_collection(record.name))
    with pytest.raises(IndexDamaged, match="never finished"):
        DenseIndex(tmp_path, server)
    assert discard_collection(tmp_path, server)
    assert record.name not in names(server)


def test_discarding(server: ChromaServer, tmp_path: Path) -> None:
    """Discarding removes only its own collection, can be repeated, and returns False if the server is not known."""
    build_dense(saved(tmp_path, unit_rows(3)), unit_rows(3), server)
    before = names(server)
    assert not discard_collection(tmp_path, None)
    assert discard_collection(tmp_path, server)
    assert before - names(server) == {fields(tmp_path)["name"]}
    assert discard_collection(tmp_path, server)
    (tmp_path / COLLECTION_FILE).unlink()
    assert discard_collection(tmp_path, None)
    assert discard_collection(tmp_path, server)


@pytest.mark.parametrize("hosted", [True, False], ids=["hosted", "embedded"])
def test_a_question_of_another_dimension_is_refused(
    folder: Path, server: ChromaServer, hosted: bool, tmp_path: Path
) -> None:
    """A vector of another shape is an error, filtered or not; any length is valid."""
    if not hosted:
        build_dense(saved(tmp_path, unit_rows(3)), unit_rows(3))
    with closing(DenseIndex(folder, server) if hosted else DenseIndex(tmp_path)) as index:
        for vector in (np.ones(DIMENSION - 1, "f4"), np.ones((1, DIMENSION), "f4")):
            for allowed in (None, np.ones(len(index.vectors), dtype=bool)):
                with pytest.raises(EmbeddingFailed, match="the index has 8 dimensions"):
                    index.nearest(vector, 1, allowed)
        assert len(index.nearest(7 * unit_rows(1)[0], 1)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://localhost",
        "http://",
        "http://:8000",
        "http://localhost:port",
        "http://localhost:99999",
        "http://localhost:8000/api/v2",
        "http://localhost?tenant=x",
        "http://localhost#x",
        "http://[::1",
    ],
)
def test_an_invalid_address_is_refused(url: str) -> None:
    """A URL in another form than http(s)://host[:port] is an error before any request."""
    with pytest.raises(ConfigurationError, match="CHROMA_URL"):
        ChromaServer(url)


def test_a_password_is_refused_and_not_repeated() -> None:
    """An address with a user or a password is an error, and the message omits them."""
    with pytest.raises(ConfigurationError) as refused:
        ChromaServer("http://me:secret@localhost:8000")
    assert "secret" not in str(refused.value)
    assert "password" in str(refused.value)


@pytest.mark.parametrize(
    ("given", "url"),
    [
        ("http://localhost:8000/", "http://localhost:8000"),
        ("https://chroma.internal", "https://chroma.internal"),
        ("http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_addresses(given: str, url: str) -> None:
    """Host names and IP addresses are valid, with a port or the scheme's default."""
    with closing(ChromaServer(given)) as server:
        assert server.url == url
