"""docs/evaluation.md: its example is valid, and its lists match the code."""

import json
import re
from pathlib import Path
from typing import get_args

import pytest
import yaml
from typer.main import get_command

from dateline.__main__ import app
from eval.gate import CEILINGS, FLOORS, AcceptedList
from eval.gold import GoldManifest, read_gold
from eval.records import GoldItem, Outcome, QuestionType

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "evaluation.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def test_the_example_is_fit_for_use(tmp_path: Path) -> None:
    """The three lines are a gold set on the sample articles."""
    (tmp_path / "questions").mkdir()
    (tmp_path / "questions" / "mine.jsonl").write_text(blocks("jsonl")[0], encoding="utf-8")
    (tmp_path / "manifest.json").write_text(json.dumps({"corpus": [str(ROOT / "articles")]}), encoding="utf-8")

    assert len(read_gold(tmp_path).items) == 3


def test_the_other_files_of_the_example_can_be_read() -> None:
    """Manifests and the list of accepted regressions are valid."""
    manifest, losses, limits = blocks("json")

    GoldManifest.model_validate_json(manifest)
    assert AcceptedList.model_validate_json(losses).accepted
    assert GoldManifest.model_validate_json(limits).limits


def test_types_outcomes_fields_and_limits_are_those_of_the_code() -> None:
    """Every type and outcome is listed; every listed field exists; the limits have their numbers."""
    first_cells = re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)

    assert all(f"`{name}`" in PAGE for name in (*get_args(QuestionType), *get_args(Outcome)))
    assert set(first_cells) & {"facts", "evidence", "turns"} <= GoldItem.model_fields.keys()
    for metric, limit in {**FLOORS, **CEILINGS}.items():
        word = "at least" if metric in FLOORS else "at most"
        assert re.search(rf"^\| `{re.escape(metric)}` \|.*\| {word} {limit:.2f} \|$", PAGE, re.MULTILINE), metric


@pytest.mark.parametrize("name", ["eval-gate.yml", "weekly-eval.yml"])
def test_the_workflows_use_commands_that_exist(name: str) -> None:
    """Each command of `dateline eval` has the options, each `make` is a target, and secrets are named, not written."""
    text = (ROOT / "docs" / "examples" / name).read_text(encoding="utf-8")
    steps = [step for job in yaml.safe_load(text)["jobs"].values() for step in job["steps"]]
    run = "\n".join(step.get("run", "") for step in steps)
    commands = {command: set(options) for command, options in used_commands(run)}
    evaluation = get_command(app).commands["eval"].commands  # type: ignore[attr-defined]
    assert commands
    for command, options in commands.items():
        assert options <= {name for each in evaluation[command].params for name in each.opts}
    phony = re.findall(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"make -C dateline (\w+)", run)) <= set(phony[0].split())
    assert "dl_" not in text


def used_commands(run: str) -> list[tuple[str, list[str]]]:
    """Return each command of `dateline eval` in a script with its options."""
    return [
        (command, re.findall(r"(--[a-z-]+)", options))
        for command, options in re.findall(r"dateline eval (\w+)([^\n]*)", run)
    ]


def test_the_weekly_workflow_uses_no_action_of_others() -> None:
    """The job has the secret, so it runs only code that others cannot change."""
    text = (ROOT / "docs" / "examples" / "weekly-eval.yml").read_text(encoding="utf-8")
    assert "uses:" not in text
    assert text.count("secrets.DATELINE_EVAL_KEY") == 1
