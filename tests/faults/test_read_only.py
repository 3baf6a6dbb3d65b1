"""A read-only data folder: an ingest reports it, and a service answers."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.segment import stored_files
from tests.faults.mounting import can_mount, read_only
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service

HELD_BACK = ("tests.faults.held_back",)


@contextmanager
def read_only_desk(articles: int) -> Iterator[Newsdesk]:
    """Return a desk with changed articles whose commands cannot write to its data folder.

    The folder is mounted read-only if possible; otherwise the commands run as a user without permissions.
    """
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        desk = Newsdesk(place / "desk", articles=articles)
        desk.ingest_here()
        desk.change(articles // 2)
        if can_mount():
            desk.prefix = read_only(desk.data)
            yield desk
            return
        _permit(place, "a=rX,u+w")
        desk.temporary.chmod(0o777)
        _permit(desk.data, "a=rX")
        desk.module = HELD_BACK
        try:
            yield desk
        finally:
            _permit(desk.data, "u+w")


def ask(desk: Newsdesk) -> tuple[dict[str, object], int]:
    """Return the answer of a service on the folder, and its exit code."""
    service = Service(desk)
    try:
        service.ready()
        status, answer = service.request("POST", "/v1/ask", {"question": "What did the storm cost?"})
        assert status == 200, answer
    finally:
        code = service.stop()
    return answer, code


def _permit(folder: Path, mode: str) -> None:
    subprocess.run(["chmod", "-R", mode, str(folder)], check=True)


@pytest.fixture(scope="module")
def desk() -> Iterator[Newsdesk]:
    with read_only_desk(articles=12) as desk:
        yield desk


def test_an_ingest_that_may_not_write_says_so(desk: Newsdesk) -> None:
    """It exits with 2 and a message that names the folder, and the index does not change."""
    before = stored_files(desk.data)
    done = desk.ingest()
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert f"the data folder {desk.data} cannot be written" in done.stderr
    assert stored_files(desk.data) == before


def test_a_service_that_may_not_write_answers(desk: Newsdesk) -> None:
    """It starts on a read-only folder, answers with citations and exits with 0."""
    answer, code = ask(desk)
    assert answer["citations"]
    assert code == 0
    assert desk.left_behind() == []
