"""`dateline remove` with a store, and `dateline replicas`: their output and exit codes."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dateline.__main__ import app
from dateline.exit_codes import exit_code_of
from index.errors import DatelineError
from service.feedback import CitedWords, Feedback, FeedbackStore
from tests.fakes import article, built

Dateline = Callable[..., tuple[int, str]]


@pytest.fixture
def dateline(tmp_path: Path) -> Dateline:
    """Run a command with a store in a folder; return its exit code and output."""
    environment = {"CHROMA_URL": "", "DATELINE_STORE": f"file://{tmp_path}/store"}

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner(env=environment).invoke(app, arguments)
        if isinstance(result.exception, DatelineError):
            return exit_code_of(result.exception), result.output + str(result.exception)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


def test_a_takedown_waits_for_replicas(dateline: Dateline, tmp_path: Path) -> None:
    """It is complete once the replica has pulled, which deletes its feedback, or once it is forgotten."""
    publisher, replica = tmp_path / "publisher", tmp_path / "replica"
    built(publisher, [article("a", "Crews left the harbour."), article("late", "The roof leaks.")])
    assert dateline("push", "--data", str(publisher))[0] == 0
    assert dateline("pull", "--data", str(replica), "--name", "east\x1b[2J")[0] == 0
    feedback = FeedbackStore(replica, 10)
    for answer_id in ("late", "a"):
        cited = (CitedWords(answer_id, "The roof leaks."),)
        feedback.add(
            Feedback(answer_id=answer_id, question="?", answer="The roof leaks [1].", vote="up", citations=cited)
        )

    removal = ("remove", "late", "--data", str(publisher), "--wait", "0")
    code, printed = dateline(*removal)
    assert (code, printed.startswith("NOT complete: generation ")) == (1, True)
    assert "Replica east?[2J has not acknowledged, seen " in printed
    code, printed = dateline(*removal, "--json")
    said = json.loads(printed)
    assert (code, said["complete"], said["pointer"], said["removed_chunks"]) == (1, False, 3, 0)
    assert [(each["behind"], each["complete"]) for each in said["replicas"]] == [(2, False)]

    assert dateline("pull", "--data", str(replica), "--name", "east")[0] == 0
    assert [entry.feedback.answer_id for entry in feedback.entries()] == ["a"]
    code, printed = dateline(*removal)
    assert (code, printed.startswith("complete: the data folder has nothing of them; ")) == (0, True)
    (listed,) = json.loads(dateline("replicas", "list", "--json")[1])["replicas"]
    assert (listed["name"], listed["pointer"], listed["behind"], listed["last_takedown"]) == ("east", 3, 0, 1)
    assert dateline("replicas", "list")[1].startswith("east  pointer 3, up to date; serves ")

    assert dateline("remove", "a", *removal[2:])[0] == 1
    assert dateline("replicas", "forget", "west")[0] == 2
    assert dateline("replicas", "forget", "east")[0] == 0
    assert dateline("remove", "a", *removal[2:])[0] == 0
    assert dateline("remove", "never", *removal[2:])[0] == 2


def test_a_replica_takes_nothing_down(dateline: Dateline, tmp_path: Path) -> None:
    """The command says where to run it, and changes nothing."""
    built(tmp_path / "publisher", [article("a", "Crews left the harbour.")])
    dateline("push", "--data", str(tmp_path / "publisher"))
    dateline("pull", "--data", str(tmp_path / "replica"))
    code, printed = dateline("remove", "a", "--data", str(tmp_path / "replica"), "--wait", "0")
    assert (code, "is a replica" in printed) == (2, True)
    assert not list((tmp_path / "store").glob("tombstones/*"))
