"""Runs and baselines as files, and how a run becomes a baseline."""

import json
from datetime import date
from pathlib import Path

import pytest

from eval.baseline import FILE, bless_run, read_baseline, read_run, write_baseline, write_run
from eval.errors import GoldInvalid, RunIncomplete
from eval.gate import ACCEPTED, read_accepted
from eval.records import Prediction, Run
from eval.score import score
from tests.eval.pieces import gold_of, header, item, prediction, saying
from tests.eval.selftest.replies import Reply

GOLD = gold_of(item())
RUN = Run(
    header=header(GOLD, questions=2),
    predictions=(
        prediction(
            saying("Ines Corrand cut the ribbon."), paraphrased=(saying("Ines Corrand cut the ribbon.", answer="né ☂"),)
        ),
        Prediction(id="who-002", error="OSError: gone"),
    ),
)


def test_a_kept_run_comes_back_as_it_was(tmp_path: Path) -> None:
    """A written run is read back, folders are made, and the same run has the same bytes."""
    path = tmp_path / "deep" / "run.jsonl"
    write_run(path, RUN)
    assert read_run(path) == RUN
    first = path.read_bytes()
    write_run(path, read_run(path))
    assert path.read_bytes() == first


@pytest.mark.parametrize("content", [b"", b"\xff\xfe", b"{}\n", b"not json\n"])
def test_a_file_that_is_not_a_run_is_refused(tmp_path: Path, content: bytes) -> None:
    """Another file is an error that names it and the form of a run."""
    path = tmp_path / "run.jsonl"
    path.write_bytes(content)
    with pytest.raises(GoldInvalid, match="is not a run"):
        read_run(path)


def test_a_run_that_is_cut_anywhere_is_refused(tmp_path: Path) -> None:
    """A truncated run is an error, at any length."""
    path = tmp_path / "run.jsonl"
    write_run(path, RUN)
    whole = path.read_bytes()
    lines = [at + 1 for at, byte in enumerate(whole[:-1]) if byte == ord("\n")]
    for kept in (1, 10, *lines, len(whole) // 2, len(whole) - 9, len(whole) - 1):
        path.write_bytes(whole[:kept])
        with pytest.raises(GoldInvalid):
            read_run(path)
    with pytest.raises(GoldInvalid):
        read_run(tmp_path / "missing.jsonl")


def test_a_baseline_keeps_what_is_scored(tmp_path: Path) -> None:
    """The text of passages is restored from the articles, so that the outcomes are those of the run."""
    write_baseline(tmp_path / "offline" / FILE, RUN)
    found = read_baseline(tmp_path, "offline", GOLD.articles)
    assert found is not None
    assert score(GOLD, found) == score(GOLD, RUN)
    assert "snippet" not in (tmp_path / "offline" / FILE).read_text("utf-8")


def test_an_article_that_is_gone_costs_its_passages_only(tmp_path: Path) -> None:
    """A baseline of another corpus can still be read; the gate says that the corpus differs."""
    write_baseline(tmp_path / "offline" / FILE, RUN)
    found = read_baseline(tmp_path, "offline", {})
    assert found is not None
    assert found.predictions[0].reply is not None
    assert {source["snippet"] for source in found.predictions[0].reply["sources"]} == {""}


def test_each_lane_has_a_baseline_of_its_own(tmp_path: Path) -> None:
    """A lane without one has none; a corrupt baseline is an error."""
    write_baseline(tmp_path / "offline" / FILE, RUN)
    found = read_baseline(tmp_path, "offline", GOLD.articles)
    assert found is not None
    assert found.header == RUN.header
    assert read_baseline(tmp_path, "service", GOLD.articles) is None
    (tmp_path / "offline" / FILE).write_bytes(b"")
    with pytest.raises(GoldInvalid):
        read_baseline(tmp_path, "offline", GOLD.articles)


def test_accepted_losses_are_read(tmp_path: Path) -> None:
    """Each entry has an id, a reason and a day; without a list, nothing is accepted."""
    assert read_accepted(tmp_path) == ()
    entry = {"id": "who-001", "reason": "its article is gone", "expires": "2027-01-31"}
    (tmp_path / ACCEPTED).write_text(json.dumps({"accepted": [entry]}))
    (found,) = read_accepted(tmp_path)
    assert (found.id, found.reason, found.expires) == ("who-001", "its article is gone", date(2027, 1, 31))


@pytest.mark.parametrize(
    "entry",
    [
        {"id": "who-001", "reason": "its article is gone"},
        {"id": "who-001", "reason": "because", "expires": "2027-01-31"},
        {"id": "who-001", "reason": "its article is gone", "expires": "next year"},
        {"id": "who-001", "reason": "its article is gone", "expires": "2027-02-31"},
        {"id": "who-001", "reason": "its article is gone", "expires": "2027-01-31", "who": "me"},
    ],
)
def test_an_acceptance_without_a_reason_or_a_day_is_refused(tmp_path: Path, entry: dict[str, str]) -> None:
    """An acceptance needs a reason and a day."""
    (tmp_path / ACCEPTED).write_text(json.dumps({"accepted": [entry]}))
    with pytest.raises(GoldInvalid, match="cannot be used"):
        read_accepted(tmp_path)


POISONED_GOLD = gold_of(item(poison=["stall"], canary="heron"))
RIGHT = saying("Ines Corrand cut the ribbon.")
REASON = "the reader quotes whole sentences"


def _run(reply: Reply, **changed: object) -> Run:
    return Run(header=header(POISONED_GOLD).model_copy(update=changed), predictions=(prediction(reply),))


def test_a_whole_run_becomes_the_baseline(tmp_path: Path) -> None:
    """The run is saved for its lane, with the reason and the header."""
    path = bless_run(POISONED_GOLD, _run(RIGHT, reader="extractive@1"), tmp_path, f"  {REASON} ")
    assert path == tmp_path / "offline" / "baseline.jsonl"
    blessed = read_baseline(tmp_path, "offline", POISONED_GOLD.articles)
    assert blessed is not None
    assert blessed.header == _run(RIGHT, reader="extractive@1").header
    assert score(POISONED_GOLD, blessed) == score(POISONED_GOLD, _run(RIGHT))
    note = json.loads((path.parent / "header.json").read_text())
    assert (note["reason"], note["reader"], note["gold"]) == (REASON, "extractive@1", POISONED_GOLD.gold_hash)
    assert bless_run(POISONED_GOLD, _run(RIGHT, lane="service"), tmp_path, REASON).parent.name == "service"


def test_a_bad_but_whole_run_may_be_blessed(tmp_path: Path) -> None:
    """A wrong answer or a metric below its floor does not stop a blessing."""
    assert bless_run(POISONED_GOLD, _run(saying("The new pier opened on 5 March 2025.")), tmp_path, REASON).is_file()


@pytest.mark.parametrize("reason", ["", "because", "         ", "too short"])
def test_a_reason_is_a_sentence(tmp_path: Path, reason: str) -> None:
    """A blessing needs a reason of ten characters."""
    with pytest.raises(GoldInvalid, match="the reason is"):
        bless_run(POISONED_GOLD, _run(RIGHT), tmp_path, reason)
    assert not list(tmp_path.iterdir())
    assert bless_run(POISONED_GOLD, _run(RIGHT), tmp_path, "ten chars.").is_file()


@pytest.mark.parametrize(
    ("run", "why"),
    [
        (_run(RIGHT, subset=True), "the run is a subset"),
        (Run(header=header(POISONED_GOLD), predictions=()), "the run breaks complete: 0 of 1"),
        (
            Run(header=header(POISONED_GOLD), predictions=(Prediction(id="who-001", error="x"),)),
            "the run breaks complete: 1 err",
        ),
        (_run(RIGHT, gold="0" * 64), "the run breaks complete: the gold has changed"),
        (_run({**RIGHT, "answer": "heron"}), "the run breaks injection"),
        (_run({**RIGHT, "answer": RIGHT["answer"] + " [4]"}), "the run breaks dangling citation"),
        (
            _run({**RIGHT, "citations": [{**RIGHT["citations"][0], "cited_text": "Ines"}]}),
            "the run breaks false quote",
        ),
    ],
)
def test_a_run_that_breaks_an_absolute_rule_is_refused(tmp_path: Path, run: Run, why: str) -> None:
    """A subset, an incomplete run and one that breaks an absolute rule do not change the baseline."""
    with pytest.raises(RunIncomplete, match=why):
        bless_run(POISONED_GOLD, run, tmp_path, REASON)
    assert not list(tmp_path.iterdir())
