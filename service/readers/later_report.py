"""A later report of the same story, for a question about the present whose best sentence is from an earlier one.

What has happened since is seldom told in the words of the question: "The lorry was pulled out" answers "Is the lorry
still stuck?". So it is not found by its score: what it shares with the best sentence is the story.
"""

import re
from collections.abc import Mapping
from datetime import timedelta

from service.conflicts.details import Statement
from service.conflicts.relation import is_same_story, pair_of
from service.conflicts.statement import Story
from service.conflicts.values import Amount
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.office import is_ahead
from service.readers.question_kind import answer_type, terms

NEXT_REPORT = timedelta(hours=6)
"""The least time after which a report may tell something new."""

LEAST = 0.0
"""The least score of a sentence that tells how a state has changed."""

_WHETHER = re.compile(
    r"^\W*(?:and |but |so )?(?:is|are|was|were|do|does|has|have|can|may|ist|sind|hat|kann)\b", re.IGNORECASE
)
_NOW = re.compile(
    r"\b(?:now|currently|at (?:the moment|present)|today|by now|so far|jetzt|derzeit|zurzeit)\b", re.IGNORECASE
)


def later_report(question: str, evidence: Evidence, best: ScoredSentence) -> ScoredSentence | None:
    """Return the sentence of the latest report that may replace what the best sentence says; None if none does.

    For a state it is the best one of that article; for the number of now one with a number of the same unit or thing,
    and a word of the question or of the best sentence.
    """
    is_number = answer_type(question) == "number" and _NOW.search(question) is not None
    if evidence.latest != "state" or evidence.certainty is None or not (is_number or _WHETHER.match(question)):
        return None
    told = Statement(Story(best.passage.article), best.span)
    things = {
        each.value.unit: frozenset(token.form for token in told.counted(each))
        for each in told.details
        if isinstance(each.value, Amount) and each.kind == "number"
    }
    words = terms(question) | terms(best.text)
    # "From 1 July …": its other sentences are about the same days.
    ahead = {each.passage.article.article_id for each in evidence.sentences if is_ahead(question, each, evidence)}
    newest: ScoredSentence | None = None
    for each in evidence.sentences:
        one, other = (sentence.passage.article.published_at for sentence in (best, each))
        if one is None or other is None or other - one < NEXT_REPORT or (not is_number and each.score < LEAST):
            continue
        if is_number and each.passage.article.article_id in ahead:
            continue
        since = newest.passage.article.published_at if newest else None
        if since and other <= since:
            continue
        statement = Statement(Story(each.passage.article), each.span)
        pair = pair_of(told, statement)
        if pair is None or not is_same_story(pair):
            continue
        if is_number and not (terms(each.text) & words and _has_number_of(statement, things)):
            continue
        newest = each
    return newest


def _has_number_of(statement: Statement, things: Mapping[str, frozenset[str]]) -> bool:
    """Return whether a sentence has a number of one of some units; a bare one with a word for the things counted."""
    units = {each.value.unit for each in statement.details if isinstance(each.value, Amount) and each.kind == "number"}
    return any(
        unit in units and (bool(unit) or not forms.isdisjoint(statement.forms)) for unit, forms in things.items()
    )
