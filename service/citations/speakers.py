"""Compare who says what in a claim and in its source."""

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from index.text import sentence_spans
from service.citations.english import english, stem
from service.citations.names import Name, find_names, is_starter, known_as, plain, with_plain_phrases

FAR = 90
"""Characters between a subject and its verb, at most."""

_WAS = re.compile(r"\b(?:is|are|was|were|be|been|being)\s+(?:\w+ly\s+)?$", re.IGNORECASE)
_APPOSITION = re.compile(r",\s+[^\W\dA-Z_][^,]*,\s*$")
_PREPOSITION = re.compile(r"\b(?:in|at|near|from|with|for|by|of|on|to|against|over)\s+(?:the\s+)?$", re.IGNORECASE)
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")

_ACCORDING = re.compile(r"\baccording to\b", re.IGNORECASE)
_ACCORDING_TO = re.compile(r"\baccording to ([^,.;]+)[,.;]?", re.IGNORECASE)
_PRONOUN_SPEAKER = re.compile(r"\b(?:he|she|they|it|who|which)\b\W*$", re.IGNORECASE)


class Attribution(NamedTuple):
    """A statement's speaker: the plain tokens of the name, or of a noun phrase instead of it."""

    names: frozenset[str]
    verb: str


def find_speakers(text: str) -> list[Attribution]:
    """Return the speakers of a text: the name before or behind a reporting verb, or behind `according to`."""
    text = with_plain_phrases(text)
    names = find_names(text, is_starter)
    found = [
        _behind_by(text, match, names) if _WAS.search(text[: match.start()]) else _around(text, match, names)
        for match in _WORD.finditer(text)
        if match.group().lower() in english().reporting
    ]
    found += [_behind(match.end(), names, "according") for match in _ACCORDING.finditer(text)]
    return [attribution for attribution in found if attribution is not None]


def wrong_speaker(claim: str, source: str) -> str | None:
    """Return a speaker of the claim that the source lacks although it names another; or None."""
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
    """Return the agent of a passive, `was accused of fraud by Holt`; None without a name."""
    agent = re.compile(r"[^.;:!?]*?\bby\b").match(text, verb.end())
    return _behind(agent.end(), names, verb.group(), near=12) if agent else None


def _subject(lead: str, before: Sequence[Name]) -> list[Name]:
    """Return a verb's subject: the nearest name in its clause but places and appositions; else the first."""
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


class _Statement(NamedTuple):
    """The stems of a speaker and of what is said."""

    speaker: frozenset[str]
    said: frozenset[str]


def misattributed(claim: str, source: str) -> str | None:
    """Return the speaker to whom a claim wrongly attributes a statement of its source, or None.

    The source must name the speaker in another sentence: a speaker described in other words is not another one.
    """
    sentences = [source[s.start : s.end] for s in sentence_spans(with_plain_phrases(source))]
    stems = [_stems(sentence) for sentence in sentences]
    plain_claim = with_plain_phrases(claim)
    for statement in (each for s in sentence_spans(plain_claim) for each in _statements(plain_claim[s.start : s.end])):
        if not statement.said or not statement.speaker:
            continue
        closest = max(range(len(sentences)), key=lambda at: len(statement.said & stems[at]), default=None)
        if closest is None or not statement.said & stems[closest] or statement.speaker & stems[closest]:
            continue
        spoken_elsewhere = any(statement.speaker & words for at, words in enumerate(stems) if at != closest)
        if spoken_elsewhere and _has_speaker(sentences[closest]):
            return " ".join(sorted(statement.speaker))
    return None


def _statements(text: str) -> Iterator[_Statement]:
    """Yield speaker and statement around the first reporting verb, and behind `according to`."""
    according = _ACCORDING_TO.search(text)
    if according:
        yield _Statement(_stems(according[1]), _stems(text[: according.start()] + text[according.end() :]))
    verb = next((m for m in _WORD.finditer(text) if m.group().lower() in english().reporting), None)
    if verb and not according:
        yield _Statement(_stems(text[: verb.start()].rpartition(", but ")[2]), _stems(text[verb.end() :]))


def _has_speaker(sentence: str) -> bool:
    """Return whether a sentence has a reporting verb whose subject is not a pronoun."""
    verbs = (match for match in _WORD.finditer(sentence) if match.group().lower() in english().reporting)
    return any(not _PRONOUN_SPEAKER.search(sentence[: verb.start()]) for verb in verbs)


def _stems(text: str) -> frozenset[str]:
    words = (match.group() for match in _WORD.finditer(text))
    content = (word for word in words if word.lower() not in english().terms.stop_words)
    return frozenset(stem(plain(word), english().terms) for word in content if word.lower() not in english().reporting)
