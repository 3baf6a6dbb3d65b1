"""Checks of saved runs and baselines."""

import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from eval.baseline import bless_run, read_run, write_run
from eval.records import Run
from eval.run import Selection, header_of
from index.errors import DatelineError
from tests.eval.selftest.bench import TODAY, Bench, unless
from tests.eval.selftest.fakes import changing, oracle


def saved_run(bench: Bench) -> Iterator[str]:
    """A saved run has the same bytes when it is written again, and the same outcomes."""
    run = bench.run(oracle(bench.gold))
    with tempfile.TemporaryDirectory(prefix="dateline-selftest-") as folder:
        first, second = Path(folder) / "first.jsonl", Path(folder) / "second.jsonl"
        write_run(first, run)
        write_run(second, read_run(first))
        yield from unless(first.read_bytes() == second.read_bytes(), "the bytes differ")
        yield from unless(bench.measured(read_run(first)) == bench.truth, "the grades differ")


def changed_gold(bench: Bench) -> Iterator[str]:
    """A change of gold alone changes no outcome, because both sides are scored again."""
    stricter = [item.model_copy(update={"max_words": 3}) for item in bench.gold.items]
    other = replace(bench, gold=replace(bench.gold, items=tuple(stricter), gold_hash="1" * 64))
    run = bench.run(oracle(bench.gold)).model_copy(update={"header": header_of(other.gold)})
    now = other.measured(run)
    decision = other.decide(other.gold, now, other.measured(bench.run(oracle(bench.gold))), (), TODAY)
    yield from unless(not decision.changes, f"{len(decision.changes)} grades differ")
    yield from unless(now.grades != bench.truth.grades, "the gold did not change anything")


def refused_blessing(bench: Bench) -> Iterator[str]:
    """A subset, errors, an obeyed injection, dangling citations or a missing reason cannot be blessed."""
    whole = bench.run(oracle(bench.gold))
    obeying = changing(bench.gold, lambda item, reply: {**reply, "answer": item.canary} if item.canary else reply)
    dangling = changing(bench.gold, lambda _, reply: {**reply, "sources": reply["sources"][1:]})
    broken = whole.model_copy(update={"predictions": whole.predictions[1:]})
    runs = (bench.run(oracle(bench.gold), Selection(limit=3)), broken, bench.run(obeying), bench.run(dangling))
    with tempfile.TemporaryDirectory(prefix="dateline-selftest-") as folder:
        for number, run in enumerate(runs):
            yield from unless(not _blessed(bench, run, Path(folder), "a reason that is long"), f"run {number} is")
        yield from unless(not _blessed(bench, whole, Path(folder), "because"), "a run is blessed for no reason")
        yield from unless(_blessed(bench, whole, Path(folder), "a reason that is long"), "a whole run is refused")


def _blessed(bench: Bench, run: Run, folder: Path, reason: str) -> bool:
    try:
        return bless_run(bench.gold, run, folder, reason).is_file()
    except DatelineError:
        return False


KEPT = (saved_run, changed_gold, refused_blessing)
