"""The evaluation suite judges fakes correctly, and its checks fail for a broken suite."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from eval.gate import Accepted, Breach, Decision, ScoredRun, decide
from eval.gold import GoldSet
from eval.records import Grade, Run
from eval.score import score
from tests.eval.selftest import CHECKS, Check
from tests.eval.selftest import checks_answers as answers
from tests.eval.selftest import checks_citations as citations
from tests.eval.selftest import checks_gate as gate
from tests.eval.selftest import checks_injection as injection
from tests.eval.selftest import checks_nothing as nothing
from tests.eval.selftest import checks_retrieval as retrieval
from tests.eval.selftest.bench import Bench

NOWHERE = Path("models-are-not-needed")
Change = Callable[[Grade], Grade]
Rule = Callable[[Decision], Decision]


def _scoring(change: Change) -> Bench:
    """Return a bench whose scorer changes every outcome."""

    def broken(gold: GoldSet, run: Run) -> tuple[Grade, ...]:
        return tuple(change(grade) for grade in score(gold, run))

    return Bench(NOWHERE, score=broken)


def _deciding(change: Rule) -> Bench:
    """Return a bench whose gate changes every decision."""

    def broken(
        gold: GoldSet,
        now: ScoredRun,
        before: ScoredRun | None,
        accepted: Sequence[Accepted] = (),
        today: date | None = None,
    ) -> Decision:
        return change(decide(gold, now, before, accepted, today))

    return Bench(NOWHERE, decide=broken)


def _without(*rules: str) -> Bench:
    """Return a bench whose gate lacks these rules."""

    def dropped(decision: Decision) -> Decision:
        kept = tuple(breach for breach in decision.breaches if breach.rule not in rules)
        return decision.model_copy(update={"breaches": kept})

    return _deciding(dropped)


def _figures(**values: float) -> Change:
    return lambda grade: grade.model_copy(
        update={"figures": {name: values.get(name.replace("@", "_"), value) for name, value in grade.figures.items()}}
    )


def _outcome(grade: Grade) -> Grade:
    return grade.model_copy(update={"outcome": "correct", "stage": None})


def _staged(grade: Grade) -> Grade:
    return grade.model_copy(update={"stage": "reader"})


def _mild(decision: Decision) -> Decision:
    """Call each incomplete breach a floor: exit 1 instead of 3."""
    breaches = (b.model_copy(update={"rule": "floor"}) if b.rule == "complete" else b for b in decision.breaches)
    return decision.model_copy(update={"breaches": tuple(breaches)})


def _harsh(decision: Decision) -> Decision:
    return decision.model_copy(update={"breaches": (*decision.breaches, Breach(rule="floor", detail="always"))})


def _failed(bench: Bench, *checks: Check) -> list[str]:
    return [check.__name__ for check in checks if list(check(bench))]


@pytest.fixture(scope="module")
def bench(models: Path) -> Bench:
    """Return the correct suite."""
    return Bench(models)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_suite_passes_each_check(bench: Bench, check: Check) -> None:
    """The metrics and the gate judge every fake correctly."""
    assert list(check(bench)) == []


@pytest.mark.parametrize(
    ("bench", "checks"),
    [
        (_scoring(_outcome), (answers.liar, answers.silence, answers.echo_with_citations, answers.never_refuse)),
        (_scoring(_staged), (retrieval.finds_one, citations.none_cited)),
        (_scoring(_figures(fact_recall=1.0)), (answers.shuffled_gold,)),
        (_scoring(_figures(fact_recall=0.99)), (answers.gold_answers,)),
        (_scoring(_figures(truthfulness=1.0)), (answers.shuffled_gold, answers.always_refuse)),
        (_scoring(_figures(citation_precision=1.0)), (citations.all_cited,)),
        (_scoring(_figures(citation_recall=1.0)), (citations.none_cited,)),
        (_scoring(_figures(dangling=0.0)), (citations.shifted_citations, citations.invented_citations)),
        (_scoring(_figures(quote_exactness=1.0)), (citations.changed_quotes, citations.shifted_quotes)),
        (_scoring(_outcome), (retrieval.shows_copies,)),
        (_scoring(_figures(exercised=1.0)), (injection.unseen_poison,)),
        (_scoring(_figures(recall_5=1.0)), (retrieval.finds_nothing, gate.one_type_collapses)),
        (_scoring(_figures(calls=1.0)), (nothing.not_a_number, gate.budgets)),
    ],
)
def test_a_broken_scorer_is_noticed(bench: Bench, checks: tuple[Check, ...]) -> None:
    """A scorer that accepts everything, names a wrong stage or improves a figure fails its checks."""
    assert _failed(bench, *checks) == [check.__name__ for check in checks]


@pytest.mark.parametrize(
    ("bench", "checks"),
    [
        (_without("complete"), (*nothing.NOTHING[:4], nothing.not_a_number, nothing.other_hashes, nothing.no_baseline)),
        (_without("injection"), (injection.obeyed_injection,)),
        (_without("dangling citation"), (citations.shifted_citations, citations.shifted_markers)),
        (_without("false quote"), (citations.changed_quotes, citations.shifted_quotes)),
        (_without("critical question"), (gate.lost_question,)),
        (_without("regression"), (answers.liar, retrieval.stale_index, gate.lost_question, gate.accepted_loss)),
        (_without("floor"), (gate.one_type_collapses, answers.shuffled_gold)),
        (_without("ceiling"), (answers.always_refuse, answers.never_refuse)),
        (_without("holdout"), (gate.hidden_holdout,)),
        (_without("budget"), (gate.budgets,)),
        (_deciding(_mild), (nothing.no_question, nothing.errors, nothing.missing_answer, injection.unseen_poison)),
        (_deciding(_harsh), (answers.gold_answers, gate.same_and_better, gate.subset, injection.quoted_injection)),
    ],
)
def test_a_broken_gate_is_noticed(bench: Bench, checks: tuple[Check, ...]) -> None:
    """A gate that lacks a rule, confuses incomplete with bad or does not pass fails its checks."""
    assert _failed(bench, *checks) == [check.__name__ for check in checks]


def test_a_gold_set_that_does_not_fit_is_noticed() -> None:
    """If a gold answer no longer states its fact, the oracle fails a check."""
    bench = Bench(NOWHERE)
    first = next(item for item in bench.gold.items if item.id == "how_many-001")
    changed = first.model_copy(update={"facts": bench.gold.items[0].facts})
    items = tuple(changed if item is first else item for item in bench.gold.items)
    assert _failed(replace(bench, gold=replace(bench.gold, items=items)), answers.gold_answers) == ["gold_answers"]
