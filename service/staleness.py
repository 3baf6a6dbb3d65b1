"""Staleness: how old the articles of an answer are, in words, and when an answer has to warn of it."""

from datetime import datetime, timedelta

from service.present import asks_about_present
from service.records import AnswerWarning, Question
from service.verdict import STALE

_UNITS = (("years", 365.25, 1.5), ("months", 30.44, 1.5), ("weeks", 7, 2), ("days", 1, 0))
"""Units of an age with their days, and how many of them it takes to be counted in; the widget counts alike."""


def stale_warning(
    question: Question, standalone: str, newest: str | None, now: datetime, after: timedelta
) -> AnswerWarning | None:
    """Return the warning of a question about the present whose newest cited article is older than `after`.

    `newest` is its date of publication, or None where it is unknown; then nothing is claimed. A filter that ends in
    the past asks for the past.
    """
    if newest is None or question.filters.published_before or not asks_about_present(standalone):
        return None
    published = datetime.fromisoformat(newest)
    if now - published <= after:
        return None
    return AnswerWarning(
        STALE,
        f"The latest article quoted is from {day(published)}, {age(published, now)}. Things may have changed since.",
    )


def day(moment: datetime) -> str:
    """Return a date as "31 March 2026"."""
    return f"{moment.day} {moment:%B %Y}"


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago a day was: "today", "3 weeks ago", "8 months ago"; empty for a day to come."""
    days = (now.date() - moment.date()).days
    if days < 0:
        return ""
    if days < 2:
        return ("today", "yesterday")[days]
    unit, length = next((unit, length) for unit, length, least in _UNITS if days >= least * length)
    return f"{round(days / length)} {unit} ago"
