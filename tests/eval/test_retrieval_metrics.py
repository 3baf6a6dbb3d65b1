"""Retrieval metrics, compared with an independent implementation and a slow, obvious one."""

import math
import random
from collections.abc import Sequence

import ir_measures
import pytest
from ir_measures import RR, Qrel, R, ScoredDoc, nDCG

from eval.metrics import ranked_articles, retrieval_figures, sufficient
from eval.records import GoldItem
from tests.eval.pieces import item, unanswerable

POOL = [f"article-{number:02}" for number in range(30)]


def _question(wanted: Sequence[str], sets: Sequence[Sequence[int]] = ()) -> GoldItem:
    evidence = [{"id": f"e{at}", "article": name, "quote": "words"} for at, name in enumerate(wanted)]
    return item(evidence=evidence, evidence_sets=[[f"e{at}" for at in one] for one in sets], facts=None)


def _slowly(wanted: set[str], ranked: Sequence[str]) -> dict[str, float]:
    """Compute the textbook formulas, one loop each."""
    found = 0
    for name in ranked[:5]:
        found += name in wanted
    first = 0.0
    for rank in range(len(ranked[:10]), 0, -1):
        if ranked[rank - 1] in wanted:
            first = 1 / rank
    gained = 0.0
    for rank, name in enumerate(ranked[:10], 1):
        if name in wanted:
            gained += 1 / math.log2(rank + 1)
    best = 0.0
    for rank in range(1, min(10, len(wanted)) + 1):
        best += 1 / math.log2(rank + 1)
    together = all(name in ranked[:8] for name in wanted)
    return {
        "recall@5": found / len(wanted),
        "mrr@10": first,
        "ndcg@10": gained / best,
        "all_evidence@8": float(together),
    }


def _rankings() -> list[tuple[list[str], list[str]]]:
    """Return 500 pairs of relevant articles and rankings: short, empty, with duplicates, with many relevant ones."""
    dice = random.Random(20261120)
    return [
        (dice.sample(POOL, dice.choice((1, 1, 2, 3, 8, 12))), dice.choices(POOL, k=dice.choice((0, 1, 4, 9, 20, 40))))
        for _ in range(500)
    ]


def test_figures_equal_the_obvious_implementation() -> None:
    """Recall, all-evidence, MRR and nDCG equal the formulas on 500 random rankings."""
    for wanted, sources in _rankings():
        ranked = ranked_articles({"sources": [{"article_id": name} for name in sources]})
        assert retrieval_figures(_question(wanted), ranked) == pytest.approx(_slowly(set(wanted), ranked))


def test_figures_equal_ir_measures() -> None:
    """Recall, MRR and nDCG over all questions equal those of ir_measures."""
    rankings = [(w, list(dict.fromkeys(s))) for w, s in _rankings()]
    qrels = [Qrel(str(at), name, 1) for at, (wanted, _) in enumerate(rankings) for name in wanted]
    run = [
        ScoredDoc(str(at), name, 1 / (1 + n))
        for at, (_, ranked) in enumerate(rankings)
        for n, name in enumerate(ranked)
    ]
    expected = ir_measures.calc_aggregate([R @ 5, RR @ 10, nDCG @ 10], qrels, run)
    figures = [retrieval_figures(_question(wanted), ranked) for wanted, ranked in rankings]
    for measure, name in ((R @ 5, "recall@5"), (RR @ 10, "mrr@10"), (nDCG @ 10, "ndcg@10")):
        mean = sum(one[name] for one in figures) / len(figures)
        assert mean == pytest.approx(expected[measure])


def test_each_figure_looks_as_deep_as_its_name_says() -> None:
    """The fifth article counts for recall, the eighth for all-evidence, the tenth for MRR and nDCG; no later one."""
    for depth, name in ((5, "recall@5"), (8, "all_evidence@8"), (10, "mrr@10"), (10, "ndcg@10")):
        wanted = _question([POOL[depth - 1]])
        assert retrieval_figures(wanted, POOL)[name] > 0
        assert retrieval_figures(_question([POOL[depth]]), POOL)[name] == 0


def test_nothing_found_scores_nothing() -> None:
    """An empty ranking scores 0 in every figure."""
    assert retrieval_figures(_question(["a", "b"]), []) == dict.fromkeys(
        ("recall@5", "mrr@10", "ndcg@10", "all_evidence@8"), 0.0
    )


def test_a_question_without_evidence_has_no_figure() -> None:
    """Unanswerable questions do not count in retrieval."""
    assert retrieval_figures(unanswerable(), POOL) == {}


def test_any_sufficient_set_is_enough() -> None:
    """All-evidence is 1 if one of the alternative sets is found completely."""
    either = _question(["a", "b", "c"], sets=[[0], [1, 2]])
    assert sufficient(either) == [{"a"}, {"b", "c"}]
    assert retrieval_figures(either, ["a"])["all_evidence@8"] == 1
    assert retrieval_figures(either, ["c", "b"])["all_evidence@8"] == 1
    assert retrieval_figures(either, ["c"])["all_evidence@8"] == 0


def test_without_sets_every_article_is_needed() -> None:
    """Evidence in two articles needs both."""
    assert sufficient(_question(["a", "b"])) == [{"a", "b"}]
    assert retrieval_figures(_question(["a", "b"]), ["a"])["all_evidence@8"] == 0


def test_an_article_counts_once_at_its_best_rank() -> None:
    """Several passages of one article are one article."""
    sources = [{"article_id": name} for name in ("b", "a", "b", "c", "a")]
    assert ranked_articles({"sources": sources}) == ["b", "a", "c"]


def test_each_copy_of_an_article_will_do() -> None:
    """The articles of a group of copies count as one, wanted or found."""
    question = _question(["a", "b"]).model_copy(update={"copies": (("c", "a"), ("b", "d"))})
    plain = retrieval_figures(_question(["a", "b"]), ["a", "x", "b"])
    assert retrieval_figures(question, ["a", "x", "d"]) == plain
    assert retrieval_figures(question, ["c", "a", "x", "b", "d"]) == plain
    assert sufficient(question) == [{"c", "b"}]
