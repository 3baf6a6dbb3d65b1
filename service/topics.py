"""The topics of a conversation: the persons, things and places that its turns speak of, the latest first.

A pronoun of the next turn means one of them. Nothing is known of the world: a person is a name of two words that is not
that of an organisation or a place, a thing is a noun phrase of the number or the gender that the pronoun has.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import dropwhile, takewhile
from pathlib import Path

from pydantic import TypeAdapter

from service.fragments import DATE
from service.mentions import Mentions, Phrase
from service.questions import Phrases, Words

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
    person: Words
    possessive: Words
    plural: Words
    thing: Words
    demonstrative: Phrases
    """A "that" which means a thing, and not what happened."""
    indefinite: Words
    things: Words
    """Question words whose answer is a thing."""
    place: Words
    place_link: str
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
    """What the turns speak of; iterating yields what the latest of them is about: a phrase, and its names."""

    turns: Sequence[Turn]
    wording: Wording

    def person(self) -> str | None:
        """Return the person that the turns speak of last, by name or by role: "the mayor of Kelm"."""
        for turn in reversed(self.turns):
            # "Kim" may be a person where no longer name is.
            singles = [each.name for each in turn.asked.phrases if each.name and not (each.link or each.article)]
            answered = turn.answer.people if turn is self.turns[-1] else []
            named = [*self._answering(turn), *turn.asked.people, *answered, *singles]
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

    def alike(self, word: str) -> list[Phrase]:
        """Return the things of the latest turn that has any, if they have the number or gender of a pronoun."""
        plural = word in self.wording.plural
        for turn in reversed(self.turns):
            found = [phrase for phrase in (*self._found(turn), *_things(turn.asked)) if self._agrees(word, phrase)]
            if found:
                found = [_kind(phrase, self.wording.indefinite) if plural else phrase for phrase in found]
                return [each for each in found if each.is_plural == plural and (plural or each.role != "asked")]
        return []

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
            found = [phrase for phrase in turn.answer.phrases if phrase.article in self.wording.indefinite]
            return [phrase for phrase in found[:1] if phrase.start in starts]
        return []

    def _agrees(self, word: str, phrase: Phrase) -> bool:
        """Return whether a German pronoun has the gender of the phrase's article."""
        genders = {"er": "der", "sie": "die", "es": "das"}
        return word not in genders or phrase.article == genders[word]

    def place(self) -> str | None:
        for turn in reversed(self.turns):
            for read in (turn.answer, turn.asked):
                linking = read.grammar.place_linking | {"to"}
                for phrase in read.phrases:
                    if phrase.link in linking and phrase.name and phrase.name not in read.people:
                        link = phrase.link if phrase.link in {"in", "at", "on", "near"} else self.wording.place_link
                        return f"{link} {phrase.short}"
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
        and not (phrase.link in read.grammar.place_linking and phrase.name)
    ]
    return sorted(found, key=lambda phrase: order[phrase.role])


def _counted(asked: Mentions) -> list[str]:
    """Return what a question counts with the state that it is in: "homes flooded in Kelm"; empty for another one."""
    counted = next((phrase for phrase in asked.phrases if phrase.role == "asked"), None)
    if counted is None or any(phrase.role == "subject" for phrase in asked.phrases):
        return []
    units = takewhile(lambda unit: unit.kind != "stop", dropwhile(lambda unit: unit.start < counted.start, asked.units))
    words = [asked.text[unit.start : unit.end] for unit in units if unit.lower not in asked.grammar.auxiliaries]
    return [" ".join(words)] if len(words) <= MOST_COUNTED else []


def _kind(phrase: Phrase, indefinite: Words) -> Phrase:
    """Return the plural of something that was not a certain one: "a school meal", "school meals"."""
    if phrase.article not in indefinite or phrase.is_plural or phrase.text != phrase.short:
        return phrase
    plural = f"{phrase.core}s"
    return replace(phrase, text=plural, core=plural, article="", is_plural=True)


def definite(phrase: Phrase, article: str, *, short: bool = False) -> str:
    """Return a phrase as something known: "a court" is "the court" when it is spoken of again."""
    text = phrase.core if short else phrase.text.removeprefix(phrase.article).strip()
    if phrase.article in {"the", "der", "die", "das"}:
        return f"{phrase.article} {text}"
    is_name = text[:1].isupper() and phrase.core[:1].isupper()
    # A question of keywords leaves the article out: "ferry strike".
    is_mass = not phrase.article and not phrase.is_plural and phrase.start > 0
    return text if is_name or not article or is_mass else f"{article} {text}"
