"""A copy of the corpus's segment for a test to change."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture
def copied_segment(whole: Path, tmp_path: Path) -> Path:
    """Return a copy of the corpus's segment."""
    return shutil.copytree(whole, tmp_path / whole.name)
