"""Staleness: how old the articles of an answer are, in words, and when an answer has to warn of it."""

from datetime import datetime, timedelta

from service.present import asks_about_present
from service.records import AnswerWarning, Question
from service.verdict import STALE

_DAYS_A_MONTH = 30.44
_DAYS_A_YEAR = 365.25


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
    """Return how long ago a day was: "today", "12 days ago", "8 months ago"; empty for a day to come."""
    days = (now.date() - moment.date()).days
    if days < 0:
        return ""
    if days < 2:
        return ("today", "yesterday")[days]
    if days < 45:
        return f"{days} days ago"
    months = round(days / _DAYS_A_MONTH)
    return f"{months} months ago" if months < 24 else f"{round(days / _DAYS_A_YEAR)} years ago"
