"""The time that a question asks about: a report of another year or month has values of its own."""

import re
from dataclasses import replace
from datetime import UTC, timedelta

from index.text import words
from service.citations.dates import Date, find_dates
from service.date_words import Period
from service.readers.evidence import Evidence, ScoredSentence, published_at
from service.readers.latest import counts_anew, recounted
from service.readers.question_kind import is_plan, names, terms

NEAR = 8.0
"""How far below the best score an answer of the asked days may be for the others to be left out; set by hand."""

_LONGEST_MONTH = timedelta(days=31)

_ON_DAY = re.compile(r"\b([a-z]+) (?:on|am) (?=\d|[A-Z])")
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


def of_asked_days(question: str, evidence: Evidence) -> Evidence:
    """Return the evidence without sentences of other days than those of the state that is asked about.

    They stay if no sentence of these days answers about as well: "Who was mayor in May?" may be told by an older
    report. If the best answer is a number, a sentence of these days with another number of the same is as good. A
    sentence is of the days that it states, or else of its article's day.
    """
    if not (days := evidence.days) or evidence.certainty is None or not evidence.sentences:
        return evidence
    best, of_days = evidence.sentences[0], [each for each in evidence.sentences if _is_of(each, days)]
    if any(each.answer and each.score >= best.score - NEAR for each in of_days):
        return replace(evidence, sentences=tuple(of_days))
    counts = [recounted(each, best) for each in of_days] if not _is_of(best, days) else []
    counts = [each for each in counts if each.answer and counts_anew(question, each, best)]
    return replace(evidence, sentences=tuple(counts)) if counts else evidence


def states_other_days(sentence: ScoredSentence, evidence: Evidence) -> bool:
    """Return whether a sentence states a day or month, and not the one of the state that is asked about."""
    is_dated = any(each.month for each in find_dates(sentence.text).dates)
    return is_dated and evidence.days is not None and not _is_of(sentence, evidence.days)


def on_another_day(question: str, evidence: Evidence, best: ScoredSentence) -> ScoredSentence | None:
    """Return the latest sentence with another day for what a question dates: "Who came when it opened on 1 May?".

    None if it is the best sentence, if one has the day of the question, or if that has none behind a verb.
    """
    dated = find_dates(question)
    days = {(each.month, each.day) for each in dated.dates if each.month and each.day}
    verb = _ON_DAY.search(question)
    if len(days) != 1 or verb is None:
        return None
    asked = terms(verb[1])
    told = [each for each in evidence.sentences if asked and _tells_day(each, asked, names(dated.rest))]
    stated = {(date.month, date.day) for each in told for date in find_dates(each.text).dates}
    latest = max(told, key=published_at, default=best)
    return latest if latest != best and days.isdisjoint(stated) else None


def _tells_day(sentence: ScoredSentence, verb: set[str], named: set[str]) -> bool:
    """Return whether a sentence has a verb, a day and the names, some of them in its title; a plan does not count."""
    said = set(words(f"{sentence.passage.article.title or ''}\n{sentence.text}"))
    if not verb <= terms(sentence.text) or not named <= said or is_plan(sentence.text):
        return False
    return any(each.month and each.day for each in find_dates(sentence.text).dates)


def _is_of(sentence: ScoredSentence, days: Period) -> bool:
    """Return whether a sentence states one of these days or their month, or states none and was published in them.

    One that states another year than that in which it was published may compare it with this one. A date without a
    year is of its article's year.
    """
    published = sentence.passage.article.published_at
    is_published = published is not None and days.start <= published.astimezone(UTC).date() < days.end
    is_year = days.end - days.start > _LONGEST_MONTH
    stated = [each for each in find_dates(sentence.text).dates if each.month or (is_year and each.year)]
    if not stated or (is_year and is_published):
        return is_published
    year = published.year if published else days.start.year
    return any(_is_within(each._replace(year=each.year or year), days) for each in stated)


def _is_within(stated: Date, days: Period) -> bool:
    """Return whether a day, a month or a year is among these days."""
    first = (stated.year, stated.month or 1, stated.day or 1)
    last = (stated.year, stated.month or 12, stated.day or 31)
    return last >= days.start.timetuple()[:3] and first < days.end.timetuple()[:3]
