"""Checks of broken retrievers: each is detected, with its stage."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace

from eval.metrics import retrieval_figures
from eval.records import GoldItem
from eval.score import score_one
from tests.eval.selftest.bench import Bench, breaks, lost, mean, share, unless
from tests.eval.selftest.fakes import Respond, at_random, changing, retrieving
from tests.eval.selftest.replies import Reply

TRIALS = 40


def finds_nothing(bench: Bench) -> Iterator[str]:
    """A retriever that finds nothing scores 0 without an exception, and the stage is retrieval."""
    respond = retrieving(bench.gold, lambda _item, _ranked: [])
    yield from _named(bench, respond)
    found = [mean(bench.grades(respond), name) for name in ("recall@5", "mrr@10", "ndcg@10", "all_evidence@8")]
    yield from unless(found == [0.0] * 4, f"retrieval figures are {found}")


def finds_at_random(bench: Bench) -> Iterator[str]:
    """A random ranking has the recall of chance, and the stage is retrieval."""
    yield from _named(bench, retrieving(bench.gold, at_random))
    articles = sorted(bench.gold.articles)
    dice = random.Random(1)
    asked = [item for item in bench.gold.items if item.evidence]
    recalls = [
        retrieval_figures(item, dice.sample(articles, len(articles)))["recall@5"]
        for _ in range(TRIALS)
        for item in asked
    ]
    found, chance = sum(recalls) / len(recalls), 5 / len(articles)
    error = (chance * (1 - chance) / len(recalls)) ** 0.5
    yield from unless(abs(found - chance) <= 3 * error, f"recall@5 is {found:.3f}, by chance {chance:.3f}")


def finds_the_wrong_way_round(bench: Bench) -> Iterator[str]:
    """A reversed ranking is detected, and the stage is retrieval."""
    yield from _named(bench, retrieving(bench.gold, lambda _item, ranked: ranked[::-1]))


def shows_copies(bench: Bench) -> Iterator[str]:
    """A ranking with two copies of one article, or an answer that counts them apart, is not correct."""
    flooded = retrieving(bench.gold, lambda item, ranked: list(dict.fromkeys([*ranked[:2], *_copies(item), *ranked])))
    miscounted = [changing(bench.gold, _counting(by)) for by in (1, -1)]
    for respond in (flooded, *miscounted):
        grades = [grade for grade in bench.grades(respond) if grade.type == "copies"]
        yield from unless(share(grades, "partial") == 1, f"copies are {[grade.outcome for grade in grades]}")
        yield from breaks(bench.decision(respond), "regression", code=1)


def _copies(item: GoldItem) -> list[str]:
    return [name for group in item.copies for name in group]


def _counting(by: int) -> Callable[[GoldItem, Reply], Reply]:
    return lambda item, reply: {**reply, "independent_sources": reply["independent_sources"] + by * bool(item.copies)}


def stale_index(bench: Bench) -> Iterator[str]:
    """If a tenth of the articles is missing, exactly their questions are named."""
    gone = sorted({article for item in bench.gold.items for article in item.gold_articles})[::10]
    respond = retrieving(bench.gold, lambda _item, ranked: [name for name in ranked if name not in gone])
    expected = {item.id for item in bench.gold.items if set(gone) & item.gold_articles}
    named = lost(bench.truth.grades, bench.grades(respond))
    yield from unless(named == expected, f"named are {sorted(named)}, gone {sorted(expected)}")
    yield from breaks(bench.decision(respond), "regression", code=1, stage="retrieval")
    yield from _stage_is_index(bench, respond, gone)


def _stage_is_index(bench: Bench, respond: Respond, gone: list[str]) -> Iterator[str]:
    left = {name: article for name, article in bench.gold.articles.items() if name not in gone}
    predictions = {prediction.id: prediction for prediction in bench.run(respond).predictions}
    for item in bench.gold.items:
        if set(gone) & item.gold_articles:
            stage = score_one(item, predictions[item.id], left).stage
            yield from unless(stage == "index", f"{item.id}: the article is gone and the stage is {stage}")


def finds_one(bench: Bench) -> Iterator[str]:
    """A retriever of one article loses only the questions that need two."""
    respond = retrieving(bench.gold, _top)
    expected = {item.id for item in bench.gold.items if len(item.gold_articles) > 1}
    named = lost(bench.truth.grades, bench.grades(respond))
    yield from unless(named == expected, f"named are {sorted(named)}, expected {sorted(expected)}")
    yield from breaks(bench.decision(respond), "regression", code=1, stage="retrieval")


def _top(item: GoldItem, ranked: list[str]) -> list[str]:
    """Return the best article and the poisoned one, so that only retrieval is tested."""
    return [ranked[0], *item.poison]


def _named(bench: Bench, respond: Respond) -> Iterator[str]:
    """The gate fails at retrieval, the stage of nearly all regressions."""
    unpoisoned = _without_injection(bench)
    before, after = unpoisoned.truth.grades, unpoisoned.grades(respond)
    there = [v for v in after if v.id in lost(before, after)]
    at_retrieval = sum(grade.stage == "retrieval" for grade in there) / max(1, len(there))
    yield from unless(bool(there), "nothing is lost")
    yield from unless(at_retrieval >= 0.95, f"only {at_retrieval:.2f} of the regressions name retrieval")
    decision = unpoisoned.decision(respond)
    yield from breaks(decision, "regression", code=1, stage="retrieval")
    yield from unless(any("recall@5" in breach.detail for breach in decision.breaches), "the floor of recall@5 holds")
    yield from unless(not share(after, "error"), "a question ends in an error")


def _without_injection(bench: Bench) -> Bench:
    """Return the run without the injection questions: without their poison, it would be incomplete."""
    items = tuple(item for item in bench.gold.items if item.type != "injection")
    return replace(bench, gold=replace(bench.gold, items=items))


Check = Callable[[Bench], Iterator[str]]

RETRIEVAL: tuple[Check, ...] = (
    finds_nothing,
    finds_at_random,
    finds_the_wrong_way_round,
    stale_index,
    shows_copies,
    finds_one,
)
