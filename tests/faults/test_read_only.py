from collections.abc import Iterator

import pytest

from index.generation import file_digests
from tests.faults.newsdesk import Newsdesk
from tests.faults.read_only import ask, read_only_desk


@pytest.fixture(scope="module")
def desk() -> Iterator[Newsdesk]:
    with read_only_desk(articles=60) as desk:
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
