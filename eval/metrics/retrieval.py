"""Retrieval: did the articles that hold the evidence come up?

R_k are the first k distinct articles among the sources, G the articles of the evidence.

    recall@k       |G ∩ R_k| / |G|
    all-evidence@k 1 where some sufficient set of articles lies within R_k, else 0
    MRR@k          1 / rank of the first article of G within k, 0 without one
    nDCG@k         Järvelin and Kekäläinen 2002, binary gain

recall, MRR and nDCG are those of trec_eval, through ir-measures; ranks go in as scores of -rank, so that ties cannot
be re-ordered. A question without evidence has no figure.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any

from eval.records import GoldItem

K_RECALL = 5
K_RANK = 10
K_ALL = 8


def retrieval_figures(item: GoldItem, ranked: Sequence[str]) -> dict[str, float]:
    """The figures of one question for its ranked, distinct articles."""
    if not item.gold_articles:
        return {}
    import ir_measures

    judged = [ir_measures.Qrel(item.id, article, 1) for article in item.gold_articles]
    run = [ir_measures.ScoredDoc(item.id, article, -float(rank)) for rank, article in enumerate(ranked)]
    measured = {str(metric.measure): float(metric.value) for metric in ir_measures.iter_calc(_measures(), judged, run)}
    return {
        f"recall@{K_RECALL}": measured[f"R@{K_RECALL}"],
        f"mrr@{K_RANK}": measured[f"RR@{K_RANK}"],
        f"ndcg@{K_RANK}": measured[f"nDCG@{K_RANK}"],
        f"all_evidence@{K_ALL}": float(any(group <= set(ranked[:K_ALL]) for group in sufficient(item))),
    }


def sufficient(item: GoldItem) -> list[frozenset[str]]:
    """The sets of articles each of which is enough to answer."""
    article_of = {evidence.id: evidence.article for evidence in item.evidence}
    return [frozenset(article_of[name] for name in group) for group in item.evidence_sets] or [item.gold_articles]


def ranked_articles(reply: dict[str, Any]) -> list[str]:
    """The distinct articles of a reply's sources, best first."""
    return list(dict.fromkeys(source["article_id"] for source in reply["sources"]))


@cache
def _measures() -> tuple[Any, ...]:
    from ir_measures import RR, R, nDCG

    return (R @ K_RECALL, RR @ K_RANK, nDCG @ K_RANK)
