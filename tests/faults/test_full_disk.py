from collections.abc import Iterable

import pytest

from tests.faults.full_disk import Desk, Shortage, disk_full, file_too_large, limits_of, rooms_of
from tests.faults.mounting import can_mount


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Desk:
    """Return a desk with wide vectors, so that the files differ in size and space can run out in each."""
    return Desk(tmp_path_factory.mktemp("full"), articles=60, dimension=512)


def check(shortages: Iterable[Shortage]) -> None:
    shortages = list(shortages)
    assert all(shortage.exit_code for shortage in shortages), "none was short of room"
    assert not [str(shortage) for shortage in shortages if shortage.faults]


def test_a_file_that_may_not_grow_ends_an_ingest_with_a_message(desk: Desk) -> None:
    """If any file cannot be written, the ingest reports it, CURRENT stays valid, and the next ingest converges."""
    check(file_too_large(desk, limits_of(desk.sizes())))


@pytest.mark.skipif(not can_mount(), reason="this process may not mount a small disk")
@pytest.mark.parametrize("file", range(3), ids=["catalogue", "vectors", "chroma"])
def test_a_full_disk_ends_an_ingest_with_a_message(desk: Desk, file: int) -> None:
    """If the disk is full at any point, the ingest reports it, CURRENT stays valid, and the next ingest converges."""
    check(disk_full(desk, [rooms_of(desk.sizes())[file]]))
