from pathlib import Path

import pytest

from tests.faults.backup import drill
from tests.faults.newsdesk import Newsdesk


@pytest.mark.timeout(400)
def test_a_restored_copy_serves_and_goes_on(tmp_path: Path) -> None:
    """A copied generation, alone in a wiped folder, is rolled back to, serves as before, and ingest goes on from it."""
    desk = Newsdesk(tmp_path, articles=60)
    desk.ingest_here()
    figures = drill(desk, tmp_path, vectors=False)
    assert figures.restored == figures.fingerprint
    assert not figures.unanswered, str(figures)
    assert figures.embedded_after == figures.fresh
