"""The states that a sentence gives to something, such as closed or missing, and what it denies."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from index.records import Span
from service.conflicts.lexicon import Words
from service.conflicts.statement import NEAR, Sentence, Token, found_in, window
from service.conflicts.values import Detail

_STOPS = frozenset(",.;:!?")

BESIDE = 3
"""Words and signs between a denied word and its object or subject, at most."""


class Denial(NamedTuple):
    """What a sentence denies: the form of the word, its object or else its subject, its clause, and the place."""

    form: str
    beside: frozenset[str]
    clause: frozenset[str]
    span: Span


def states(statement: Sentence) -> Iterator[Detail]:
    """Yield the states that a sentence gives to something: `search:found`, `access:open`."""
    found, words = statement.tokens, statement.lexicon.words
    listed_states = _final(list(found_in(found, statement.lexicon.states)), words)
    for at, name in listed_states:
        before = {token.lower for token in found[max(0, at - 3) : at]}
        if not before.isdisjoint(words.negations) or any(word.endswith("n't") for word in before):
            continue  # a denial
        near = window(found, max(at - NEAR, 0), at + 1) | window(found, at, at + 1) | statement.previous
        owners = frozenset([name.partition(":")[0]])
        yield Detail("status", name, Span(found[at].start, found[at].end), near, near, owners=owners)


def _final(states: Sequence[tuple[int, str]], words: Words) -> list[tuple[int, str]]:
    """Return the states without those that become another one of the sentence: `the missing boy was found`."""
    kept = []
    for at, name in states:
        group, _, state = name.partition(":")
        others = {other.partition(":")[2] for _, other in states if other.startswith(f"{group}:")} - {state}
        if not any(f"{group}:{state}>{other}" in words.order for other in others):
            kept.append((at, name))
    return kept


def denials(statement: Sentence) -> Iterator[Denial]:
    """Yield what a sentence denies."""
    found = statement.tokens
    for at, token in enumerate(found):
        if token.lower not in statement.lexicon.words.negations:
            continue
        target = _next(found, at, 1)
        if target is None:
            continue
        behind, before = _next(found, target, 1), _next(found, at, -1)
        beside = behind if behind is not None else before
        forms = frozenset([found[beside].form]) if beside is not None else frozenset[str]()
        yield Denial(found[target].form, forms, _clause(found, at), Span(token.start, found[target].end))


def _clause(found: Sequence[Token], at: int) -> frozenset[str]:
    """Return the forms of the part of a sentence that a word is in."""
    first = next((place + 1 for place in range(at, -1, -1) if found[place].text in _STOPS), 0)
    last = next((place for place in range(at, len(found)) if found[place].text in _STOPS), len(found))
    return frozenset(token.form for token in found[first:last] if token.form)


def neighbours(statement: Sentence, form: str) -> tuple[frozenset[str], Span] | None:
    """Return the words on both sides of a word of a sentence, and its place; None if it does not have the word."""
    found = statement.tokens
    at = next((number for number, token in enumerate(found) if token.form == form), None)
    if at is None:
        return None
    beside = [_next(found, at, step) for step in (1, -1)]
    return frozenset(found[each].form for each in beside if each is not None), Span(found[at].start, found[at].end)


def _next(found: Sequence[Token], at: int, step: int) -> int | None:
    """Return the place of the next word with a content on one side of a word, in its part of the sentence."""
    for place in range(at + step, at + step * (BESIDE + 1), step):
        if not 0 <= place < len(found) or found[place].text in _STOPS:
            return None
        if found[place].form:
            return place
    return None
