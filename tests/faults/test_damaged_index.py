import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from index.embedding.llama import LlamaIndexEmbedder
from index.health import examine
from index.layout import CURRENT, EMBEDDINGS, current_name, generation_names
from index.verification import damages, look
from service.api.app import create_app
from service.build import build_pipeline
from tests.faults.damage import DAMAGES, Damage, says
from tests.faults.damaged_index import (
    Outpost,
    damaged_copy,
    rejected_as_built,
    service_on,
    two_generations,
)
from tests.faults.vectors import CLASS_PATH
from tests.samples import settings_for


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_generations(tmp_path_factory.mktemp("two"), articles=200)


@contextmanager
def started(data: Path) -> Iterator[TestClient]:
    """A client of a service that was started on an index."""
    settings = settings_for(data, data / "models", embedding_model=CLASS_PATH)
    app = create_app(settings, build_pipeline(settings, LlamaIndexEmbedder(CLASS_PATH, {})))
    with TestClient(app, raise_server_exceptions=False) as client:
        yield client


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.name)
def test_a_damaged_generation_is_named_and_passed_over(two: Path, tmp_path: Path, damage: Damage) -> None:
    """What was altered is named, the generation before it is served, readiness says so; a faulty build is rejected."""
    case = damaged_copy(two, tmp_path / "data", damage)
    found = damages(case.damaged) if damage.ends else list(look(case.damaged))
    assert says(found, damage.files), found
    with started(case.data) as client:
        ready = client.get("/readyz").json()
        answer = client.post("/v1/ask", json={"question": "What did the storm cost?"})
    assert ready["generation"] == answer.json()["versions"]["generation"] == case.whole
    assert ready["trouble"] == "newest_damaged"
    assert answer.json()["citations"]
    assert rejected_as_built(case, damage)


def test_doctor_and_a_service_of_their_own_say_the_same(two: Path, tmp_path: Path) -> None:
    """On a damaged index `dateline doctor` ends with 1 and names it; `dateline serve` starts, answers, ends with 0."""
    case = damaged_copy(two, tmp_path / "data", DAMAGES[0])
    desk = Outpost(tmp_path, case.data)
    doctor = desk.run("doctor", "--data", str(case.data))
    assert doctor.returncode == 1
    (line,) = [line for line in doctor.stdout.splitlines() if line.startswith("DAMAGED")]
    assert case.damaged.name in line
    assert says([line], DAMAGES[0].files)
    served, trouble, log = service_on(desk)
    assert (served, trouble) == (case.whole, "newest_damaged")
    assert case.damaged.name in log


def test_a_current_that_names_nothing_is_passed_over(two: Path, tmp_path: Path) -> None:
    """The newest whole generation is served where CURRENT names one that is not there, and doctor says so."""
    data = shutil.copytree(two, tmp_path / "data")
    (data / CURRENT).write_text("20000101T000000000Z-00000000\n", encoding="utf-8")
    wrong = [finding for finding in examine(data) if not finding.whole]
    assert [(finding.what, "20000101" in finding.detail) for finding in wrong] == [(CURRENT, True)]
    with started(data) as client:
        ready = client.get("/readyz").json()
    assert ready["generation"] == generation_names(data)[0]
    assert ready["trouble"] == "newest_damaged"


@pytest.mark.parametrize("content", [None, b"no database" * 400], ids=["missing", "garbage"])
def test_a_lost_store_is_named_and_nobody_who_asks_notices(two: Path, tmp_path: Path, content: bytes | None) -> None:
    """Without a usable embeddings.db the doctor names it, and the service answers from the current generation."""
    data = shutil.copytree(two, tmp_path / "data")
    (data / EMBEDDINGS).unlink()
    if content is not None:
        (data / EMBEDDINGS).write_bytes(content)
    wrong = [finding for finding in examine(data) if not finding.whole]
    assert [finding.what for finding in wrong] == [EMBEDDINGS]
    with started(data) as client:
        ready = client.get("/readyz").json()
    assert (ready["generation"], ready["trouble"]) == (current_name(data), None)
