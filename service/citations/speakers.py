"""Who says it: whether claim and source give a statement to the same name."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from service.citations.english import english
from service.citations.names import Name, find_names, is_starter, known_as, with_plain_phrases

FAR = 90
"""Characters between a name and the verb that it may still be the subject of."""

_WAS = re.compile(r"\b(?:is|are|was|were|be|been|being)\s+(?:\w+ly\s+)?$", re.IGNORECASE)
_APPOSITION = re.compile(r",\s+[^\W\dA-Z_][^,]*,\s*$")
_PREPOSITION = re.compile(r"\b(?:in|at|near|from|with|for|by|of|on|to|against|over)\s+(?:the\s+)?$", re.IGNORECASE)
_ACCORDING = re.compile(r"\baccording to\b", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")


class Attribution(NamedTuple):
    """A statement's speaker: the plain tokens of the name, or of the noun phrase that stands for it."""

    names: frozenset[str]
    verb: str


def find_speakers(text: str) -> list[Attribution]:
    """Who is said to say something: the name before a reporting verb, or behind it, or behind `according to`."""
    text = with_plain_phrases(text)
    names = find_names(text, is_starter)
    found = [
        _behind_by(text, match, names) if _WAS.search(text[: match.start()]) else _around(text, match, names)
        for match in _WORD.finditer(text)
        if match.group().lower() in english().reporting
    ]
    found += [_behind(match.end(), names, "according") for match in _ACCORDING.finditer(text)]
    return [attribution for attribution in found if attribution is not None]


def other_speaker(claim: str, source: str) -> str | None:
    """The speaker whom a claim names and the source does not, where the source names another; or None."""
    stated = find_speakers(source)
    if not stated:
        return None
    for attribution in find_speakers(claim):
        if not any(attribution.names & other.names for other in stated):
            return " ".join(sorted(attribution.names))
    return None


def _around(text: str, verb: re.Match[str], names: Sequence[Name]) -> Attribution | None:
    before = [name for name in names if name.start < verb.start() and verb.start() - name.start <= FAR]
    before = [name for name in before if not re.search(r"[.;!?“”\"]", text[name.start : verb.start()])]
    if before:
        return Attribution(known_as(_subject(text[: verb.start()], before)), verb.group())
    return _behind(verb.end(), names, verb.group(), near=12)


def _behind_by(text: str, verb: re.Match[str], names: Sequence[Name]) -> Attribution | None:
    """Who says what is passive: `was accused of fraud by Holt`; None where nobody is named."""
    agent = re.compile(r"[^.;:!?]*?\bby\b").match(text, verb.end())
    return _behind(agent.end(), names, verb.group(), near=12) if agent else None


def _subject(lead: str, before: Sequence[Name]) -> list[Name]:
    """The name that is a verb's subject: the nearest in its clause, no place or apposition; else the first."""
    apposition = _APPOSITION.search(lead)
    clause = max((match.end() for match in re.finditer(r"\b(?:and|but|while|that)\b", lead)), default=0)
    listed = [name for name in before if name.start >= clause] or list(before)
    runs = list(dict.fromkeys(name.run for name in listed))
    for run in reversed(runs):
        start = min(name.start for name in listed if name.run == run)
        within = apposition is not None and start >= apposition.start()
        if not within and not _PREPOSITION.search(lead[:start]):
            return [name for name in listed if name.run == run]
    return [name for name in listed if name.run == runs[0]]


def _behind(end: int, names: Sequence[Name], verb: str, near: int = 40) -> Attribution | None:
    following = [name for name in names if end <= name.start <= end + near]
    if not following:
        return None
    return Attribution(known_as(name for name in names if name.run == following[0].run), verb)
