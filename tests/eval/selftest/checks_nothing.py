"""Checks that an incomplete run does not pass."""

import json
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from eval.baseline import read_run, write_run
from eval.errors import GoldInvalid
from eval.gate import ScoredRun
from eval.records import Turn
from eval.run import Selection
from eval.score import summarise
from eval.target import Target
from tests.eval.selftest.bench import TODAY, Bench, breaks, unless, with_predictions
from tests.eval.selftest.fakes import Fake, changing, oracle


class Failing:
    """A target that fails on every n-th question, with these errors in turn."""

    def __init__(self, target: Target, every: int, errors: Sequence[Exception]) -> None:
        self._target = target
        self._every = every
        self._errors = errors
        self._asked = 0

    def ask(self, turns: Sequence[Turn], as_of: str | None) -> dict[str, Any]:
        """Return the other target's reply, or raise an error."""
        self._asked += 1
        if self._asked % self._every == 0:
            raise self._errors[self._asked % len(self._errors)]
        return self._target.ask(turns, as_of)


def no_question(bench: Bench) -> Iterator[str]:
    """A run without questions is incomplete."""
    for order in (Selection(ids=("none-000",)), Selection(limit=0)):
        yield from _incomplete(bench, bench.measured(bench.run(oracle(bench.gold), order)))
    empty = with_predictions(bench.run(oracle(bench.gold)), ())
    yield from _incomplete(bench, bench.measured(empty))


def missing_answer(bench: Bench) -> Iterator[str]:
    """A run without one of its answers is incomplete, also a subset."""
    for order in (Selection(), Selection(limit=9)):
        run = bench.run(oracle(bench.gold), order)
        yield from _incomplete(bench, bench.measured(with_predictions(run, run.predictions[:-1])))


def errors(bench: Bench) -> Iterator[str]:
    """A run with errors is incomplete, and its means omit the errors."""
    kinds = (
        OSError("the connection was reset"),
        HTTPError("http://127.0.0.1/v1/ask", 502, "Bad Gateway", None, None),  # type: ignore[arg-type]
        TimeoutError("no reply"),
    )
    for every in (10, 1):
        now = bench.measured(bench.run_of(Failing(Fake(bench.gold, oracle(bench.gold)), every, kinds)))
        yield from _incomplete(bench, now)
        failed = sum(grade.outcome == "error" for grade in now.grades)
        everything = summarise(now.grades)["all"]
        counted = everything.means["good"].n if "good" in everything.means else 0
        yield from unless(failed > 0, f"no question of {len(now.grades)} failed")
        yield from unless(counted == len(now.grades) - failed, f"{counted} are counted, {failed} failed")


def page_for_a_reply(bench: Bench) -> Iterator[str]:
    """An HTML page instead of a reply is an error, not an answer."""
    page = _not_json("<html><body>502 Bad Gateway</body></html>")
    yield from _incomplete(bench, bench.measured(bench.run_of(Failing(Fake(bench.gold, oracle(bench.gold)), 5, page))))


def error_for_an_answer(bench: Bench) -> Iterator[str]:
    """The text of an error as an answer is a bad answer."""
    text = "Error: the upstream service is not available"
    respond = changing(bench.gold, lambda _, reply: {**reply, "status": "answered", "answer": text, "citations": []})
    yield from breaks(bench.decision(respond), "regression", code=1, stage="citation")


def not_a_number(bench: Bench) -> Iterator[str]:
    """A figure that is not a number makes a run incomplete."""
    respond = changing(bench.gold, lambda _, reply: {**reply, "usage": {**reply["usage"], "llm_calls": math.nan}})
    yield from _incomplete(bench, bench.measured(bench.run(respond)))


def truncated_run(bench: Bench) -> Iterator[str]:
    """A truncated or empty run file is an error."""
    with tempfile.TemporaryDirectory(prefix="dateline-selftest-") as folder:
        path = Path(folder) / "run.jsonl"
        write_run(path, bench.run(oracle(bench.gold)))
        whole = path.read_bytes()
        for kept in (len(whole) // 2, len(whole) - 1, 0):
            path.write_bytes(whole[:kept])
            try:
                read_run(path)
            except GoldInvalid:
                continue
            yield f"{kept} of {len(whole)} bytes are read as a whole run"


def other_hashes(bench: Bench) -> Iterator[str]:
    """A run of another gold set or corpus is incomplete."""
    for name in ("gold", "corpus"):
        header = bench.truth.header.model_copy(update={name: "0" * 64})
        yield from _incomplete(bench, replace(bench.truth, header=header))


def no_baseline(bench: Bench) -> Iterator[str]:
    """Without a baseline of the lane, or with an empty one, a run is incomplete."""
    yield from breaks(bench.decide(bench.gold, bench.truth, None, (), TODAY), "complete", code=3)
    other = replace(bench.truth, header=bench.truth.header.model_copy(update={"lane": "service"}))
    yield from breaks(bench.decide(bench.gold, bench.truth, other, (), TODAY), "complete", code=3)
    empty = replace(bench.truth, grades=())
    yield from breaks(bench.decide(bench.gold, bench.truth, empty, (), TODAY), "complete", code=3)


def _incomplete(bench: Bench, now: ScoredRun) -> Iterator[str]:
    decision = bench.judged(now)
    yield from breaks(decision, "complete", code=3)
    yield from unless(str(decision).startswith("INCOMPLETE"), f"the grade is {decision}")


def _not_json(text: str) -> tuple[Exception]:
    try:
        json.loads(text)
    except ValueError as error:
        return (error,)
    raise AssertionError(text)


NOTHING = (
    no_question,
    missing_answer,
    errors,
    page_for_a_reply,
    error_for_an_answer,
    not_a_number,
    truncated_run,
    other_hashes,
    no_baseline,
)
