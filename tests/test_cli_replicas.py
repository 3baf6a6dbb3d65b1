"""`dateline push` and `dateline pull`: their output and exit codes."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dateline.__main__ import app
from dateline.exit_codes import exit_code_of
from index.errors import DatelineError
from index.layout import current_name
from tests.fakes import article, built

Dateline = Callable[..., tuple[int, str]]


@pytest.fixture
def dateline(tmp_path: Path) -> Dateline:
    """Run a command on a data folder as `main` does, with a store; return its exit code and output."""

    def run(command: str, data: str, *options: str, store: str | None = f"file://{tmp_path}/store") -> tuple[int, str]:
        runner = CliRunner(env={"CHROMA_URL": "", "DATELINE_STORE": store})
        result = runner.invoke(app, [command, "--data", str(tmp_path / data), *options])
        if isinstance(result.exception, DatelineError):
            return exit_code_of(result.exception), str(result.exception)
        return result.exit_code, result.stdout

    return run


def test_a_generation_goes_from_machine_to_machine(dateline: Dateline, tmp_path: Path) -> None:
    for data in ("publisher", "other"):
        built(tmp_path / data, [article("a", "Crews left the harbour.")])
    code, printed = dateline("push", "publisher", "--json")
    pushed = json.loads(printed)
    assert (code, pushed["pointer"], pushed["is_new"]) == (0, 1, True)
    code, printed = dateline("pull", "replica", "--json", "--name", "east")
    pulled = json.loads(printed)
    assert (code, pulled["generation"], pulled["segments"]) == (0, pushed["generation"], pushed["segments"])
    assert current_name(tmp_path / "replica") == pushed["generation"]
    assert [dateline(command, data)[0] for command, data in (("push", "publisher"), ("pull", "replica"))] == [0, 0]
    assert dateline("push", "other")[0] == 4
    assert dateline("push", "replica")[0] == 2
    assert dateline("pull", "other")[0] == 2
    assert dateline("push", "publisher", "--watch", "--repair")[0] == 2
    assert dateline("push", "publisher", store=None)[0] == 2
    assert dateline("push", "nothing")[0] == 2


def test_a_signal_ends_a_watch(tmp_path: Path) -> None:
    """It ends with 0 once it has begun to look, at a store that is empty."""
    command = [sys.executable, "-m", "dateline", "pull", f"file://{tmp_path}/store", "--watch", "--every", "0.1"]
    with subprocess.Popen([*command, "--data", str(tmp_path / "data")], stderr=subprocess.PIPE, text=True) as child:
        assert child.stderr is not None
        line = child.stderr.readline()
        assert "following" in line
        child.send_signal(signal.SIGTERM)
        assert (child.wait(10), "stopped" in child.stderr.read()) == (0, True)
