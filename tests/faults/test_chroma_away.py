from collections.abc import Iterator

import pytest

from tests.chroma_server import RunningChroma
from tests.faults.chroma_away import RECOVERY_S, absences, at_a_server, collections_after_swap, ingest_refused
from tests.faults.newsdesk import Newsdesk


@pytest.fixture(scope="module")
def hosted(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Newsdesk, RunningChroma]]:
    with at_a_server(tmp_path_factory.mktemp("hosted"), articles=60) as desk_and_server:
        yield desk_and_server


def test_a_server_that_is_away_is_told_of_and_found_again(hosted: tuple[Newsdesk, RunningChroma]) -> None:
    """Without its server a service says so within 3 s, answers what it can, stays alive, and recovers by itself."""
    for absence in absences(*hosted, away_s=2.2, after_s=2, per_second=8):
        assert absence.refused, str(absence)
        assert {(each.status, each.code) for each in absence.refused} == {(503, "index_unavailable")}, str(absence)
        assert max(each.seconds for each in absence.refused) < 3, str(absence)
        assert {each.status for each in absence.filtered} == {200}, str(absence)
        assert {(each.readyz, each.healthz) for each in absence.health} == {((503, "index_unavailable"), 200)}
        assert absence.recovered_s <= RECOVERY_S, str(absence)
        assert not absence.faults, absence.faults[:3]


def test_an_ingest_does_not_wait_for_a_server_that_stands_still(hosted: tuple[Newsdesk, RunningChroma]) -> None:
    """It ends with a message that names the server, in seconds, and CURRENT is what it was."""
    refused = ingest_refused(*hosted)
    assert refused.done.returncode == 1, refused.done.stderr
    assert hosted[1].url in refused.done.stderr
    assert refused.current_stayed
    assert refused.seconds < 15


def test_no_collection_outlives_its_generation(hosted: tuple[Newsdesk, RunningChroma]) -> None:
    """After a swap the server holds a collection for each generation, after a prune the current one's only."""
    assert collections_after_swap(*hosted) == (2, 1)
