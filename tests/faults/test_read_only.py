"""A data folder that may not be written: an ingest says so, and a service answers."""

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from index.generation import file_digests
from tests.faults.mounting import can_mount, read_only
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service

HELD_BACK = ("tests.faults.held_back",)


@contextmanager
def read_only_desk(articles: int) -> Iterator[Newsdesk]:
    """A desk with an index and articles changed since, whose commands cannot write to its data folder.

    The folder is mounted read-only for them where that can be done; else they are run by a user who has no permission.
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
    """What a service started on the folder answers, and its exit code."""
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
    """It ends with 2 and a message that names the folder, and the index stays as it is."""
    before = file_digests(desk.data)
    done = desk.ingest()
    assert (done.returncode, "Traceback" in done.stderr) == (2, False), done.stderr
    assert f"the data folder {desk.data} cannot be written" in done.stderr
    assert file_digests(desk.data) == before


def test_a_service_that_may_not_write_answers(desk: Newsdesk) -> None:
    """It starts on a folder that it may only read, answers with citations and ends with 0."""
    answer, code = ask(desk)
    assert answer["citations"]
    assert code == 0
    assert desk.left_behind() == []
