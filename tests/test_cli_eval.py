"""`dateline eval` and `dateline feedback`: exit codes and output, on a small gold set with its own baseline."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dateline.__main__ import app
from dateline.exit_codes import exit_code_of
from eval.gold import read_gold
from index.errors import DatelineError
from service.feedback import Feedback, FeedbackStore
from tests.eval.pieces import saying
from tests.eval.small_gold import QUESTIONS, write_gold, write_questions
from tests.http_service import HttpService, Reply
from tests.samples import ARTICLES

ANSWER = saying("Ines Corrand cut the ribbon.")
Dateline = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def dateline(models: Path) -> Dateline:
    """Run a command as `main` does; return its exit code and output."""
    no_keys = {"OPENAI_API_KEY": "", "OPENAI_BASE_URL": "", "DATELINE_LLM_MODEL": ""}

    def run(*arguments: object, **settings: str) -> tuple[int, str]:
        environment = {**no_keys, "DATELINE_MODELS": str(models), **settings}
        result = CliRunner(env=environment).invoke(app, [str(argument) for argument in arguments])
        if isinstance(result.exception, DatelineError):
            return exit_code_of(result.exception), result.output + str(result.exception)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result.exit_code, result.output

    return run


@pytest.fixture(scope="module")
def gold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a small gold set; its baselines are beside it."""
    return write_gold(tmp_path_factory.mktemp("newsroom"))


@pytest.fixture(scope="module")
def run_file(gold: Path, dateline: Dateline) -> Path:
    """Return a complete run of the offline lane."""
    out = gold.parent / "run.jsonl"
    code, printed = dateline("eval", "run", "--gold", gold, "--out", out)
    assert code == 0, printed
    assert "3 answers" in printed
    return out


@pytest.fixture(scope="module")
def baseline(gold: Path, run_file: Path, dateline: Dateline) -> Path:
    """Bless the run, with floors for so few questions."""
    limits = {"recall@5": 0.5, "answer_in_context": 0.5, "truthfulness": -1, "over_refusal": 1, "must_not": 1}
    (gold / "manifest.json").write_text(json.dumps({"corpus": ["../articles"], "limits": limits}), encoding="utf-8")
    code, printed = dateline("eval", "bless", run_file, "--gold", gold, "--reason", "The first run of these questions.")
    assert code == 0, printed
    return gold.parent / "baselines"


def silenced(run_file: Path, out: Path) -> Path:
    """Return a run in which every prediction abstains."""
    header, *lines = run_file.read_text("utf-8").splitlines()
    predictions = [json.loads(line) for line in lines]
    for prediction in predictions:
        none = {"status": "not_in_sources", "status_reason": "low_relevance", "citations": [], "answer": "Nothing."}
        prediction["reply"] |= none
    out.write_text("\n".join((header, *map(json.dumps, predictions), "")), encoding="utf-8")
    return out


def test_drafts_make_a_valid_gold_set(dateline: Dateline, sample_data: Path, tmp_path: Path) -> None:
    """Each is a question with the fact and the evidence of its answer, not checked by a person yet."""
    code, printed = dateline("eval", "draft", "--data", sample_data, "--limit", 3)
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "drafts.jsonl").write_text(printed, encoding="utf-8")
    (tmp_path / "manifest.json").write_text(json.dumps({"corpus": [os.path.relpath(ARTICLES, tmp_path)]}))
    items = read_gold(tmp_path).items

    assert (code, len(items)) == (0, 3)
    assert {item.provenance.checked for item in items} == {"not yet"}
    assert {len(item.facts) for item in items} == {1}


def test_the_command_line_ends_with_the_codes_of_its_table(tmp_path: Path) -> None:
    """`dateline eval validate` exits with 0 for a valid gold set, with 2 and a reason on stderr for an invalid one."""
    gold = write_gold(tmp_path)
    command = [sys.executable, "-m", "dateline", "eval", "validate", "--gold", str(gold)]
    fit = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)
    write_questions(gold, ({**QUESTIONS[0], "facts": []},))
    unfit = subprocess.run(command, capture_output=True, text=True, check=False, env=os.environ)

    assert (fit.returncode, fit.stdout) == (0, "the gold set is valid: 3 questions on 3 articles\n")
    assert (unfit.returncode, unfit.stdout) == (2, "")
    assert "lamp-001: has no vital fact" in unfit.stderr


@pytest.mark.usefixtures("baseline")
def test_a_run_that_is_as_its_baseline_passes(gold: Path, run_file: Path, dateline: Dateline, tmp_path: Path) -> None:
    """It exits with 0, prints one line and writes the requested reports; a missing folder is created."""
    reports = {form: tmp_path / "new" / f"report.{form}" for form in ("markdown", "html", "junit", "json")}
    options = [part for form, path in reports.items() for part in (f"--{form}", path)]
    code, printed = dateline("eval", "gate", run_file, "--gold", gold, *options)

    assert (code, printed) == (0, "PASS: no outcome differs\n")
    assert all(path.stat().st_size for path in reports.values())


@pytest.mark.usefixtures("baseline")
def test_a_regression_fails(gold: Path, run_file: Path, dateline: Dateline, tmp_path: Path) -> None:
    """It exits with 1 and names the question and the stage."""
    code, printed = dateline("eval", "gate", silenced(run_file, tmp_path / "silent.json.gz"), "--gold", gold)

    assert code == 1
    assert printed.startswith("FAIL")
    assert "regression [abstention]: lamp-001" in printed


@pytest.mark.usefixtures("baseline")
def test_a_floor_of_the_gold_set_counts(gold: Path, run_file: Path, dateline: Dateline, tmp_path: Path) -> None:
    """A limit in the manifest replaces the default, whether higher or lower."""
    strict = write_gold(tmp_path)
    (strict / "manifest.json").write_text(json.dumps({"corpus": ["../articles"], "limits": {"truthfulness": 1}}))
    baselines = gold.parent / "baselines"
    silent = silenced(run_file, tmp_path / "silent.json.gz")
    code, printed = dateline("eval", "gate", silent, "--gold", strict, "--baselines", baselines)

    assert code == 1
    assert "the floor is 1.00" in printed


def test_a_limit_of_an_unknown_metric_is_refused(dateline: Dateline, tmp_path: Path) -> None:
    """An unknown metric in the limits is an error."""
    gold = write_gold(tmp_path)
    (gold / "manifest.json").write_text(json.dumps({"corpus": ["../articles"], "limits": {"recal@5": 1}}))

    assert dateline("eval", "validate", "--gold", gold)[0] == 2


def test_a_run_without_a_baseline_is_incomplete(gold: Path, run_file: Path, dateline: Dateline, tmp_path: Path) -> None:
    """It exits with 3 if a baseline is missing."""
    assert dateline("eval", "gate", run_file, "--gold", gold, "--baselines", tmp_path)[0] == 3


def test_a_target_is_asked_within_a_cap(gold: Path, dateline: Dateline, tmp_path: Path) -> None:
    """It gets the key, which no output has; a run that the cap stops exits with 3 and names what it did not ask."""
    said = json.dumps({**ANSWER, "usage": {**ANSWER["usage"], "input_tokens": 40, "llm_calls": 1}}).encode()
    target, out, key = HttpService(lambda _: Reply(body=said)), tmp_path / "live.jsonl", "dl_0123456789abcdef"
    with target:
        options = ("--target", target.url, "--repeats", 2, "--max-tokens", 200, "--gold", gold, "--out", out)
        code, printed = dateline("eval", "run", *options, DATELINE_EVAL_KEY=key)
    asked = [posted.headers["authorization"] for posted in target.posted]
    assert (code, asked) == (3, [f"Bearer {key}"] * 5)
    assert "200 tokens" in printed
    assert "requests not sent: 1 (moon-001)" in printed
    assert key not in printed + out.read_text("utf-8")
    assert dateline("eval", "gate", out, "--gold", gold)[0] == 3
    assert "was stopped" in dateline("eval", "compare", out, "--before", out, "--gold", gold)[1]


def test_a_cap_needs_a_target(gold: Path, dateline: Dateline, tmp_path: Path) -> None:
    """The offline lane is free and the same each time, so repeats and caps are refused."""
    for option in (("--repeats", 2), ("--max-tokens", 9), ("--max-cost-usd", 1)):
        assert dateline("eval", "run", "--gold", gold, "--out", tmp_path / "run.jsonl", *option)[0] == 2


def test_a_gold_set_that_does_not_exist_is_refused(dateline: Dateline, tmp_path: Path) -> None:
    """A missing folder exits with 2."""
    assert dateline("eval", "run", "--gold", "nowhere", "--out", tmp_path / "run.jsonl")[0] == 2


def test_feedback_is_exported_and_deleted(dateline: Dateline, tmp_path: Path) -> None:
    """Feedback is exported as JSON Lines and deleted."""
    id_ = FeedbackStore(tmp_path, 10).add(Feedback("ans_1", "Who lit the lamp?", "Ines Vardal [1].", "up"))

    exported = json.loads(dateline("feedback", "export", "--data", tmp_path)[1])
    deleted = [dateline("feedback", "delete", id_, "--data", tmp_path)[0] for _ in range(2)]

    assert (exported["id"], exported["feedback"]["question"]) == (id_, "Who lit the lamp?")
    assert deleted == [0, 1]
    assert dateline("feedback", "export", "--data", tmp_path) == (0, "")
