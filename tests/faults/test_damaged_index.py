"""A corrupt current generation: doctor names it, and a service answers from the generation before it."""

import json
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import chromadb
import numpy as np
import pytest
from starlette.testclient import TestClient

from index.doctor import examine, repair
from index.layout import (
    CATALOG,
    CHROMA,
    CURRENT,
    LEXICAL,
    SEGMENT,
    VECTORS,
    generation_names,
    manifest_path,
    segment_folder,
)
from index.publishing import read_manifest
from service.api.app import create_app
from service.build import build_pipeline
from tests.fakes import HashedEmbedder, article, built, grown, newsroom
from tests.faults.newsdesk import WITHOUT_SPAN_READER, Newsdesk
from tests.faults.questions import Service
from tests.faults.vectors import DIMENSION, embedder
from tests.samples import settings_for

QUESTION = {"question": "What did the storm cost?"}
RECOVERY_S = 30.0


def truncate_pickle(folder: Path) -> None:
    """Halve a file of HNSW, which ends the process that opens it."""
    (path,) = folder.glob(f"{CHROMA}/*/index_metadata.pickle")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def drop_vectors(folder: Path) -> None:
    client = chromadb.PersistentClient(str(folder / CHROMA))
    client.get_collection("chunks", embedding_function=None).delete(ids=[str(row) for row in range(100, 108)])
    client.close()  # type: ignore[attr-defined]


def drop_lexical_row(folder: Path) -> None:
    rows = np.load(folder / LEXICAL / "rows.npy")
    np.save(folder / LEXICAL / "rows.npy", np.delete(rows, 700))


def drop_chunk(folder: Path) -> None:
    with closing(sqlite3.connect(folder / CATALOG, isolation_level=None)) as connection:
        connection.execute("DELETE FROM chunk WHERE row = 500")


def swap_rows(folder: Path) -> None:
    vectors = np.load(folder / VECTORS)
    vectors[[10, 900]] = vectors[[900, 10]]
    np.save(folder / VECTORS, vectors)


def lose_record(folder: Path) -> None:
    (folder / SEGMENT).unlink()


def state_another_dimension(folder: Path) -> None:
    data = folder.parent.parent
    path = manifest_path(data, generation_names(data)[0])
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["configuration"]["dimension"] = 384
    path.write_text(json.dumps(manifest), encoding="utf-8")


DAMAGES = (
    truncate_pickle,
    drop_vectors,
    drop_lexical_row,
    drop_chunk,
    swap_rows,
    lose_record,
    state_another_dimension,
)


def newest_segment(data: Path) -> Path:
    """Return the folder of the newest segment of the newest generation."""
    return segment_folder(data, read_manifest(data, generation_names(data)[0]).segments[-1].segment)


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with two generations, one chunk per sentence, for the embedder of the commands."""
    data = tmp_path_factory.mktemp("two") / "data"
    for count in (199, 200):
        built(data, newsroom(count), embedder())
        assert list(newest_segment(data).glob(f"{CHROMA}/*/header.bin")), "Chroma wrote no HNSW files"
    return data


@pytest.fixture
def data(two: Path, tmp_path: Path) -> Path:
    return shutil.copytree(two, tmp_path / "data")


@contextmanager
def started(data: Path) -> Iterator[TestClient]:
    """Return a client of a service on an index."""
    settings = settings_for(data, data / "models", span_reader=False)
    app = create_app(settings, build_pipeline(settings, embedder()))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_a_damaged_generation_is_passed_over(data: Path, damage: Callable[[Path], None]) -> None:
    """The generation before it is served, and readiness reports it."""
    _, before = generation_names(data)
    damage(newest_segment(data))
    with started(data) as client:
        ready = client.get("/readyz").json()
        answer = client.post("/v1/ask", json=QUESTION).json()
    assert ready["generation"] == answer["versions"]["generation"] == before
    assert ready["trouble"] == "newest_damaged"
    assert answer["citations"]


def test_doctor_and_a_service_process_survive_the_damage(data: Path, tmp_path: Path) -> None:
    """`dateline doctor` exits with 1 and names the segment; `dateline serve` starts, answers and exits with 0."""
    newest, before = generation_names(data)
    damaged = newest_segment(data)
    truncate_pickle(damaged)
    desk = Newsdesk(tmp_path / "desk", articles=0)
    desk.data = data
    desk.environment |= WITHOUT_SPAN_READER
    doctor = desk.run("doctor", "--data", str(data))
    generation, segment = [line for line in doctor.stdout.splitlines() if line.startswith("corrupt")]
    assert doctor.returncode == 1
    assert newest in generation
    assert damaged.name in segment
    assert "index_metadata.pickle has changed" in segment
    service = Service(desk)
    try:
        ready = service.ready()
        status, answer = service.request("POST", "/v1/ask", QUESTION)
    finally:
        code = service.stop()
    assert (ready["generation"], ready["trouble"], status, code) == (before, "newest_damaged", 200, 0), service.log
    assert answer["citations"]
    assert damaged.name in "".join(service.log)


def test_a_current_that_names_nothing_is_passed_over(data: Path) -> None:
    """The newest valid generation is served if CURRENT names one that does not exist, and doctor says so."""
    (data / CURRENT).write_text("20000101T000000000Z-00000000\n", encoding="utf-8")
    wrong = [finding for finding in examine(data) if not finding.whole]
    assert [(finding.what, "20000101" in finding.detail) for finding in wrong] == [(CURRENT, True)]
    with started(data) as client:
        ready = client.get("/readyz").json()
    assert ready["generation"] == generation_names(data)[0]
    assert ready["trouble"] == "newest_damaged"


def test_damage_in_a_shared_segment_is_an_error_with_a_message(data: Path) -> None:
    """If every generation names the segment, questions get 503; after a repair they are answered without a restart."""
    grown(data, [article("late", "The storm cost 9 crowns.")], embedder=HashedEmbedder(dimension=DIMENSION))
    with suppress(FileNotFoundError):
        manifest_path(data, generation_names(data)[-1]).unlink()
    (segment_folder(data, read_manifest(data, generation_names(data)[0]).segments[0].segment) / VECTORS).unlink()
    with started(data) as client:
        refused = client.post("/v1/ask", json=QUESTION)
        assert (refused.status_code, refused.json()["error"]["code"]) == (503, "index_unavailable")
        assert list(repair(data, embedder))
        deadline = time.monotonic() + RECOVERY_S
        while client.post("/v1/ask", json=QUESTION).status_code != 200:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert client.get("/readyz").json()["trouble"] is None
    assert [finding for finding in examine(data) if not finding.whole] == []
