from pathlib import Path

import pytest

from tests.faults.killed_ingest import CERTAIN, EACH_EVENT, killed_ingests


@pytest.mark.timeout(400)
def test_a_killed_ingest_leaves_a_valid_index_and_answers_every_question(tmp_path: Path) -> None:
    """An ingest killed in any phase leaves CURRENT valid, every question is answered, and its rerun converges."""
    figures = killed_ingests(tmp_path, EACH_EVENT, articles=24, every=99, seed=1)
    assert set(figures.phases) >= CERTAIN, str(figures)
    assert figures.reruns == 1
