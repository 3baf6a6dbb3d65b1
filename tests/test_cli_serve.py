"""`dateline serve --with-writer`: the writer lives as long as the service, and no longer."""

import sys
import time
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dateline import serve
from dateline.__main__ import app
from index.errors import ConfigurationError

ENDS_ONCE = """
import pathlib, sys
starts = pathlib.Path(sys.argv[1])
with starts.open("a") as file:
    file.write("started ")
if starts.read_text() == "started ":
    sys.exit(3)
sys.stdin.read()
starts.with_suffix(".ended").touch()
"""


def test_a_writer_that_ends_is_started_again_and_stopped_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is terminated with the service."""
    monkeypatch.setattr(serve, "LONGEST_WAIT_S", 0.0)
    starts = tmp_path / "starts"
    with serve.kept_alive([sys.executable, "-c", ENDS_ONCE, str(starts)]):
        while not starts.exists() or starts.read_text(encoding="utf-8") != "started started ":
            time.sleep(0.01)

    assert not starts.with_suffix(".ended").exists()


def test_a_writer_without_a_secret_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody could push to it."""
    monkeypatch.delenv("DATELINE_PUSH_SECRET", raising=False)

    result = CliRunner().invoke(app, ["serve", "--with-writer", "--data", str(tmp_path)])

    assert isinstance(result.exception, ConfigurationError)
