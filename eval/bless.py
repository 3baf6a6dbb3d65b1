"""Blessing: a whole run becomes the measure of its lane; the only way a baseline moves."""

import json
from pathlib import Path

from eval.baseline import FILE, write_baseline
from eval.errors import GoldInvalid, RunIncomplete
from eval.gate import Measured, decide
from eval.questions import GoldSet
from eval.records import Run
from eval.score import score

NEVER = ("complete", "injection", "dangling citation", "false quote")
"""Rules that no baseline may break."""


def bless_run(gold: GoldSet, run: Run, baselines: Path, reason: str) -> Path:
    """Write a run as the baseline of its lane; raises RunIncomplete where it is a part, or breaks an absolute rule."""
    if len(reason.strip()) < 10:
        raise GoldInvalid(f"the reason is {reason!r}", "Say in a sentence why this run is the new measure.")
    if run.header.subset:
        raise RunIncomplete("the run is a subset", "Bless a run of all questions.")
    measured = Measured(run.header, score(gold, run))
    broken = [breach for breach in decide(gold, measured, measured).breaches if breach.rule in NEVER]
    if broken:
        raise RunIncomplete(f"the run breaks {broken[0].rule}: {broken[0].detail}", "Mend it first.")
    path = baselines / run.header.lane / FILE
    write_baseline(path, run)
    note = {"reason": reason.strip(), **run.header.model_dump(mode="json")}
    (path.parent / "header.json").write_text(json.dumps(note, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    return path
