"""The standalone question without a language model: what the last turn leaves out, taken from the turns before it.

A fragment ("And in Kelm?", "Why?") takes a place in the previous question, a pronoun becomes the name or the phrase
that it most likely means, and anything else has its context in brackets: "Who won (the run-off in Kelm)?". All turns
are text of the client: they are cut to a length and freed of markup, and only their words are carried.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter

from service.fragments import DATE, TAIL, capital, placed
from service.mentions import Mentions, Phrase, language_of, mentions
from service.questions import Phrases, Words, is_follow_up, unexplained
from service.records import QUESTION_LENGTH, Message

MAX_TURNS = 8
"""Messages that are read, from the last."""

MESSAGE_LENGTH = 600
"""Characters of an earlier message that are read: later sentences rarely say what a pronoun means."""

LONGEST = 300
"""Characters of the last turn: a longer one brings its own context."""

PHRASE_LENGTH = 60
"""Characters of a phrase that replaces a pronoun; a longer one is used without what is attached to it."""

MOST_CONTEXT = 3
"""Names and phrases in the brackets."""

MOST_COUNTED = 8
"""Words of a counted noun with its state."""

FEW = 4
"""Words of content up to which a question without a name may depend on the turn before it."""

LITTLE_DOUBT, DOUBT = 0.3, 0.1
"""Shares of the matched terms that a context may cost a turn of one or two words of content, and one of more."""

_MARKER = re.compile(r"\[\d{1,3}\]|<[^<>]{0,200}>|\S{1,20}://\S*|[^\w\s.,;:!?…'’\"“”„«»()/%€$£&–-]+")
_QUOTED = re.compile(r"[\"“„«]([^\"“”„«»]{3,60})[\"”“»]")


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


@dataclass(frozen=True, slots=True)
class Resolved:
    """A turn with what it leaves out.

    `doubt` is None if the turn cannot be understood alone. Else it is how much worse the result may match the articles
    than the turn alone: a new subject matches worse with the old one beside it.
    """

    text: str
    doubt: float | None = None


@cache
def _wordings() -> dict[str, Wording]:
    return TypeAdapter(dict[str, Wording]).validate_json(Path(__file__).with_suffix(".json").read_bytes())


def resolve(question: str, messages: Sequence[Message]) -> Resolved | None:
    """Return a question with what it takes from the conversation; None if that is nothing."""
    return _resolve(question, _turns(messages)) if messages else None


def _turns(messages: Sequence[Message]) -> list[Turn]:
    """Return the earlier turns, each question in its standalone form."""
    turns: list[Turn] = []
    asked = ""
    for message in (*messages[-MAX_TURNS:], Message("user", "")):
        if message.role == "assistant":
            if asked:
                turns.append(_turn(asked, message.content, turns))
            asked = ""
        else:
            if asked:
                turns.append(_turn(asked, "", turns))
            asked = message.content
    return turns


def _turn(asked: str, answer: str, earlier: Sequence[Turn]) -> Turn:
    asked = _plain(asked, MESSAGE_LENGTH)
    resolved = _resolve(asked, earlier)
    text = resolved.text if resolved and resolved.doubt != DOUBT else asked
    return Turn(mentions(text), mentions(_plain(answer, MESSAGE_LENGTH), text))


def _plain(text: str, length: int) -> str:
    """Return a text on one line, bounded and without markers, links and markup."""
    return " ".join(_MARKER.sub(" ", text[:length]).split())


def _resolve(question: str, turns: Sequence[Turn]) -> Resolved | None:
    if not turns or not question.strip() or len(question) > LONGEST:
        return None
    last = _Last(" ".join(question.split()), turns)
    doubt = None
    if is_follow_up(question):
        text = last.as_fragment()
        if text is None:
            text, doubt = last.with_nouns() or last.with_context(), LITTLE_DOUBT if last.may_be_new else None
    else:
        text, doubt = last.with_context() if last.may_depend else None, last.doubt
    return Resolved(text, doubt) if text and text != question else None


@dataclass(slots=True)
class _Last:
    """The last turn, with the turns before it."""

    text: str
    turns: Sequence[Turn]
    wording: Wording = field(init=False)
    body: str = field(init=False)
    """The turn without "and …", "what about …" and its final punctuation."""

    def __post_init__(self) -> None:
        """Read the turn in its own language, or in that of the conversation if it is too short to tell."""
        own, language, _ = language_of(self.text)
        words = self.text.lower().split()
        if sum(TAIL.sub("", word) in language.function for word in words) < 1:
            own = language_of(self.turns[-1].asked.text)[0]
        self.wording = _wordings()[own]
        self.body = self._without_lead(TAIL.sub("", self.text))

    def _without_lead(self, text: str) -> str:
        lead = re.match(self.wording.lead, text.lower())
        return text[lead.end() :] if lead else text

    @property
    def previous(self) -> Turn:
        """The turn before the last."""
        return self.turns[-1]

    @property
    def has_subject(self) -> bool:
        """Whether a turn says enough of its own to be on a new subject, though a word in it points back."""
        read = mentions(self.text)
        return bool(read.names) or len(_content(read)) > FEW

    @property
    def may_be_new(self) -> bool:
        """Whether a turn with a word that points back may be on a new subject; "he" and "she" always point back."""
        words = {word.group().lower() for word in unexplained(self.text)}
        return self.has_subject and self.wording.person.isdisjoint(words)

    @property
    def may_depend(self) -> bool:
        """Whether a turn that can be understood alone says little: a few words, no name, no date, no title."""
        return not (self.has_subject or DATE.search(self.text) or _QUOTED.search(self.text))

    @property
    def doubt(self) -> float:
        """How much worse a turn that may depend can match with its context; with few words it likely depends."""
        return LITTLE_DOUBT if len(_content(mentions(self.text))) <= FEW // 2 else DOUBT

    def as_fragment(self) -> str | None:
        """Return the previous question with this turn in its place; None if it is no fragment, or has no place."""
        plain = self.body.lower()
        if self.wording.more.search(plain):
            topic = next(self._topics(), None)
            return f"{capital(self.body)} {self.wording.about} {topic}." if topic else None
        body = self.wording.why if self.wording.reasons.search(plain) else self.body
        return placed(body, self.previous.asked, self.previous.answer.people)

    def with_nouns(self) -> str | None:
        """Return the turn with its pronouns replaced by what they mean; None if one of them means nothing known."""
        found = unexplained(self.text)
        place = re.search(rf"\b(?:{'|'.join(self.wording.place)})(?=\W*$)", self.text, re.IGNORECASE)
        that = self.wording.demonstrative.search(self.text)
        spans = [match.span() for match in (*found, place, that) if match]
        parts, end, known, names = [], 0, set[str](), False
        for start, stop in sorted(set(spans)):
            word = self.text[start:stop].lower()
            kind = "place" if word in self.wording.place else "person" if word in self.wording.person else "thing"
            if kind in known:
                continue
            noun = self._noun(word, self.text[stop:])
            if noun is None:
                return None
            known.add(kind)
            names = names or bool(mentions(noun, self.text, opens=False).names)
            parts += [self.text[end:start], noun]
            end = stop
        if not parts:
            return None
        rest = capital(self._without_lead(TAIL.sub("", "".join([*parts, self.text[end:]]))))
        missing = [] if names else self.previous.asked.names
        things = [phrase for phrase in _things(self.previous.asked) if phrase.role != "asked"]
        others = [_definite(phrase, self.wording.article) for phrase in things]
        others = others[:2] if "thing" in known else []
        return _bracketed(rest, _distinct(rest, [*others, *missing]))

    def _noun(self, word: str, after: str) -> str | None:
        wording = self.wording
        follows = re.match(r"\s+(\w+)", after)
        owned = word in wording.possessive and follows is not None
        if word == "her" and follows and follows[1].lower() in self.previous.asked.language.function:
            owned = False
        if word in wording.place:
            return self._place()
        if wording.demonstrative.match(word + after):
            return self._thing("it", owned=False)
        meant = None
        if word in wording.person:
            meant = self._person()
        if meant is None and word in wording.thing | wording.plural | wording.possessive:
            meant = self._thing(word, owned=owned)
        if meant is None and word not in wording.plural | wording.thing:
            meant = self._role()
        if meant is None or not owned:
            return meant
        return f"{meant}'" if meant.endswith("s") else f"{meant}'s"

    def _person(self) -> str | None:
        """Return the person that the turns speak of last; the answer to "who …" comes before its question."""
        for turn in reversed(self.turns):
            asked, answered = turn.asked.people, turn.answer.people
            new = [name for name in answered if name not in asked]
            people = [*new, *asked] if turn.asked.asks_for_person else [*asked, *answered]
            # "Kim" may be a person where no longer name is.
            singles = [
                phrase.name for phrase in turn.asked.phrases if phrase.name and not (phrase.link or phrase.article)
            ]
            if people or singles:
                return [*people, *singles][0]
        return None

    def _role(self) -> str | None:
        """Return the person whom the turns name by a role: "the mayor of Kelm"."""
        for turn in reversed(self.turns):
            for phrase in turn.asked.phrases:
                if phrase.core.lower().split()[-1] in turn.asked.grammar.roles:
                    return _definite(phrase, "the")
        return None

    def _thing(self, word: str, *, owned: bool) -> str | None:
        """Return the thing that the turns ask about: of several the subject, of the number that the pronoun has."""
        plural = word in self.wording.plural
        for turn in reversed(self.turns):
            found = [phrase for phrase in (*self._found(turn), *_things(turn.asked)) if self._agrees(word, phrase)]
            alike = [phrase for phrase in found if phrase.is_plural == plural and (plural or phrase.role != "asked")]
            for phrase in alike:
                text = _definite(phrase, self.wording.article)
                is_long = owned or len(text) > PHRASE_LENGTH
                return _definite(phrase, self.wording.article, short=True) if is_long else text
            if found:
                return None
        return None

    def _found(self, turn: Turn) -> list[Phrase]:
        """Return the thing that answers "what …": "It tested a bed of reeds"."""
        opening = [unit.lower for unit in turn.asked.units[:2]]
        if len(opening) == 2 and opening[0] in self.wording.things and opening[1] in turn.asked.grammar.supports:
            return [phrase for phrase in turn.answer.phrases if phrase.article in self.wording.indefinite][:1]
        return []

    def _agrees(self, word: str, phrase: Phrase) -> bool:
        """Return whether a German pronoun has the gender of the phrase's article."""
        genders = {"er": "der", "sie": "die", "es": "das"}
        return word not in genders or phrase.article == genders[word]

    def _place(self) -> str | None:
        for turn in reversed(self.turns):
            for read in (turn.answer, turn.asked):
                linking = read.grammar.place_linking | {"to"}
                for phrase in read.phrases:
                    if phrase.link in linking and phrase.name and phrase.name not in read.people:
                        link = phrase.link if phrase.link in {"in", "at", "on", "near"} else self.wording.place_link
                        return f"{link} {phrase.short}"
        return None

    # Anything else

    def with_context(self) -> str | None:
        """Return the turn with the topic of the conversation in brackets; None if there is no topic."""
        read = mentions(self.body)
        is_clause = any(unit.lower in read.grammar.auxiliaries for unit in read.units)
        rest = capital(self.body if is_clause else TAIL.sub("", self.text))
        topics = _distinct(rest, self._topics())
        content = set(_content(mentions(rest)))
        # "Ostle Bridge" alone explains "the bridge".
        names = [topic for topic in topics if topic != topic.lower()]
        shared = [topic for topic in names if not content.isdisjoint(topic.lower().split())]
        return _bracketed(rest, shared or topics) if topics else None

    def _topics(self) -> Iterator[str]:
        """Yield what the conversation is about: the phrase that the last question is about, and its names."""
        for turn in reversed(self.turns):
            asked, answer = turn.asked, turn.answer
            people = [name for name in answer.people if name not in asked.text][:1] if asked.asks_for_person else []
            quoted = [title.strip() for title in _QUOTED.findall(asked.text)]
            things = [_definite(phrase, self.wording.article) for phrase in _things(asked)]
            main = _counted(asked) or things[: 1 if asked.names else 2]
            found = [_definite(phrase, self.wording.article) for phrase in self._found(turn)]
            topics = [topic[: 2 * PHRASE_LENGTH] for topic in (*people, *found, *quoted, *main, *asked.names) if topic]
            if topics:
                yield from topics
                return


def _distinct(text: str, topics: Iterable[str]) -> list[str]:
    """Return the topics that are not in a text or in a topic before them."""
    distinct: list[str] = []
    for topic in topics:
        if not any(topic.lower() in given.lower() for given in (text, *distinct)):
            distinct.append(topic)
    return distinct


def _content(read: Mentions) -> list[str]:
    return [unit.lower for unit in read.units if unit.kind == "word"]


def _things(read: Mentions) -> list[Phrase]:
    """Return the phrases that a question may be about, the likeliest first."""
    order = {"subject": 0, "object": 1, "linked": 2, "asked": 3}
    people = set(read.people)
    found = [
        phrase
        for phrase in read.phrases
        if phrase.name not in people
        and phrase.core[:1].isalpha()
        and not DATE.fullmatch(phrase.core)
        and phrase.core.lower().split()[-1] not in read.grammar.roles
        and not (phrase.link in read.grammar.place_linking and phrase.name)
    ]
    return sorted(found, key=lambda phrase: order[phrase.role])


def _counted(asked: Mentions) -> list[str]:
    """Return what a question counts with the state that it is in: "homes flooded in Kelm"; empty for another one."""
    counted = next((phrase for phrase in asked.phrases if phrase.role == "asked"), None)
    if counted is None or any(phrase.role == "subject" for phrase in asked.phrases):
        return []
    units = [
        unit for unit in asked.units if unit.start >= counted.start and unit.lower not in asked.grammar.auxiliaries
    ]
    words = [asked.text[unit.start : unit.end] for unit in units if unit.kind != "stop"]
    return [" ".join(words)] if len(words) <= MOST_COUNTED else []


def _definite(phrase: Phrase, article: str, *, short: bool = False) -> str:
    """Return a phrase as something known: "a court" is "the court" when it is spoken of again."""
    text = phrase.core if short else phrase.text.removeprefix(phrase.article).strip()
    if phrase.article in {"the", "der", "die", "das"}:
        return f"{phrase.article} {text}"
    is_name = text[:1].isupper() and phrase.core[:1].isupper()
    return text if is_name or not article or (not phrase.article and not phrase.is_plural) else f"{article} {text}"


def _bracketed(text: str, topics: Sequence[str]) -> str:
    shown = f" ({', '.join(topics[:MOST_CONTEXT])})" if topics else ""
    return f"{text}{shown}?"[-QUESTION_LENGTH:]
