"""Tense: whether the clause of a date is about the past or about what is to come, in English and German.

A date belongs to the nearest verb before it in its clause, else to the first one after it. German verbs stand on
either side of a date, so all verbs of the clause must agree. The rules know plain cases; in any other the direction
is unclear: "was due to open on Monday", "would open", "announced a strike on Monday", "opens on Mondays".
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path
from typing import Annotated, Literal, NamedTuple

from pydantic import BeforeValidator, TypeAdapter

from index.records import Span

Words = Annotated[frozenset[str], BeforeValidator(str.split)]
"""Words, in the file one string with spaces between them."""
Pattern = Annotated[re.Pattern[str], BeforeValidator(lambda text: re.compile(text, re.IGNORECASE))]
Direction = Literal["past", "coming"]

NEAR = 8
"""Words between a verb and a date that belongs to it."""

_TOKEN = re.compile(r"['’](?:s|ll|re|ve|d)\b|\w+n['’]t\b|[^\W_]+(?:-[^\W_]+)*")


@dataclass(frozen=True, slots=True)
class Tense:
    """The verbs of a language that show a direction, and the words that make it unclear."""

    verb_first: bool
    """Whether the verb of a clause may be on either side of a date."""
    boundary: Pattern
    open_boundary: Words
    """Boundaries of clauses across which a verb may belong to a date."""
    past: Words
    endings: str
    """The ending of regular verbs in the past; empty if it does not show them."""
    future: Words
    unclear: Words
    perfect: Words
    """Verbs that are in the past with a participle of `participles`, and else unclear."""
    participles: Pattern
    future_phrase: Pattern
    unclear_phrase: Pattern
    participle_after: Words
    """Words after which a participle is not a verb in the past of its own."""
    determiners: Words
    """Words after which a participle is an adjective."""
    not_past: Words
    plans: Words
    """Verbs in the past whose object may be to come: "announced a strike on Monday"."""
    events: Words
    """Verbs in the future whose object may be past: "will discuss the fire on Thursday"."""
    gerund: Pattern
    infinitive: Pattern


class Verb(NamedTuple):
    """A verb in a sentence, with its direction; None if it leaves the direction unclear."""

    direction: Direction | None
    start: int
    end: int


@cache
def tenses() -> dict[str, Tense]:
    """Return the verbs of each language, read from the file at the first call."""
    return TypeAdapter(dict[str, Tense]).validate_json(Path(__file__).with_suffix(".json").read_bytes())


def direction(sentence: str, place: Span, tense: Tense) -> Direction | None:
    """Return the direction of the clause in which a date has this place; None if it is unclear."""
    verbs = list(_verbs(sentence, tense))
    clauses = _clauses(sentence, tense)
    own = next(at for at, (_, end) in enumerate(clauses) if place.start < end or at == len(clauses) - 1)
    if tense.verb_first:
        found = {verb.direction for verb in verbs if _is_in(verb, clauses[own])}
        return found.pop() if len(found) == 1 else None
    if before := [verb for verb in verbs if _is_in(verb, clauses[own]) and verb.end <= place.start]:
        return _belongs(sentence, before[-1], place, tense)
    if after := [verb for verb in verbs if _is_in(verb, clauses[own]) and verb.start >= place.end]:
        return after[0].direction if _words(sentence[place.end : after[0].start]) <= NEAR else None
    return _of_neighbours(sentence, place, tense, verbs, clauses, own)


def directions(sentence: str, tense: Tense) -> set[Direction | None]:
    """Return the directions of all verbs of a sentence, None for an unclear one."""
    return {verb.direction for verb in _verbs(sentence, tense)}


def _of_neighbours(
    sentence: str, place: Span, tense: Tense, verbs: list[Verb], clauses: list[Span], own: int
) -> Direction | None:
    """Return the direction of a date whose clause has no verb, by that of the clauses beside it."""
    is_open = [_boundary(sentence, clauses, at) in tense.open_boundary for at in range(len(clauses))]
    if own == 0 and not _words(sentence[: place.start]):
        # "On Thursday, the council voted."
        following = takewhile(lambda at: is_open[at], range(1, len(clauses)))
        found = [verb for at in following for verb in verbs if _is_in(verb, clauses[at])]
        return found[0].direction if found and _words(sentence[place.end : found[0].start]) <= NEAR else None
    for at in range(own, 0, -1):
        if not is_open[at]:
            return None
        if found := [verb for verb in verbs if _is_in(verb, clauses[at - 1])]:
            return _belongs(sentence, found[-1], place, tense)
    return None


def _belongs(sentence: str, verb: Verb, place: Span, tense: Tense) -> Direction | None:
    """Return the direction of a verb if a date behind it belongs to it, and not to a word between the two."""
    between = sentence[verb.end : place.start]
    words = [token.group().casefold() for token in _TOKEN.finditer(between)]
    if len(words) > NEAR:
        return None
    if verb.direction == "past":
        written = sentence[verb.start : verb.end].casefold()
        is_plan = written in tense.plans and bool(words)
        return None if is_plan or tense.gerund.search(between) or tense.infinitive.search(between) else "past"
    return None if verb.direction is None or not tense.events.isdisjoint(words) else "coming"


def _clauses(sentence: str, tense: Tense) -> list[Span]:
    """Return the clauses of a sentence; each begins with the boundary before it."""
    starts = [0, *(found.start() for found in tense.boundary.finditer(sentence) if found.start())]
    return [Span(*pair) for pair in zip(starts, [*starts[1:], len(sentence)], strict=True)]


def _boundary(sentence: str, clauses: list[Span], at: int) -> str:
    """Return the word or sign at which a clause begins."""
    found = re.match(r"\w+|\S", sentence[clauses[at].start :])
    return found.group().casefold() if found else ""


def _is_in(verb: Verb, clause: Span) -> bool:
    return clause.start <= verb.start < clause.end


def _words(text: str) -> int:
    return sum(1 for _ in _TOKEN.finditer(text))


def _verbs(sentence: str, tense: Tense) -> Iterator[Verb]:
    """Yield the verbs of a sentence in their order; a phrase such as "is due" is one verb."""
    phrases = [Verb("coming", *found.span()) for found in tense.future_phrase.finditer(sentence)]
    taken = {at for phrase in phrases for at in range(phrase.start, phrase.end)}
    unclear = [Verb(None, *found.span()) for found in tense.unclear_phrase.finditer(sentence)]
    phrases += [phrase for phrase in unclear if phrase.start not in taken]
    taken |= {at for phrase in phrases for at in range(phrase.start, phrase.end)}
    found, before = list(phrases), [""]
    for token in _TOKEN.finditer(sentence):
        word = token.group().casefold()
        if token.start() not in taken and (verb := _verb(token, before, sentence, tense)):
            found.append(verb)
        if not word.endswith("ly") and word not in ("not", "also"):
            before.append(word)
    yield from sorted(found, key=lambda verb: verb.start)


def _verb(token: re.Match[str], before: list[str], sentence: str, tense: Tense) -> Verb | None:
    """Return a word as a verb, or None if it is none or has no direction of its own."""
    word = token.group().casefold()
    if word in tense.future:
        return Verb("coming", *token.span())
    if word in tense.perfect:
        is_past = tense.participles.search(sentence, token.end()) is not None
        return Verb("past" if is_past else None, *token.span())
    if word in tense.unclear:
        return Verb(None, *token.span())
    is_regular = bool(tense.endings) and word.endswith(tense.endings) and len(word) > len(tense.endings) + 1
    if word in tense.past or (is_regular and token.group().islower() and word not in tense.not_past):
        is_own = before[-1] not in tense.participle_after | tense.determiners or word in ("was", "were")
        return Verb("past", *token.span()) if is_own else None
    return None
