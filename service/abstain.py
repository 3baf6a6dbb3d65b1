"""Abstaining: the fixed texts that stand in place of an answer, by reason."""

from service.records import StatusReason

ABSTENTIONS: dict[StatusReason, str] = {
    "no_articles": "There are no articles to answer from yet.",
    "outside_filters": "No article matches the filters of this question.",
    "low_relevance": "The articles do not seem to cover this question.",
    "no_verified_support": "The articles were read, but no statement about this question could be proven from them.",
    "model_abstained": "The articles that come closest do not answer this question.",
}
