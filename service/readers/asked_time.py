"""The time that a question asks about: a report of another year or month has values of its own."""

import re
from dataclasses import replace
from datetime import UTC, timedelta

from service.citations.dates import Date, find_dates
from service.date_words import Period
from service.readers.evidence import Evidence, ScoredSentence

NEAR = 8.0
"""How far below the best score an answer of the asked days may be for the others to be left out; set by hand."""

MONTH = timedelta(days=31)

_YEAR = re.compile(r"\b(?:19|20)\d\d\b")


def of_asked_year(question: str, evidence: Evidence) -> Evidence:
    """Return the evidence without articles that have none of the years that a question names, if others have one.

    The same event of another year has numbers of its own. Whether a plan still holds may be told without its year.
    """
    years = frozenset(_YEAR.findall(question))
    if not years or evidence.latest == "state":
        return evidence

    def is_of_year(sentence: ScoredSentence) -> bool:
        article = sentence.passage.article
        published = str(article.published_at.year) if article.published_at else ""
        return published in years or any(year in f"{article.title}\n{article.body}" for year in years)

    of_year = tuple(filter(is_of_year, evidence.sentences))
    return replace(evidence, sentences=of_year) if of_year else evidence


def of_asked_days(evidence: Evidence) -> Evidence:
    """Return the evidence without sentences of other days than those of the state that is asked about.

    They stay if no sentence of these days answers about as well: "Who was mayor in May?" may be told by an older
    report. A sentence is of the days that it states, or else of its article's day.
    """
    if not (days := evidence.days) or evidence.certainty is None or not evidence.sentences:
        return evidence
    of_days = tuple(each for each in evidence.sentences if _is_of(each, days))
    least = evidence.sentences[0].score - NEAR
    is_told = any(each.answer and each.score >= least for each in of_days)
    return replace(evidence, sentences=of_days) if is_told else evidence


def _is_of(sentence: ScoredSentence, days: Period) -> bool:
    """Return whether a sentence states one of these days, or states none and was published in them.

    Their month or, if a year is asked about, their year is enough. A date without a year is of its article's year.
    """
    published = sentence.passage.article.published_at
    is_year = days.end - days.start > MONTH
    stated = [each for each in find_dates(sentence.text).dates if each.month or (is_year and each.year)]
    if stated:
        year = published.year if published else days.start.year
        return any(_is_within(each._replace(year=each.year or year), days) for each in stated)
    return published is not None and days.start <= published.astimezone(UTC).date() < days.end


def _is_within(stated: Date, days: Period) -> bool:
    """Return whether a day, a month or a year is among these days."""
    first = (stated.year, stated.month or 1, stated.day or 1)
    last = (stated.year, stated.month or 12, stated.day or 31)
    return last >= days.start.timetuple()[:3] and first < days.end.timetuple()[:3]
