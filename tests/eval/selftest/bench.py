"""The bench: the gold set of the self-test, the scorer and the gate under test, and their results for a fake."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

from eval.gate import Accepted, Decision, ScoredRun, decide
from eval.gold import GoldSet, read_gold
from eval.records import Grade, Prediction, Run, Stage
from eval.run import Selection, ask_all, header_of
from eval.score import score
from eval.target import Target
from tests.eval.selftest.fakes import Fake, Respond, oracle

GOLD = Path(__file__).parent / "gold"
TODAY = date(2025, 10, 1)

Score = Callable[[GoldSet, Run], tuple[Grade, ...]]


class Decide(Protocol):
    """Return the gate's decision."""

    def __call__(
        self,
        gold: GoldSet,
        now: ScoredRun,
        before: ScoredRun | None,
        accepted: Sequence[Accepted] = (),
        today: date | None = None,
    ) -> Decision: ...


@dataclass(frozen=True)
class Bench:
    """The gold set, scorer and gate of a check; broken ones show that the checks notice."""

    models: Path
    gold: GoldSet = field(default_factory=lambda: read_gold(GOLD))
    score: Score = score
    decide: Decide = decide

    @cached_property
    def truth(self) -> ScoredRun:
        """Return the oracle's run, the baseline of most checks."""
        return self.measured(self.run(oracle(self.gold)))

    def run(self, respond: Respond, order: Selection | None = None) -> Run:
        """Return the run of a fake over all questions."""
        return self.run_of(Fake(self.gold, respond), order)

    def run_of(self, target: Target, order: Selection | None = None) -> Run:
        """Return the run of a target over all questions."""
        return ask_all(self.gold, order or Selection(), target, header_of(self.gold, reader="selftest")).run

    def measured(self, run: Run) -> ScoredRun:
        """A run and its grades."""
        return ScoredRun(run.header, self.score(self.gold, run))

    def grades(self, respond: Respond) -> tuple[Grade, ...]:
        """Score the answers of a fake."""
        return self.measured(self.run(respond)).grades

    def decision(self, respond: Respond, accepted: Sequence[Accepted] = ()) -> Decision:
        """Decide on a fake, compared with the oracle."""
        return self.judged(self.measured(self.run(respond)), accepted)

    def judged(self, now: ScoredRun, accepted: Sequence[Accepted] = (), today: date = TODAY) -> Decision:
        """Decide on a run, compared with the oracle."""
        return self.decide(self.gold, now, self.truth, accepted, today)

    def larger(self, times: int) -> "Bench":
        """Return a bench with each question repeated under new ids."""
        items = tuple(
            item.model_copy(update={"id": f"{item.type}-{number}{item.id[-3:]}", "split": "gate", "critical": False})
            for number in range(1, times + 1)
            for item in self.gold.items
        )
        return replace(self, gold=replace(self.gold, items=tuple(sorted(items, key=lambda item: item.id))))


def lies() -> dict[str, str]:
    """Return by question the gold answer with one changed number, name or date, or an added negation."""
    found: dict[str, str] = _said()["lies"]
    return found


def reworded() -> dict[str, list[str]]:
    """Return by question true answers in other words."""
    found: dict[str, list[str]] = _said()["reworded"]
    return found


def _said() -> dict[str, Any]:
    said: dict[str, Any] = json.loads((GOLD / "said.json").read_text(encoding="utf-8"))
    return said


def breaks(decision: Decision, rule: str, *, code: int, stage: Stage | None = None) -> Iterator[str]:
    """Yield the errors of a decision that should break this rule, at this stage, with this exit code."""
    stages = {breach.stage for breach in decision.breaches if breach.rule == rule}
    if not stages:
        yield f"does not break the rule {rule!r}: {decision}"
    elif stage is not None and stage not in stages:
        yield f"breaks {rule!r} at {sorted(map(str, stages))}, not at {stage}"
    if decision.exit_code != code:
        yield f"exits with {decision.exit_code}, not {code}"


def passes(decision: Decision) -> Iterator[str]:
    """Yield the errors of a decision that should pass."""
    if decision.exit_code or not str(decision).startswith("PASS"):
        yield f"should pass: {decision}"


def unless(holds: bool, complaint: str) -> Iterator[str]:
    """Return the complaint if a condition is false."""
    if not holds:
        yield complaint


def share(grades: Sequence[Grade], *outcomes: str) -> float:
    """Return the share of grades with one of these outcomes."""
    return sum(grade.outcome in outcomes for grade in grades) / len(grades)


def mean(grades: Sequence[Grade], figure: str) -> float:
    """Return the mean of a figure over the questions that have it; 0 without any."""
    values = [grade.figures[figure] for grade in grades if figure in grade.figures]
    return sum(values) / max(1, len(values))


def lost(before: Sequence[Grade], after: Sequence[Grade]) -> set[str]:
    """Return the questions that regressed."""
    good = {grade.id for grade in before if grade.good}
    return good - {grade.id for grade in after if grade.good}


def with_predictions(run: Run, predictions: Sequence[Prediction]) -> Run:
    """Return a run with other predictions and the same header."""
    return run.model_copy(update={"predictions": tuple(predictions)})
