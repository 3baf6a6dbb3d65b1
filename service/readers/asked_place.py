"""The place that a question is about: an article about another place may mention it in passing."""

import re

from index.text import sentence_spans
from service.citations.dates import find_dates
from service.readers.evidence import Evidence, ScoredSentence
from service.readers.question_kind import terms

LEAD = 500
"""Code points at the beginning of an article among which its first sentence is."""

_PLACE = re.compile(r"\b(?:in|at|near|from)\s+(?:the\s+)?([A-Z][\w’'-]*(?:\s+[A-Z][\w’'-]*)*)")


def of_asked_place(question: str, evidence: Evidence, best: ScoredSentence, least: float) -> ScoredSentence:
    """Return the best sentence, or one with at least a score that is about the asked place if the best one is not.

    With its title and the first sentence of its article, it has every word of the question that the best one has so.
    """
    places = terms(" ".join(_PLACE.findall(find_dates(question).rest)))
    given, asked = _about(best), terms(question)
    if places <= given:
        return best
    near = (each for each in evidence.sentences if each.answer and each.score >= least)
    return next((each for each in near if places | asked & given <= _about(each)), best)


def _about(sentence: ScoredSentence) -> set[str]:
    """Return the terms of a sentence, of its article's title and of the article's first sentence."""
    article = sentence.passage.article
    spans = sentence_spans(article.body[:LEAD], headings=False)
    return terms(
        "\n".join([article.title or "", sentence.text, *(article.body[each.start : each.end] for each in spans[:1])])
    )
