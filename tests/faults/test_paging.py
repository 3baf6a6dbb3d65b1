from pathlib import Path

import pytest

from tests.faults.paging import every_command


@pytest.mark.timeout(400)
def test_every_command_pages(tmp_path: Path) -> None:
    """More rows than a statement takes are repaired, taken down from, put back, rolled back to and ingested beside."""
    steps = every_command(tmp_path, 223, 150, from_files=False)
    assert [step.name for step in steps][::2] == ["doctor --repair", "copy, wipe, put back", "ingest"]
