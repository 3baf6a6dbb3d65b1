"""Staleness: the age of an answer's articles in words, and the warning that they are old.

Only a question about the present can have a stale answer. Its words show it in English and German; a question in
another language never has the warning.
"""

import re
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter

from service.answer import STALE
from service.records import AnswerWarning, Question

_UNITS = (("years", 365.25, 1.5), ("months", 30.44, 1.5), ("weeks", 7, 2), ("days", 1, 0))
"""Units of an age with their days, and the number of units from which an age is given in them, as in the widget."""
Words = Annotated[frozenset[str], BeforeValidator(str.split)]
"""Words, in the file one string with spaces between them."""
Phrases = Annotated[re.Pattern[str], BeforeValidator("|".join)]
"""A pattern, in the file a list of alternatives."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)*")
_SENTENCE = re.compile(r"(?<=[.?!…])\s+")
_SHORT_IS = re.compile(r"\b(who|what|where|when|how|why|which|it|there|that)'s\b")
_WHO_IS = re.compile(r"(?:(?:who|what) (?:is|are)|(?:who|what)'s|(?:wer|was) (?:ist|sind))\s+([^?]+)\??", re.IGNORECASE)
_DATE = re.compile(
    r"\b1\d{3}s?\b|\b20\d\ds?\b|\b\d{1,2}[./]\s?\d{1,2}\b"
    r"|\b(?:january|february|april|june|july|august|september|october|november|december)\b"
    r"|\b(?:in|since|of|by|until|from|early|mid|late|last|this|next) (?:march|may)\b|\b(?:march|may) \d"
    r"|\d(?:st|nd|rd|th)? (?:of )?(?:march|may)\b"
    r"|\b(?:januar|jänner|februar|märz|mai|juni|juli|oktober|dezember)\b"
)


def stale_warning(
    question: Question, standalone: str, newest: str | None, now: datetime, after: timedelta
) -> AnswerWarning | None:
    """Return the warning of a question about the present whose newest cited article is older than `after`.

    `newest` is its date of publication, or None if that is unknown; then the result is None. A question with an upper
    limit of dates is about the past.
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
    """Return how long ago a day was: "today", "3 weeks ago", "8 months ago"; empty for a day in the future."""
    days = (now.date() - moment.date()).days
    if days < 0:
        return ""
    if days < 2:
        return ("today", "yesterday")[days]
    unit, length = next((unit, length) for unit, length, least in _UNITS if days >= least * length)
    return f"{round(days / length)} {unit} ago"


def asks_about_present(question: str) -> bool:
    """Return whether a question asks for a state of the present: "Is the bridge open?", "Who is the mayor?".

    A question with a date, a word for the past or an unknown form is not about the present.
    """
    text = " ".join(question.replace("’", "'").split())
    plain = _SHORT_IS.sub(r"\1 is", text.lower())
    if _DATE.search(plain):
        return False
    named = _WHO_IS.fullmatch(text)
    if named and all(word[0].isupper() and "'s" not in word for word in named[1].split()):
        return False  # "Who is Benedikt Orlo?" asks about a name, and not for who holds an office.
    return any(_is_present(sentence, language) for sentence in _SENTENCE.split(plain) for language in _languages())


def _is_present(sentence: str, language: "_Language") -> bool:
    if language.today.search(sentence):
        return True
    asked = language.lead.sub("", sentence)
    if language.past.search(asked) or language.timeless.search(asked):
        return False
    if language.now.search(asked):
        return True
    words = _WORD.findall(asked)
    if not words or words[0] in language.openers:
        return bool(words)
    # "At what time …": the question word may come second.
    if not language.questions & set(words[:2]):
        return False
    finite = language.present | language.other
    first = next((place for place, word in enumerate(words) if word in finite), 0)
    return words[first] in language.present and (first < 2 or words[first - 1] not in language.joining)


@dataclass(frozen=True, slots=True)
class _Language:
    """The words of a language that show the time a question asks about."""

    lead: Phrases
    """Words that may come before the question itself: a greeting, "and", "do you know"."""
    questions: Words
    openers: Words
    """Verbs that open a question about the present."""
    present: Words
    other: Words
    """Finite verbs that are not in the present: the first finite verb decides."""
    joining: Words
    """Words before a verb that is not the question's own: "the bridge that is …", "the run"."""
    past: Phrases
    now: Phrases
    """Words for the present; a word for the past takes precedence."""
    today: Phrases
    """Words for the day of the question, in any tense."""
    timeless: Phrases
    """Openings that ask for a meaning, a reason or whether a report is true."""


@cache
def _languages() -> tuple[_Language, ...]:
    """Return the words of English and German."""
    file = Path(__file__).with_suffix(".json")
    return tuple(TypeAdapter(dict[str, _Language]).validate_json(file.read_bytes()).values())
