from collections.abc import Iterable

import pytest

from tests.faults.full_disk import Desk, Shortage, disk_full, file_too_large, limits_of, rooms_of
from tests.faults.mounting import can_mount


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """An index of wide vectors, so that the files differ in size and room can be short for each."""
    return Desk(tmp_path_factory.mktemp("full"), articles=60, dimension=512, warm=True)


def check(shortages: Iterable[Shortage]) -> None:
    shortages = list(shortages)
    assert all(shortage.exit_code for shortage in shortages), "none was short of room"
    assert not [str(shortage) for shortage in shortages if shortage.faults]


def test_a_file_that_may_not_grow_ends_an_ingest_with_a_message(desk: Desk) -> None:
    """Whichever file cannot be written, the ingest says so, CURRENT stays whole, and the next one converges."""
    check(file_too_large(desk, limits_of(desk.sizes())))


@pytest.mark.skipif(not can_mount(), reason="this process may not mount a small disk")
@pytest.mark.parametrize("file", range(3), ids=["catalogue", "vectors", "chroma"])
def test_a_full_disk_ends_an_ingest_with_a_message(desk: Desk, file: int) -> None:
    """Wherever the disk is full, the ingest says so, CURRENT stays whole, and the next one converges."""
    check(disk_full(desk, [rooms_of(desk.sizes())[file]]))
