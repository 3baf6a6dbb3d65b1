"""Metrics of retrieval: the articles with the evidence should be among the sources, counted as distinct articles.

recall, MRR and nDCG (Järvelin and Kekäläinen 2002, binary gain) are those of trec_eval: a test compares them with
ir-measures on random rankings (docs/decisions/0004). A question without evidence has no figures.
"""

import math
from collections.abc import Sequence
from typing import Any

from eval.records import GoldItem

K_RECALL = 5
K_RANK = 10
K_ALL = 8


def retrieval_figures(item: GoldItem, ranked: Sequence[str]) -> dict[str, float]:
    """Return the figures of one question for its ranked, distinct articles."""
    wanted = item.gold_articles
    if not wanted:
        return {}
    ranks = [rank for rank, article in enumerate(ranked[:K_RANK], 1) if article in wanted]
    ideal = sum(_gain(rank) for rank in range(1, min(len(wanted), K_RANK) + 1))
    return {
        f"recall@{K_RECALL}": len(wanted & set(ranked[:K_RECALL])) / len(wanted),
        f"mrr@{K_RANK}": 1 / ranks[0] if ranks else 0.0,
        f"ndcg@{K_RANK}": sum(map(_gain, ranks)) / ideal,
        f"all_evidence@{K_ALL}": float(any(group <= set(ranked[:K_ALL]) for group in sufficient(item))),
    }


def sufficient(item: GoldItem) -> list[frozenset[str]]:
    """Return the sets of articles that are each sufficient to answer."""
    article_of = {evidence.id: evidence.article for evidence in item.evidence}
    return [frozenset(article_of[name] for name in group) for group in item.evidence_sets] or [item.gold_articles]


def ranked_articles(reply: dict[str, Any]) -> list[str]:
    """Return the distinct articles of a reply's sources, best first."""
    return list(dict.fromkeys(source["article_id"] for source in reply["sources"]))


def _gain(rank: int) -> float:
    """Return the discounted gain of a relevant article at a rank."""
    return 1 / math.log2(rank + 1)
