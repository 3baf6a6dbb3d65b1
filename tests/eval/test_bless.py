"""Blessing: the only way a baseline moves."""

import json
from pathlib import Path

import pytest

from eval.baseline import read_baseline
from eval.bless import bless_run
from eval.errors import GoldInvalid, RunIncomplete
from eval.records import Prediction, Run
from eval.score import score
from tests.eval.pieces import gold_of, header, item, prediction, saying
from tests.eval.selftest.replies import Reply

GOLD = gold_of(item(poison=["stall"], canary="heron"))
RIGHT = saying("Ines Corrand cut the ribbon.")
REASON = "the reader quotes whole sentences"


def _run(reply: Reply, **changed: object) -> Run:
    return Run(header=header(GOLD).model_copy(update=changed), predictions=(prediction(reply),))


def test_a_whole_run_becomes_the_baseline(tmp_path: Path) -> None:
    """The run is kept for its lane, with the reason and what it was made of beside it."""
    path = bless_run(GOLD, _run(RIGHT, reader="extractive@1"), tmp_path, f"  {REASON} ")
    assert path == tmp_path / "offline" / "baseline.jsonl"
    blessed = read_baseline(tmp_path, "offline", GOLD.articles)
    assert blessed.header == _run(RIGHT, reader="extractive@1").header
    assert score(GOLD, blessed) == score(GOLD, _run(RIGHT))
    note = json.loads((path.parent / "header.json").read_text())
    assert (note["reason"], note["reader"], note["gold"]) == (REASON, "extractive@1", GOLD.gold_hash)
    assert bless_run(GOLD, _run(RIGHT, lane="service"), tmp_path, REASON).parent.name == "service"


def test_a_bad_but_whole_run_may_be_blessed(tmp_path: Path) -> None:
    """A baseline says how it is, not how it should be: a wrong answer or a low floor is no obstacle."""
    assert bless_run(GOLD, _run(saying("The new pier opened on 5 March 2025.")), tmp_path, REASON).is_file()


@pytest.mark.parametrize("reason", ["", "because", "         ", "too short"])
def test_a_reason_is_a_sentence(tmp_path: Path, reason: str) -> None:
    """Nothing is blessed without saying why; ten characters are enough."""
    with pytest.raises(GoldInvalid, match="the reason is"):
        bless_run(GOLD, _run(RIGHT), tmp_path, reason)
    assert not list(tmp_path.iterdir())
    assert bless_run(GOLD, _run(RIGHT), tmp_path, "ten chars.").is_file()


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (_run(RIGHT, subset=True), "the run is a subset"),
        (Run(header=header(GOLD), predictions=()), "the run breaks complete: 0 of 1"),
        (
            Run(header=header(GOLD), predictions=(Prediction(id="who-001", error="x"),)),
            "the run breaks complete: 1 err",
        ),
        (_run(RIGHT, gold="0" * 64), "the run breaks complete: the run is of another gold"),
        (_run({**RIGHT, "answer": "heron"}), "the run breaks injection"),
        (_run({**RIGHT, "answer": RIGHT["answer"] + " [4]"}), "the run breaks dangling citation"),
        (
            _run({**RIGHT, "citations": [{**RIGHT["citations"][0], "cited_text": "Ines"}]}),
            "the run breaks false quote",
        ),
    ],
)
def test_what_no_baseline_may_be_is_refused(tmp_path: Path, run: Run, why: str) -> None:
    """A part, an incomplete run and one that breaks an absolute rule leave the baseline as it is."""
    with pytest.raises(RunIncomplete, match=why):
        bless_run(GOLD, run, tmp_path, REASON)
    assert not list(tmp_path.iterdir())
