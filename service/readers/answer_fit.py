"""Fit: whether a sentence has the kind of answer that its question asks for, where scores do not show it.

The span reader takes a sentence about the event for an answer: "two ships" for the names of the ships, the day of a
storm for the time of its strongest gust, the day of an accident for that of the reopening. The rules know plain cases
in English; any other question or sentence fits.
"""

import re

from index.terms import words
from service.citations.numbers import find_numbers
from service.readers.evidence import answer_type

_NAMES = re.compile(
    r"^\W*(?:(?:and|at|by|for|from|in|of|on|to|with) )?(?:who(?:m|se)?\b"
    r"|which (?!century|date|day|floor|grade|hour|month|number|place|position|round|time|week|year))|\bnames? of\b",
    re.IGNORECASE,
)
_TIME_OF_DAY = re.compile(r"\b(?:what|which) (?:time|hour)\b(?! of (?:the )?year)", re.IGNORECASE)
_CLOCK = re.compile(
    r"\b\d{1,2}[:.]\d\d\b|\b\d{1,2} ?(?:[ap]\.?m\b|o['’]clock)|\b(?:noon|midday|midnight|dawn|dusk|sunrise|sunset)\b",
    re.IGNORECASE,
)
_ASKS_FUTURE = re.compile(
    r"\b(?:when|day|date|month|year|time) will\b|\buntil when\b"
    r"|\b(?:when|day|date|month|year|time) (?:is|are)\b.*\b(?:expected|planned|scheduled|due|going) to\b",
    re.IGNORECASE,
)
_FUTURE = re.compile(
    r"\b(?:will|shall|(?:is|are|was|were) to|due|expect(?:s|ed)?|plan(?:s|ned)?|scheduled|intends?|wants?|next|until"
    r"|deadline)\b",
    re.IGNORECASE,
)
_TO_COME = re.compile(
    r"\b(?:will|going to|(?:is|are) (?:expected|planned|due|scheduled)|wird|werden|soll|sollen)\b", re.IGNORECASE
)
_LATEST = re.compile(
    r"\bthe (?:\w+,? )?(?:latest|newest|most recent|current|corrected)\b|\bcurrently\b|\bright now\b|\bnow\?",
    re.IGNORECASE,
)
_CAUSE = re.compile(
    r"\b(?:because|due to|owing to|thanks to|reasons?|caus(?:e[sd]?|ing)|led to|result(?:ed|s)? (?:of|from|in)"
    r"|therefore|blamed?|prompted|forced|in order to|so that|to (?:avoid|prevent|protect|save))\b",
    re.IGNORECASE,
)
_WHOLLY = re.compile(r"\b(?:fully|completely|entirely|wholly|permanently)\b", re.IGNORECASE)
_EMPTY = frozenset("a an the of its their his her some all both each every another one".split())


def asks_latest(question: str) -> bool:
    """Return whether a question asks for the latest state of something that changes."""
    return bool(_LATEST.search(question))


def fits_time(question: str, sentence: str) -> bool:
    """Return False if a question asks for a time of day or a day to come, and the sentence has no words for it."""
    if _ASKS_FUTURE.search(question) and not _FUTURE.search(sentence):
        return False
    return has_time_of_day(question, sentence)


def asks_to_come(question: str) -> bool:
    """Return whether a question asks for what is to come."""
    return bool(_TO_COME.search(question))


def is_plan(sentence: str) -> bool:
    """Return whether a sentence has words for what is to come."""
    return bool(_FUTURE.search(sentence))


def has_time_of_day(question: str, sentence: str) -> bool:
    """Return False if a question asks for a time of day, and the sentence has none."""
    return bool(_CLOCK.search(sentence)) or not _TIME_OF_DAY.search(question)


def is_complete(question: str, sentence: str) -> bool:
    """Return False if a question asks when something is complete, and the sentence does not say that it is."""
    is_asked = answer_type(question) == "when" and _WHOLLY.search(question)
    return bool(_WHOLLY.search(sentence)) or not is_asked


def states_cause(sentence: str) -> bool:
    """Return whether a sentence has a word for a cause."""
    return bool(_CAUSE.search(sentence))


def says_nothing_new(question: str, answer: str) -> bool:
    """Return whether a name is asked for, and the answer has only words of the question and numbers."""
    if not _NAMES.search(question) or answer_type(question) in ("when", "number"):
        return False
    asked = {*words(question), *_EMPTY}
    return all(word in asked or bool(find_numbers(word)) for word in words(answer))
