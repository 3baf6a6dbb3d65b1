"""Whose words they are: whether a source's sentence that says something has the speaker whom a claim gives it."""

import re
from collections.abc import Iterator
from typing import NamedTuple

from index.text import sentence_spans
from service.citations.english import english, stem
from service.citations.names import plain, with_plain_phrases

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_ACCORDING = re.compile(r"\baccording to ([^,.;]+)[,.;]?", re.IGNORECASE)
_PRONOUN_SPEAKER = re.compile(r"\b(?:he|she|they|it|who|which)\b\W*$", re.IGNORECASE)


class _Statement(NamedTuple):
    """The stems of a speaker and of what is said."""

    speaker: frozenset[str]
    said: frozenset[str]


def lent_words(claim: str, source: str) -> str | None:
    """The speaker to whom a claim gives words that a source has another sentence say; or None.

    The speaker must stand in the source, in a sentence of its own: one who is described in other words is no other.
    """
    sentences = [source[s.start : s.end] for s in sentence_spans(with_plain_phrases(source))]
    stems = [_stems(sentence) for sentence in sentences]
    plain_claim = with_plain_phrases(claim)
    for statement in (each for s in sentence_spans(plain_claim) for each in _statements(plain_claim[s.start : s.end])):
        if not statement.said or not statement.speaker:
            continue
        telling = max(range(len(sentences)), key=lambda at: len(statement.said & stems[at]), default=None)
        if telling is None or not statement.said & stems[telling] or statement.speaker & stems[telling]:
            continue
        spoken_elsewhere = any(statement.speaker & held for at, held in enumerate(stems) if at != telling)
        if spoken_elsewhere and _has_speaker(sentences[telling]):
            return " ".join(sorted(statement.speaker))
    return None


def _statements(text: str) -> Iterator[_Statement]:
    """Who says what: around the first reporting verb, and behind `according to`."""
    according = _ACCORDING.search(text)
    if according:
        yield _Statement(_stems(according[1]), _stems(text[: according.start()] + text[according.end() :]))
    verb = next((m for m in _WORD.finditer(text) if m.group().lower() in english().reporting), None)
    if verb and not according:
        yield _Statement(_stems(text[: verb.start()].rpartition(", but ")[2]), _stems(text[verb.end() :]))


def _has_speaker(sentence: str) -> bool:
    """Whether a sentence has a reporting verb whose subject is no pronoun."""
    verbs = (match for match in _WORD.finditer(sentence) if match.group().lower() in english().reporting)
    return any(not _PRONOUN_SPEAKER.search(sentence[: verb.start()]) for verb in verbs)


def _stems(text: str) -> frozenset[str]:
    words = (match.group() for match in _WORD.finditer(text))
    telling = (word for word in words if word.lower() not in english().terms.stop_words)
    return frozenset(stem(plain(word), english().terms) for word in telling if word.lower() not in english().reporting)
