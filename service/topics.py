"""Parts that the earlier turns of a conversation give to the next one: a question with a part to replace, and topics.

A fragment ("And in Kelm?", "What about 2025?", "Why?") takes the place of the part of its kind: a date that of the
date, "in Kelm" that of the phrase with the same preposition, a name that of a name, a question word that of the
question word. Without such a place it is not rewritten.

Topics are the persons, things and places that the turns speak of, the latest first. A pronoun of the next turn means
one of them. Nothing is known of the world: a person is a name of two words that is not that of an organisation or a
place, a thing is a noun phrase of the number that the pronoun has.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import dropwhile, pairwise, takewhile
from pathlib import Path

from pydantic import TypeAdapter

from service.mentions import POSSESSIVE, Mentions, Phrase, Unit, mentions
from service.questions import Phrases, Words, unexplained

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
    if not POSSESSIVE.search(asked.text[start:end]):
        filler = POSSESSIVE.sub("", filler)  # "What about Kelm's?" of "the school in Dunfell"
    linked = re.search(r"(\w+) $", asked.text[:start])
    if link and linked and linked[1].lower() != link and linked[1].lower() in read.grammar.place_linking:
        start, filler = linked.start(), f"{link} {filler}"
    return _joined(asked.text, start, end, filler)


def _slot(asked: Mentions, link: str, filler: Mentions) -> tuple[int, int] | None:
    """Return the place in a question that a fragment takes: of its preposition or kind, or the last name."""
    named, phrases = filler.names, asked.phrases
    if link:
        same = [phrase for phrase in phrases if phrase.link == link]
        fits = [phrase for phrase in same if bool(phrase.name) == bool(named)] or same
        return (fits[-1].start, fits[-1].end) if fits else None
    if not named:
        # "What ended the strike?" and "And the wages?": only what is counted is of the same kind.
        found = [phrase for phrase in phrases if phrase.role == "asked" and _is_like(phrase, filler)]
        return (found[0].start, found[0].start + len(found[0].short)) if found else None
    names = [unit for unit in asked.units if unit.kind == "name"]
    return (names[-1].start, names[-1].end) if names else None


def _is_like(phrase: Phrase, filler: Mentions) -> bool:
    """Return whether a fragment can replace a phrase: only people replace people, because only they die or vote."""
    counted, word = phrase.core.lower().split()[-1], filler.text.lower().split()[-1]
    return phrase.core[:1].isalpha() and (_is_human(word, filler) or counted not in filler.grammar.humans)


def _is_human(word: str, read: Mentions) -> bool:
    return word in read.grammar.humans or word.endswith(("ers", "ors", "ists"))


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


PHRASE_LENGTH = 60
"""Characters of a phrase that replaces a pronoun; a longer one is used without what is attached to it."""

FOUND_BY = 6
"""Words of an answer among which the thing or the person is that was asked for."""

MOST_COUNTED = 8
"""Words of a counted noun with its state."""

_BRACKETS = re.compile(r"\(([^()]+)\)\?$")
"""The topics that were added to a turn before."""

QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{3,60})[\"”“»]")
"""A title in quotation marks."""


@dataclass(frozen=True, slots=True)
class Wording:
    """The words of a language by which a turn depends on the turns before it."""

    lead: Phrases
    """Words before a fragment: "and", "what about"."""
    switch: Phrases
    """Openings of a new subject: "Changing the subject: …"."""
    person: Words
    possessive: Words
    plural: Words
    says: Words
    """Verbs of persons: the "they" of "they say" does not mean the houses that the turns name."""
    thing: Words
    demonstrative: Phrases
    """A "that" which means a thing, and not what happened."""
    whole: Phrases
    """What follows an "it" that means all of what happened: "Who pays for it all?"."""
    indefinite: Words
    things: Words
    """Question words whose answer is a thing."""
    anyone: Words
    """Words for persons who are not those named so far."""
    place: Words
    beside: Words
    """Prepositions of a name that only says which one is meant: "the man before Vane"."""
    existential: Phrases
    """Turns whose "there" does not mean a place: "How many were there?"."""
    year_before: Phrases
    year_after: Phrases
    """Ends of turns that name a year by that of the turn before: "the year before"."""
    year_link: str
    place_link: str
    thing_link: str
    """The preposition of a thing at which something is: "at the Kelm Mill"."""
    article: str
    """The article of a noun that a number was asked of: "how many homes", "the homes"."""
    reasons: Phrases
    """Fragments that ask for a reason, and the word for them."""
    why: str
    more: Phrases
    """Requests for more of the same."""
    about: str


@dataclass(frozen=True, slots=True)
class Turn:
    """A user's question in its standalone form, and the beginning of its answer."""

    asked: Mentions
    answer: Mentions


@cache
def wordings() -> dict[str, Wording]:
    """Return the words by which turns depend on each other, by the name of the language."""
    return TypeAdapter(dict[str, Wording]).validate_json(Path(__file__).with_suffix(".json").read_bytes())


@dataclass(frozen=True, slots=True)
class Topics:
    """Topics of the turns; iterating yields those of the latest turn: a phrase, and its names."""

    turns: Sequence[Turn]
    wording: Wording

    def person(self) -> str | None:
        """Return the person that the turns speak of last, by name or by role: "the mayor of Kelm"."""
        for turn in reversed(self.turns):
            # "Kim" may be a person where no longer name is.
            asked = _BRACKETS.sub("", turn.asked.text)
            phrases = [each for each in turn.asked.phrases if each.start < len(asked)]
            singles = [each.name for each in phrases if each.name and not (each.link or each.article)]
            answered = turn.answer.people if turn is self.turns[-1] else []
            # "What happened to the man before Vane?" is not about Vane.
            beside = [each.name for each in phrases if each.link in self.wording.beside]
            people = [each for each in turn.asked.people if each not in beside]
            named = [*self._answering(turn), *people, *answered, *singles, *beside]
            if named or (role := self._role(turn)):
                return named[0] if named else role
        return None

    def _role(self, turn: Turn) -> str | None:
        answered = turn.answer.phrases if turn.asked.asks_for_person else ()
        for phrase in (*answered, *turn.asked.phrases):
            if phrase.core.lower().split()[-1] in turn.asked.grammar.roles:
                return definite(phrase, "the")
        return None

    def thing(self, word: str, *, owned: bool) -> str | None:
        """Return the thing that the turns ask about: of several the subject, of the number that the pronoun has."""
        for phrase in self.alike(word)[:1]:
            text = definite(phrase, self.wording.article)
            is_long = owned or len(text) > PHRASE_LENGTH
            return definite(phrase, self.wording.article, short=True) if is_long else text
        return None

    def role(self) -> str | None:
        """Return what the latest question for a person asks about: "Who is the chair of the board?", "Who was it?"."""
        asked = next((turn.asked for turn in reversed(self.turns) if turn.asked.asks_for_person), None)
        if asked is None or len(asked.units) < FEW or asked.units[1].lower not in asked.grammar.auxiliaries:
            return None
        first = next((phrase for phrase in asked.phrases if phrase.start == asked.units[2].start), None)
        return definite(first, self.wording.article) if first and not first.name else None

    def alike(self, word: str) -> list[Phrase]:
        """Return the things of the latest turn that has any, if they have the number of a pronoun."""
        plural = word in self.wording.plural
        for turn in reversed(self.turns):
            found = [*self._found(turn), *_things(turn.asked)]
            if found:
                return [each for each in found if each.is_plural == plural and (plural or each.role != "asked")]
        return []

    def counted(self) -> list[str]:
        """Return what the latest turn counts with its state, if that is the people whom "they" means."""
        phrase = next(iter(self.alike("they")), None)
        is_of_people = phrase is not None and phrase.role == "asked" and self.is_human(phrase)
        return _counted(self.turns[-1].asked) if is_of_people else []

    def is_human(self, phrase: Phrase) -> bool:
        """Return whether a phrase of the latest turn is of people."""
        return _is_human(phrase.core.lower().split()[-1], self.turns[-1].asked)

    def _answering(self, turn: Turn) -> list[str]:
        """Return the persons at the beginning of the answer to "who …"."""
        if not turn.asked.asks_for_person or not turn.answer.units:
            return []
        opening = turn.answer.text[: turn.answer.units[:FOUND_BY][-1].end]
        return [name for name in turn.answer.people if name in opening and name not in turn.asked.text]

    def _found(self, turn: Turn) -> list[Phrase]:
        """Return the thing that answers "what …": "It tested a bed of reeds"."""
        opening = [unit.lower for unit in turn.asked.units[:2]]
        if len(opening) == 2 and opening[0] in self.wording.things and opening[1] in turn.asked.grammar.supports:
            starts = [unit.start for unit in turn.answer.units[:FOUND_BY]]
            known = {unit.lower for unit in turn.asked.units}  # "What does a night cost?", "A night costs …"
            found = [phrase for phrase in turn.answer.phrases if phrase.article in self.wording.indefinite]
            found = [phrase for phrase in found if known.isdisjoint(phrase.core.lower().split())]
            return [phrase for phrase in found[:1] if phrase.start in starts]
        return []

    def place(self) -> str | None:
        """Return where the turns are: in a place that they name, or else at a thing with a name of its own."""
        for turn in reversed(self.turns):
            for read in (turn.answer, turn.asked):
                linking = read.grammar.place_linking | {"to"}
                for phrase in read.phrases:
                    if phrase.link in linking and phrase.name and phrase.name not in read.people:
                        link = phrase.link if phrase.link in {"in", "at", "on", "near"} else self.wording.place_link
                        return f"{link} {phrase.short}"
            # A name of one word may be that of a person.
            named = (phrase for phrase in turn.asked.phrases if " " in phrase.name or (phrase.name and phrase.article))
            if found := next((phrase for phrase in named if phrase.name not in turn.asked.people), None):
                return f"{self.wording.thing_link} {found.short}"
        return None

    def __iter__(self) -> Iterator[str]:
        """Yield what the conversation is about: the phrase that the last question is about, and its names."""
        for turn in reversed(self.turns):
            asked = turn.asked
            people = self._answering(turn)[:1]
            quoted = [title.strip() for title in QUOTED.findall(asked.text)]
            inherited = [topic for shown in _BRACKETS.findall(asked.text) for topic in shown.split(", ")]
            things = [definite(phrase, self.wording.article) for phrase in _things(asked)]
            main = _counted(asked) or things[: 1 if asked.names else 2]
            found = [definite(phrase, self.wording.article) for phrase in self._found(turn)]
            every = (*people, *found, *quoted, *inherited, *main, *asked.names)
            topics = [topic[: 2 * PHRASE_LENGTH] for topic in every if topic]
            if topics:
                yield from topics
                return


def _things(read: Mentions) -> list[Phrase]:
    """Return the phrases that a question may be about, the likeliest first."""
    order = {"subject": 0, "object": 1, "linked": 2, "asked": 3}
    people, dates = set(read.people), list(DATE.finditer(read.text))
    found = [
        phrase
        for phrase in read.phrases
        if phrase.name not in people
        and phrase.core[:1].isalpha()
        and len(phrase.short) <= PHRASE_LENGTH
        and not any(date.start() <= phrase.start and phrase.start + len(phrase.short) <= date.end() for date in dates)
        and phrase.core.lower().split()[-1] not in read.grammar.roles
        and not read.grammar.ordinals.issuperset(phrase.core.lower().split())  # "Who was first?"
        and not (phrase.link in read.grammar.place_linking and phrase.name)
    ]
    return sorted(found, key=lambda phrase: order[phrase.role])


def _counted(asked: Mentions) -> list[str]:
    """Return what a question counts with the state that it is in: "homes flooded in Kelm"; empty for another one."""
    counted = next((phrase for phrase in asked.phrases if phrase.role == "asked"), None)
    if counted is None or any(phrase.role == "subject" for phrase in asked.phrases):
        return []
    is_named = any(phrase.role == "object" and phrase.name for phrase in asked.phrases)
    if is_named and counted.core.lower() in asked.grammar.humans:
        return []  # "How many people watched the Kelm Cup?" is about the cup.
    units = takewhile(lambda unit: unit.kind != "stop", dropwhile(lambda unit: unit.start < counted.start, asked.units))
    words = [asked.text[unit.start : unit.end] for unit in units if unit.lower not in asked.grammar.auxiliaries]
    return [" ".join(words)] if len(words) <= MOST_COUNTED else []


def definite(phrase: Phrase, article: str, *, short: bool = False) -> str:
    """Return a phrase as something known: "a court" is "the court" when it is spoken of again."""
    text = phrase.core if short else phrase.text.removeprefix(phrase.article).strip()
    if phrase.article in {"the", "der", "die", "das"}:
        return f"{phrase.article} {text}"
    is_name = text[:1].isupper() and phrase.core[:1].isupper()
    # A question of keywords leaves the article out: "ferry strike".
    is_mass = not phrase.article and not phrase.is_plural and phrase.start > 0
    return text if is_name or not article or is_mass else f"{article} {text}"
