"""`dateline doctor`, `generations` and `remove`: their output and exit codes."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dateline.__main__ import app
from dateline.exit_codes import exit_code_of
from index.errors import DatelineError
from index.layout import CATALOG, CHROMA, current_name, generation_names, manifest_path, segment_folder
from index.publishing import read_manifest
from service.feedback import CitedWords, Feedback, FeedbackStore
from tests.fakes import article, built
from tests.samples import ARTICLES

Dateline = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a data folder with two generations; the newer one has an additional article with a file."""
    data = tmp_path_factory.mktemp("two")
    origin = data / "late.txt"
    origin.write_text("The roof of the museum leaks.", encoding="utf-8")
    built(data, [article("a", "Crews left the harbour.")])
    built(data, [article("a", "Crews left the harbour."), article("late", "The roof leaks.", origin=str(origin))])
    return data


@pytest.fixture
def data(two: Path, tmp_path: Path) -> Path:
    return shutil.copytree(two, tmp_path / "data")


@pytest.fixture
def dateline(data: Path) -> Dateline:
    """Run a command on the data folder as `main` does; return its exit code and output."""

    def run(*arguments: str) -> tuple[int, str]:
        result = CliRunner(env={"CHROMA_URL": ""}).invoke(app, [*arguments, "--data", str(data)])
        if isinstance(result.exception, DatelineError):
            return exit_code_of(result.exception), result.output + str(result.exception)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


def test_generations_are_listed_and_gone_back_to(dateline: Dateline, data: Path) -> None:
    """The list marks the current generation; a rollback moves the mark, and pruning keeps that generation."""
    newest, oldest = generation_names(data)
    code, printed = dateline("generations", "list")
    assert code == 0
    assert [line.split()[0] for line in printed.splitlines()] == [newest, oldest]
    assert printed.splitlines()[0].endswith(", current")
    assert dateline("generations", "rollback", oldest) == (0, f"{oldest} is the current generation\n")
    listed = json.loads(dateline("generations", "list", "--json")[1])["generations"]
    assert [(each["generation"], each["current"], each["articles"]) for each in listed] == [
        (newest, False, 2),
        (oldest, True, 1),
    ]
    assert dateline("generations", "prune", "--keep", "1") == (0, "nothing to remove\n")
    dateline("generations", "rollback", newest)
    assert dateline("generations", "prune", "--keep", "1") == (0, f"removed {oldest}\n")


def test_a_generation_that_is_not_there_is_a_wrong_argument(dateline: Dateline) -> None:
    """The command exits with 2 and lists the generations; `--keep 0` is invalid."""
    code, printed = dateline("generations", "rollback", "1999")
    assert code == 2
    assert "Choose from: 2" in printed
    assert dateline("generations", "prune", "--keep", "0")[0] == 2


def test_the_doctor_says_what_to_do_and_does_it(dateline: Dateline, data: Path) -> None:
    """For a corrupt index it exits with 1 and names the fix; --repair lists its changes and exits with 0."""
    segment = read_manifest(data, current_name(data) or "").segments[0].segment
    shutil.rmtree(segment_folder(data, segment) / CHROMA)
    code, printed = dateline("doctor")
    assert code == 1
    assert "chroma/chroma.sqlite3 is missing" in printed
    assert "`dateline doctor --repair`" in printed
    code, printed = dateline("doctor", "--repair")
    assert code == 0
    assert f"repair   segment {segment} was written again as" in printed
    code, printed = dateline("doctor", "--repair", "--json")
    said = json.loads(printed)
    assert (code, said["healthy"], said["repairs"]) == (0, True, [])


def test_an_index_that_cannot_be_repaired_exits_with_1(dateline: Dateline, data: Path) -> None:
    """Without a readable manifest, the message says how to start over."""
    for name in generation_names(data):
        manifest_path(data, name).write_text("{}")
    code, printed = dateline("doctor", "--repair")
    assert code == 1
    assert "no manifest of the 2 generations" in printed
    assert "`dateline ingest --rebuild PATH`" in printed


def test_a_lost_catalogue_costs_its_segment(dateline: Dateline, data: Path) -> None:
    """A segment without its catalogue is dropped; the message says what is lost and how to get it back."""
    segment = read_manifest(data, current_name(data) or "").segments[0].segment
    (segment_folder(data, segment) / CATALOG).unlink()
    code, printed = dateline("doctor", "--repair")
    assert code == 0
    assert f"segment {segment} is lost, with 2 articles" in printed
    assert "`dateline ingest PATH`" in printed


def test_a_takedown_says_that_it_is_complete(dateline: Dateline, data: Path) -> None:
    """It exits with 0, deletes feedback on the article, and warns that its file still exists."""
    store = FeedbackStore(data, 10)
    cited = (CitedWords("late", "The roof leaks."),)
    store.add(Feedback(answer_id="ans_1", question="Why?", answer="The roof leaks [1].", vote="up", citations=cited))
    store.add(Feedback(answer_id="ans_2", question="Who?", answer="Crews left.", vote="down"))
    code, printed = dateline("remove", "late")
    assert code == 0
    assert printed.startswith(f"complete: generation {current_name(data)} is without them; ")
    assert "1 chunks and 1 feedback entries were removed" in printed
    assert "late.txt: remove it there too" in printed
    assert [entry.feedback.answer_id for entry in store.entries()] == ["ans_2"]
    assert dateline("remove", "late")[0] == 2


def test_a_takedown_in_json_says_what_went(dateline: Dateline, data: Path) -> None:
    """`--json` prints one object with `complete`."""
    code, printed = dateline("remove", "late", "--json")
    said = json.loads(printed.splitlines()[0])
    assert code == 0
    assert said["complete"] is True
    assert (said["article_ids"], said["waiting"], said["removed_chunks"]) == (["late"], [], 1)
    assert said["generation"] == current_name(data)


UNCHANGED = """
import sys
from dateline.__main__ import main
sys.argv = ["dateline", "ingest", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert end.code == 0, end.code
print(*sorted({module.partition(".")[0] for module in sys.modules}))
"""


def test_an_ingest_without_changes_imports_no_model_and_no_database(sample_data: Path, models: Path) -> None:
    """The heavy libraries are imported by what uses them, so that an ingest of a file that did not change is quick."""
    ran = subprocess.run(
        [sys.executable, "-c", UNCHANGED, str(ARTICLES / "ferry-strike-ends.md"), "--data", str(sample_data)],
        env={"DATELINE_MODELS": str(models), "PATH": ""},
        cwd=Path(__file__).parents[1],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = set(ran.stdout.split())
    assert "numpy" in imported
    assert {"bm25s", "chromadb", "llama_index", "onnxruntime", "openai", "trafilatura"}.isdisjoint(imported)
