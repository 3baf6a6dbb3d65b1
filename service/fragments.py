"""Fragments: "And in Kelm?", "What about 2025?" or "Why?", read as the previous question with a part replaced.

A fragment takes the place of the part of its kind: a date that of the date, "in Kelm" that of the phrase with the same
preposition, a name that of a name, a question word that of the question word. Without such a place it is not rewritten.
"""

import re
from collections.abc import Sequence
from itertools import pairwise

from service.mentions import Mentions, Phrase, Unit, mentions
from service.questions import unexplained

MOST_WORDS = 8
"""Words of a fragment."""

FEW = 4
"""Words of a fragment that opens with a question word."""

TAIL = re.compile(r"[\s?？؟!.…]+$")
"""The end of a question, which is replaced by one question mark."""

_MONTHS = (
    r"january|february|march|april|(?-i:May)|june|july|august|september|october|november|december"
    r"|januar|februar|märz|(?-i:Mai)|juni|juli|oktober|dezember"
)
_DAYS = r"monday|tuesday|wednesday|thursday|friday|saturday|sunday|montag|dienstag|mittwoch|donnerstag|freitag|samstag"
DATE = re.compile(
    rf"\b(?:(?P<link>in|on|since|by|until|im|am|seit|bis) )?(?:(?:the )?"
    rf"(?:\d{{1,2}}(?:st|nd|rd|th|\.)? (?:of )?)?(?P<month>{_MONTHS})\b(?: \d{{1,2}}\b(?!\d)(?:st|nd|rd|th)?)?"
    rf"(?:,? (?P<year>[12]\d{{3}}))?"
    rf"|(?P<only>[12]\d{{3}})\b"
    rf"|(?:last|this|next|the previous|the following) (?:year|month|week|season|summer|winter|spring|autumn)"
    rf"|(?:a|one|two|three|\d+) (?:year|month|week|day)s? (?:ago|before|earlier|later)"
    rf"|(?:yester|to)day|tonight|tomorrow|heute|gestern|{_DAYS})\b",
    re.IGNORECASE,
)


def placed(body: str, asked: Mentions, people: Sequence[str]) -> str | None:
    """Return the previous question with the fragment `body` in its place; None if it is none, or has no place.

    `people` are the persons whom the answer names: with "Who was sent off?", "Why?" asks about the first of them.
    """
    date = DATE.fullmatch(body)
    if date and asked.units:
        return _with_date(asked.text, date)
    read = mentions(body, asked.text, opens=False)
    words = [unit.lower for unit in read.units]
    if (
        not words
        or not asked.units
        or len(words) > MOST_WORDS
        or unexplained(body)
        or not read.grammar.auxiliaries.isdisjoint(words)
    ):
        return None
    questions = asked.language.questions
    is_linked = not questions.isdisjoint(words[1:2]) and words[0] in asked.grammar.linking
    if words[0] in questions or is_linked:
        return _asked_otherwise(body, read, asked, people)
    return _with_phrase(body, read, asked)


def _asked_otherwise(body: str, read: Mentions, asked: Mentions, people: Sequence[str]) -> str | None:
    """Return the previous question with another question word: "When was the bridge closed?", "Why?"."""
    grammar = read.grammar
    pairs = pairwise([Unit(0, 0, "stop", ""), *read.units])
    known = asked.language.questions | grammar.linking | grammar.asked | grammar.measures
    is_plain = all(unit.lower in known or before.lower in grammar.describing for before, unit in pairs)  # "how deep"
    at = _finite_place(asked)
    if at is None or not is_plain or len(read.units) > FEW or read.units[-1].lower in grammar.asked:
        return None
    opening, verb, rest = asked.units[:at], asked.units[at], asked.text[asked.units[at].end :].strip()
    following = asked.units[at + 1] if at + 1 < len(asked.units) else None
    subject = next((phrase for phrase in asked.phrases if phrase.role == "subject"), None)
    counted = next((phrase for phrase in asked.phrases if phrase.role == "asked"), None)
    inserted, added = "", ""
    is_inverted = subject is not None and following is not None and subject.start <= following.end
    # "Who was sent off?", "Who is the mayor?": the person who answers comes before the rest.
    is_person = verb.lower in grammar.auxiliaries & grammar.describing or not is_inverted
    if asked.asks_for_person and is_person and verb.lower in grammar.auxiliaries:
        inserted = next(iter(people), "")
    elif counted and counted.end <= verb.start and opening:
        inserted, added = ("", counted.core) if is_inverted else (counted.core, "")
    if not is_inverted and not inserted and verb.lower in grammar.auxiliaries:
        return None
    words = [capital(body), verb.lower, inserted, TAIL.sub("", rest), f"({added})" if added else ""]
    return f"{' '.join(filter(None, words))}?"


def _with_phrase(body: str, read: Mentions, asked: Mentions) -> str | None:
    """Return the previous question with a phrase of the same kind replaced: "And in Kelm?", "And the crews?"."""
    words = read.units
    link = words[0].lower if words[0].lower in read.grammar.linking and len(words) > 1 else ""
    filler = body[words[1].start :] if link else body
    phrases = mentions(filler, asked.text, opens=False)
    is_other = any(unit.lower in read.grammar.ordinals for unit in words)  # "the other one"
    if is_other or not any(unit.kind in {"name", "word"} for unit in phrases.units):
        return None
    target = _slot(asked, link, phrases)
    if target is None:
        is_place = link in read.grammar.place_linking and phrases.names
        return f"{TAIL.sub('', asked.text)} {link} {filler}?" if is_place else None
    start, end = target
    linked = re.search(r"(\w+) $", asked.text[:start])
    if link and linked and linked[1].lower() != link and linked[1].lower() in read.grammar.place_linking:
        start, filler = linked.start(), f"{link} {filler}"
    return _joined(asked.text, start, end, filler)


def _slot(asked: Mentions, link: str, filler: Mentions) -> tuple[int, int] | None:
    """Return the place in a question that a fragment takes: with its preposition, of its kind, else the subject."""
    named, phrases = filler.names, asked.phrases
    if link:
        places = asked.grammar.place_linking
        same = [phrase for phrase in phrases if phrase.link == link]
        # "the mayor of Kelm" and "And in Orrin Bay?"
        alike = [phrase for phrase in phrases if link in places and phrase.name and phrase.link]
        same = same or [phrase for phrase in alike if phrase.link in places] or alike[-1:]
        fits = [phrase for phrase in same if bool(phrase.name) == bool(named)] or same
        return (fits[-1].start, fits[-1].end) if fits else None
    if not named:
        # "What ended the strike?" and "And the wages?": only what is counted or described is of the same kind.
        role = "asked" if filler.units[0].kind == "word" else "subject" if _describes(asked) else ""
        found = [phrase for phrase in phrases if phrase.role == role and _is_like(phrase, filler)]
        return (found[0].start, found[0].start + len(found[0].short)) if found else None
    names = [unit for unit in asked.units if unit.kind == "name"]
    people = set(asked.people) if filler.people else set()
    free = [phrase for phrase in phrases if phrase.name and not phrase.link]
    for unit in names:
        if asked.text[unit.start : unit.end] in people:
            return unit.start, unit.end
    if len(names) > 1 and free and (filler.people or len(free) == len(names)):
        return free[0].start, free[0].start + len(free[0].short)
    return (names[-1].start, names[-1].end) if names else None


def _describes(asked: Mentions) -> bool:
    """Return whether a question asks for a property of its subject: "How long is it?", "Is it open?"."""
    opening, auxiliaries = [unit.lower for unit in asked.units[:2]], asked.grammar.auxiliaries
    is_how = opening[0] in asked.grammar.describing
    return is_how and (opening[0] in auxiliaries or auxiliaries.isdisjoint(opening[1:]))


def _is_like(phrase: Phrase, filler: Mentions) -> bool:
    """Return whether a fragment can replace a phrase: only people replace people, because only they die or vote."""
    humans = filler.grammar.humans
    counted, word = phrase.core.lower().split()[-1], filler.text.lower().split()[-1]
    is_human = word in humans or word.endswith(("ers", "ors", "ists"))
    return phrase.core[:1].isalpha() and (is_human or counted not in humans)


def _finite_place(asked: Mentions) -> int | None:
    """Return the place of the verb that stands second in a question."""
    grammar, language = asked.grammar, asked.language
    for place, unit in enumerate(asked.units):
        if unit.lower in grammar.auxiliaries:
            return place
        is_verb = grammar.verbs or unit.kind != "word" or asked.text[unit.start].isupper()
        if not is_verb and place and asked.units[0].lower in language.questions:
            return place
    return None


def _with_date(asked: str, given: re.Match[str]) -> str:
    """Return a question with another date: in the place of its own, or at its end."""
    own = list(DATE.finditer(asked))
    link, bare = given["link"], given.group()[len(given["link"]) + 1 if given["link"] else 0 :]
    if not own:
        needs_link = link is None and (given["month"] or given["only"])
        return f"{TAIL.sub('', asked)} {'in ' if needs_link else ''}{given.group()}?"
    last = own[-1]
    for part in ("month", "year"):
        value = given["month"] if part == "month" else given["only"]
        if value and last[part]:
            return _joined(asked, *last.span(part), value)
    if given["only"] and last["month"]:
        return _joined(asked, last.end(), last.end(), f" {bare}")
    kept = (
        asked[last.start() : last.end("link") + 1]
        if last["link"] and not link and (given["month"] or given["only"])
        else ""
    )
    return _joined(asked, *last.span(), kept + given.group())


def _joined(text: str, start: int, end: int, part: str) -> str:
    return f"{TAIL.sub('', capital(text[:start] + part + text[end:]))}?"


def capital(text: str) -> str:
    """Return a text with a capital letter at its beginning."""
    return text[:1].upper() + text[1:]
