"""Which questions want the latest report, and whether a later one than the quoted one speaks of the same.

A question about a past event wants its report, not the newest article. A figure of it may have been corrected since,
so a later statement of the same figure is quoted first. A question that names a time is answered from that time.
"""

import re
from datetime import UTC, datetime

from service.answer import day
from service.date_words import date_words
from service.questions import asks_about_present
from service.readers import latest
from service.readers.evidence import Evidence, Latest
from service.readers.extractive import quoted
from service.readers.question_kind import asks_latest, asks_to_come
from service.records import AnswerWarning

NEWER_REPORT = "newer_report"
"""Code of the warning that a later article also speaks of what is quoted."""

_EARLIER = re.compile(
    r"\b(?:first|initial(?:ly)?|original(?:ly)?|before|earlier|previous(?:ly)?|former(?:ly)?|used to|than|compared"
    r"|changed?|ris(?:e[sn]?|ing)|rose|raised?|increas\w*|decreas\w*|dropped|fallen|differen\w*|dearer|cheaper|both"
    r"|back then|at the time|zuerst|zunächst|ursprünglich\w*|vorher|früher\w*|ehemalig\w*|als)\b"
    r"|\b(?:1[5-9]|20)\d\d\b",
    re.IGNORECASE,
)


def wants_latest(question: str, now: datetime) -> Latest:
    """Return whether a question asks for a state of now or to come, for a figure that may be corrected, or neither."""
    if asks_latest(question):
        return "state"
    today = now.astimezone(UTC).date()
    dates = [words for language in ("english", "german") for words in date_words(question, today, language)]
    if _EARLIER.search(question) or any(words.period.end <= today for words in dates):
        return None
    return "state" if asks_about_present(question) or asks_to_come(question) else "figure"


def newer_report(question: str, evidence: Evidence) -> AnswerWarning | None:
    """Return the warning that a later article speaks of the state that is quoted first, if one does."""
    chosen = quoted(question, evidence)[:1] if evidence.latest == "state" and not evidence.parts else ()
    later = latest.newer_report(question, evidence, chosen[0]) if chosen and chosen[0].answer else None
    if later is None:
        return None
    return AnswerWarning(NEWER_REPORT, f"A later article, of {day(later)}, may say something new about this.")
