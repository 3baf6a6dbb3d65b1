"""Abstaining: the fixed texts that stand in place of an answer, by reason."""

from service.records import StatusReason

ABSTENTIONS: dict[StatusReason, str] = {
    "no_articles": "No articles have been added yet.",
    "outside_filters": "No articles match your filters.",
    "low_relevance": "We couldn't find this in our articles.",
    "no_verified_support": "We found related articles, but nothing in them clearly answers this.",
    "model_abstained": "The closest articles don't answer this.",
}
