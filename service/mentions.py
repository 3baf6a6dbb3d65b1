"""Mentions of an earlier message: its names and its noun phrases, found by word lists and by word order.

This is not a grammar: a phrase is a run of words between function words, and the verb that an auxiliary
leaves behind ("did the strike *end*") is cut off by a list of verbs. A wrong cut makes a clumsy phrase, never a wrong
fact.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import TypeAdapter

from service.questions import Language, Words, languages

LONGEST_NAME = 10
"""Words and signs of one name."""

_TOKEN = re.compile(r"[^\W_]+(?:[-'’.&,:](?=[^\W_])[^\W_]+)*['’]?|[^\w\s]")
_PARTICLES = frozenset({"of", "&", "de", "van", "von", "bin", "al"})
"""Words that join the parts of one name."""

_SENTENCE_ENDS = frozenset(".?!:;…")
POSSESSIVE = re.compile(r"['’]s?$")
_PARTICIPLE = re.compile(r"\w{2,}(?:ed|ing)")

Kind = Literal["name", "word", "function", "stop"]
Role = Literal["asked", "subject", "object", "linked"]


@dataclass(frozen=True, slots=True)
class Grammar:
    """The words of a language by which phrases are found."""

    auxiliaries: Words
    supports: Words
    """Auxiliaries that leave the bare verb behind the subject: "did the strike end"."""
    articles: Words
    asked: Words
    """Words between a question word and the noun that it asks for: "how many homes"."""
    pairing: Words
    pairs: Words
    describing: Words
    """Words that open a question for a property of the subject: "how long is the bridge"."""
    linking: Words
    """Prepositions that attach a phrase to the one before it."""
    place_linking: Words
    persons: Words
    """Question words that ask for a person."""
    titles: Words
    roles: Words
    not_persons: Words
    """Words in the names of organisations and places."""
    verbs: Words
    nouns_too: Words
    """Verbs that are as often nouns: "strike", "vote"."""
    states: Words
    """Words behind a form of "be" that are no part of the subject."""
    past: Words
    """Past forms that end a phrase before them: "the train ran"."""
    relatives: Words
    """Articles that open a clause behind a noun: "the man that left"."""
    adverbs: Words
    dates: Words
    measures: Words
    """Words that may follow a question word in a fragment: "how long"."""
    humans: Words
    """Plurals that are of people."""
    ordinals: Words
    """Words between an article and its noun."""
    plurals: Words
    """Plurals without an s."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A word of a text, or the words of one name; `lower` is its form for comparison."""

    start: int
    end: int
    kind: Kind
    lower: str


@dataclass(frozen=True, slots=True)
class Phrase:
    """A noun phrase: `text` with the phrases attached to it, `core` without them and without `article`."""

    start: int
    end: int
    text: str
    core: str
    article: str
    role: Role
    link: str
    """The preposition before it, in small letters; empty without one."""
    name: str
    """The name that it consists of; empty if it has other words."""
    is_plural: bool

    @property
    def short(self) -> str:
        """The phrase without the phrases attached to it."""
        return f"{self.article} {self.core}".strip()


@dataclass(frozen=True, slots=True)
class Mentions:
    """The names and phrases of a text, in their order."""

    text: str
    language: Language
    grammar: Grammar
    units: tuple[Unit, ...]
    phrases: tuple[Phrase, ...]

    @property
    def names(self) -> list[str]:
        """The names, each once."""
        found = (self.text[unit.start : unit.end] for unit in self.units if unit.kind == "name")
        return list(dict.fromkeys(POSSESSIVE.sub("", name) for name in found))

    @property
    def people(self) -> list[str]:
        """The names that may be those of persons, each once."""
        return list(dict.fromkeys(self._people()))

    def _people(self) -> Iterator[str]:
        for place, unit in enumerate(self.units):
            if unit.kind != "name":
                continue
            name = POSSESSIVE.sub("", self.text[unit.start : unit.end])
            words = name.lower().split()
            before = self.units[place - 1].lower if place else ""
            titled = words[0].rstrip(".") in self.grammar.titles or before in self.grammar.titles | self.grammar.roles
            is_thing = not self.grammar.not_persons.isdisjoint(words) or before in {"the", "der", "die", "das"}
            if titled or (len(words) > 1 and not is_thing and before not in self.grammar.place_linking):
                yield name

    @property
    def asks_for_person(self) -> bool:
        """Whether the text opens with a question for a person: "who …", "which judge …"."""
        words = [unit.lower for unit in self.units[:4]]
        return not self.grammar.persons.isdisjoint(words[:2]) or (
            not self.grammar.asked.isdisjoint(words[:1]) and not self.grammar.roles.isdisjoint(words[1:])
        )


@cache
def _grammars() -> dict[str, Grammar]:
    file = Path(__file__).with_suffix(".json")
    return TypeAdapter(dict[str, Grammar]).validate_json(file.read_bytes())


def language_of(text: str) -> tuple[str, Language, Grammar]:
    """Return the language whose function words a text has most of, English if it has none of either."""
    words = [word.lower() for word in _TOKEN.findall(text)]
    name = max(languages(), key=lambda each: sum(word in languages()[each].function for word in words))
    return name, languages()[name], _grammars()[name]


def mentions(text: str, like: str = "", *, opens: bool = True) -> Mentions:
    """Return what a text mentions, by the words of its language or that of `like`.

    `opens` says that a capital letter at the beginning may be that of a sentence.
    """
    _, language, grammar = language_of(like or text)
    units = tuple(_units(text, language, grammar, opens=opens))
    return Mentions(text, language, grammar, units, tuple(_phrases(text, units, grammar)))


def _units(text: str, language: Language, grammar: Grammar, *, opens: bool) -> Iterator[Unit]:
    tokens = list(_TOKEN.finditer(text))
    function = language.function | grammar.auxiliaries | grammar.articles | grammar.asked | grammar.linking
    function = (function | grammar.adverbs) - grammar.verbs - grammar.ordinals
    words = [token.group() for token in tokens if token.group()[0].isalnum()]
    # Capitals throughout distinguish no name.
    shouted = any(word.lower() in function for word in words[1:]) and not any(word[0].islower() for word in words)
    place, is_first = 0, opens
    while place < len(tokens):
        token = tokens[place]
        word = token.group()
        lower = word.lower().replace("’", "'")
        if lower.removesuffix("'s") in language.questions:  # "who's"
            lower = lower.removesuffix("'s")
        if not word[0].isalnum():
            yield Unit(token.start(), token.end(), "stop", lower)
            place, is_first = place + 1, word in _SENTENCE_ENDS or (is_first and word in "\"'“„«(")
            continue
        is_plain = shouted or lower in function | grammar.dates
        end = place if is_plain else _name_end(tokens, place, function | grammar.dates, grammar)
        if end > place + is_first or (end > place and end - place > 1):
            yield Unit(
                token.start(), tokens[end - 1].end(), "name", text[token.start() : tokens[end - 1].end()].lower()
            )
            place = end
        else:
            yield Unit(token.start(), token.end(), "function" if lower in function else "word", lower)
            place += 1
        is_first = False


def _name_end(tokens: Sequence[re.Match[str]], place: int, plain: frozenset[str], grammar: Grammar) -> int:
    """Return the end of the name that begins at a token; its place if none does. `plain` words begin no name."""
    end = place
    while end < min(len(tokens), place + LONGEST_NAME):
        word = tokens[end].group()
        after = tokens[end + 1].group() if end + 1 < len(tokens) else ""
        is_capital = word[0].isupper() and word.lower() not in plain
        joins = end > place and word in _PARTICLES and after[:1].isupper() and after.lower() not in plain
        # "the University of Quernby", but "Kim Aarre of the union"
        joins = joins and (word not in grammar.linking or tokens[end - 1].group().lower() in grammar.not_persons)
        is_initial = word == "." and len(tokens[end - 1].group()) < 4 and end > place and after[:1].isupper()
        if not (is_capital or joins or is_initial):
            break
        end += 1
        if is_capital and end > place + 1 and word.endswith(("'s", "’s")):
            break
    return end


@dataclass(frozen=True, slots=True)
class _Run:
    """Adjacent units between function words, with the role that the words before them give."""

    first: int
    end: int
    article: str
    role: Role
    link: str
    is_cut: bool = False


def _phrases(text: str, units: Sequence[Unit], grammar: Grammar) -> Iterator[Phrase]:
    runs = list(_runs(units, grammar))
    for at, run in enumerate(runs):
        if run.first >= run.end:
            continue
        last = run
        for later in runs[at + 1 :]:
            # Only what follows at once is attached.
            between = units[last.end : later.first]
            if last.is_cut or not between or later.first >= later.end:
                break
            if last.link in grammar.pairing and between[0].lower in grammar.pairs:  # "between Kelm and Orrin Bay"
                last = replace(later, link="")
                continue
            if later.role != "linked":
                break
            if any(unit.kind != "function" for unit in between) or between[0].lower != later.link:
                break
            last = later
        head = units[run.end - 1]
        core = text[units[run.first].start : head.end]
        begins = units[run.first - 1].start if run.article else units[run.first].start
        is_name = run.end - run.first == 1 and head.kind == "name"
        yield Phrase(
            start=begins,
            end=units[last.end - 1].end,
            text=f"{run.article} {text[units[run.first].start : units[last.end - 1].end]}".strip(),
            core=core,
            article=run.article,
            role=run.role,
            link=run.link,
            name=core if is_name else "",
            is_plural=head.lower in grammar.plurals or re.search(r"[^s]s$", head.lower) is not None,
        )


def _runs(units: Sequence[Unit], grammar: Grammar) -> Iterator[_Run]:
    """Yield the runs of a text; those that an auxiliary precedes end before the verb."""
    runs = [_run(units, first, end, grammar) for first, end in _bounds(units)]
    at = 0
    while at < len(runs):
        run = runs[at]
        chain = at + 1
        if run.role == "subject":
            while chain < len(runs) and _is_attached(units, runs[chain - 1], runs[chain], grammar):
                chain += 1
            opener = units[run.first - 1 - bool(run.article)].lower
            # "What is machine learning?", but "What is the council planning?"
            is_long = run.end - run.first > 1
            is_defined = run.first == 2 and is_long and not run.article and units[run.end - 1].lower.endswith("ing")
            cut = _bare_verb if opener in grammar.supports else _state
            which, place = (-1, 0) if is_defined else cut(units, runs[at:chain], grammar)
            yield from _cut(runs[at:chain], which, place)
        elif run.role in {"asked", "linked"}:
            yield from _cut([run], *_state(units, [run], grammar))
        else:
            yield from _cut([run], *_verb(units, run, grammar))
        at = chain


def _bounds(units: Sequence[Unit]) -> Iterator[tuple[int, int]]:
    first = 0
    for place, unit in enumerate((*units, Unit(0, 0, "stop", ""))):
        if unit.kind in {"function", "stop"}:
            if place > first:
                yield first, place
            first = place + 1


def _run(units: Sequence[Unit], first: int, end: int, grammar: Grammar) -> _Run:
    before = first - 1
    article = ""
    opener = units[before].lower if before >= 0 and units[before].kind == "function" else ""
    if opener in grammar.asked:
        return _Run(first, end, "", "asked", "")
    if opener in grammar.articles and not _is_relative(units, before, grammar):
        article, before = opener, before - 1
        opener = units[before].lower if before >= 0 and units[before].kind == "function" else ""
    is_verb = not article and units[first].kind == "word"
    if opener in grammar.linking and not (is_verb and units[first].lower in grammar.verbs):
        return _Run(first, end, article, "linked", opener)
    if opener in grammar.auxiliaries:
        # "Who would run it?": nothing is between the auxiliary and its verb.
        if before == 1 and is_verb and units[0].lower in grammar.persons and units[first].lower in grammar.verbs:
            return _Run(first + 1, end, "", "object", "")
        return _Run(first, end, article, "subject", "")
    # "who won …", "to build …", "the man that left": the verb comes first.
    return _Run(first + (is_verb and bool(opener)), end, article, "object", "")


def _is_relative(units: Sequence[Unit], place: int, grammar: Grammar) -> bool:
    """Return whether an article opens a clause about the noun before it."""
    return units[place].lower in grammar.relatives and place > 0 and units[place - 1].kind in {"name", "word"}


def _is_attached(units: Sequence[Unit], run: _Run, later: _Run, grammar: Grammar) -> bool:
    between = units[run.end : later.first]
    is_pair = run.link in grammar.pairing and between[0].lower in grammar.pairs
    return (is_pair or later.role == "linked") and all(unit.kind == "function" for unit in between)


def _cut(runs: Sequence[_Run], which: int, place: int) -> Iterator[_Run]:
    for at, run in enumerate(runs):
        if at == which:
            yield replace(run, end=place, is_cut=True)
            if place + 1 < run.end:
                yield _Run(place + 1, run.end, "", "object", "")
        else:
            yield run


def _bare_verb(units: Sequence[Unit], runs: Sequence[_Run], grammar: Grammar) -> tuple[int, int]:
    """Return the run and the place of the verb that "did" leaves behind the subject: the last that is hardly a noun."""
    found = [
        (units[place].lower not in grammar.nouns_too, which, place)
        for which, run in enumerate(runs)
        for place in range(run.first + 1, run.end)
        if units[place].kind == "word" and (units[place].lower in grammar.verbs or _ends_behind_name(units, run, place))
    ]
    if found:
        _, which, place = max(found)
        return which, place
    # "from Kelm resign", "the bus driver hook near Kelm"
    for which in (len(runs) - 1, 0):
        run = runs[which]
        if run.end - run.first > 1 and units[run.end - 1].kind == "word":
            return which, run.end - 1
    return -1, 0


def _ends_behind_name(units: Sequence[Unit], run: _Run, place: int) -> bool:
    """Return whether a word is the last of a run that opens with a name: "from Kelm crash", not "the Kelm mill"."""
    return not run.article and place == run.end - 1 and units[place - 1].kind == "name"


def _state(units: Sequence[Unit], runs: Sequence[_Run], grammar: Grammar) -> tuple[int, int]:
    """Return the run and the place of the first word that is not part of the subject behind a form of "be"."""
    for which, run in enumerate(runs):
        for place in range(run.first + bool(which), run.end):
            unit = units[place]
            if unit.kind == "word" and (unit.lower in grammar.states or _PARTICIPLE.fullmatch(unit.lower)):
                if place == run.first and place + 1 < run.end:
                    continue  # "the closed bridge"
                return which, place
    return -1, 0


def _verb(units: Sequence[Unit], run: _Run, grammar: Grammar) -> tuple[int, int]:
    """Return the place of the verb or the state behind an object: "the train ran", "get a toaster fixed"."""
    for place in range(run.first + bool(run.article), run.end):
        unit = units[place]
        is_last = place == run.end - 1 and (unit.lower in grammar.states or unit.lower.endswith("ed"))
        if unit.kind == "word" and (is_last or (place > run.first and unit.lower in grammar.past)):
            return 0, place
    return -1, 0
