"""The standalone question: the last question of a conversation, rewritten so that it needs no other message.

A model rewrites it. Without a model, or if it fails, what the last turn leaves out is taken from the turns before it.
A fragment ("And in Kelm?", "Why?") takes a place in the previous question, a pronoun becomes the name or the phrase
that it most likely means, and anything else has its context in brackets: "Who won (the run-off in Kelm)?". All turns
are text of the client: they are cut to a length and freed of markup, and only their words are carried. Only a follow-
up to which they give nothing is read on its own, with a warning.
"""

import asyncio
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

from service.citations.verify import Safety
from service.errors import ReaderFailed
from service.mentions import Mentions, language_of, mentions
from service.prompts import Prompts, new_fence, sanitize, sanitize_line
from service.questions import is_follow_up, unexplained
from service.readers.chat import Chat, ModelUse
from service.readers.parts import sub_questions
from service.readers.reply import answering_text
from service.records import QUESTION_LENGTH, AnswerWarning, Message, Question
from service.topics import DATE, QUOTED, TAIL, Topics, Turn, Wording, capital, definite, placed, wordings

MAX_TURNS = 20
"""Messages that are read, from the last."""

MESSAGE_LENGTH = 600
"""Characters of an earlier message that are read: later sentences rarely say what a pronoun means."""

LONGEST = 300
"""Characters of the last turn: a longer one brings its own context."""

MOST_CONTEXT = 3
"""Names and phrases in the brackets."""

FEW = 2
"""Words of content with which a question without a name likely depends on the turn before it."""

LEAST_OF_WHO = 3
"""Words of "who was it", which others follow."""

LITTLE_DOUBT, DOUBT = 0.3, 0.05
"""Shares of the matched terms that a context may cost a turn that likely depends on it, and another one.

Of 26 turns without a name, 14 that went on cost at most .02 and 12 on a new subject at least .07.
"""

_YEAR = re.compile(r"\b[12]\d{3}\b")
_MARKER = re.compile(r"\[\d{1,3}\]|<[^<>]{0,200}>|\S{1,20}://\S*|[^\w\s.,;:!?…'’\"“”„«»()/%€$£&–-]+")


@dataclass(frozen=True, slots=True)
class Resolved:
    """A turn with what it leaves out.

    `doubt` is None if the turn cannot be understood alone. Else it is how much worse the result may match the articles
    than the turn alone: a new subject matches worse with the old one beside it. `turn` is the turn without the topic in
    brackets, if it is a question without it.
    """

    text: str
    doubt: float | None = None
    turn: str = field(default="", compare=False)


def resolve(question: str, messages: Sequence[Message]) -> Resolved | None:
    """Return a question with what it takes from the conversation; None if that is nothing."""
    return _resolve(question, _turns(messages)) if messages else None


def standalone_parts(question: str) -> list[str]:
    """Return the parts of a question that asks for several things, pronouns replaced by what the first part names.

    A part to which more than that would have to be added stays as it is.
    """
    first, *others = parts = sub_questions(question) or [""]
    if not others:
        return []
    turns = _turns([Message("user", first)])
    for place, part in enumerate(others, 1):
        found = _resolve(part, turns)
        if found and found.doubt is None and "(" not in found.text:
            parts[place] = found.text
    return parts


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
            if new := _new_subject(asked):
                asked = new
                turns.clear()
    return turns


def _turn(asked: str, answer: str, earlier: Sequence[Turn]) -> Turn:
    asked = _plain(asked, MESSAGE_LENGTH)
    resolved = _resolve(asked, earlier)
    text = resolved.text if resolved and (resolved.doubt != DOUBT or _goes_on(answer, asked, resolved)) else asked
    return Turn(mentions(text[:MESSAGE_LENGTH]), mentions(_plain(answer, MESSAGE_LENGTH), text))


def _goes_on(answer: str, asked: str, resolved: Resolved) -> bool:
    """Return whether the answer to a turn has a word of the topic that the turn may have left out."""
    added = set(_content(mentions(resolved.text))) - set(_content(mentions(asked)))
    return not added.isdisjoint(_content(mentions(answer)))


def _plain(text: str, length: int) -> str:
    """Return a text on one line, bounded and without markers, links and markup."""
    return " ".join(_MARKER.sub(" ", text[:length]).split())


def _resolve(question: str, turns: Sequence[Turn]) -> Resolved | None:
    if not turns or not question.strip() or len(question) > LONGEST:
        return None
    if new := _new_subject(question):
        return Resolved(new[:QUESTION_LENGTH])
    question = _with_year(question, turns[-1])
    last = _Last(" ".join(question.split()), turns)
    doubt, turn = None, ""
    if is_follow_up(question):
        text = last.as_fragment()
        if text is None:
            text = last.with_nouns() or last.with_context()
    elif last.may_depend:
        text, doubt, turn = last.with_context(), None if last.goes_on else last.doubt, f"{capital(last.body)}?"
    else:
        return None
    return Resolved(text[:QUESTION_LENGTH], doubt, turn) if text and text != question else None


def _with_year(question: str, before: Turn) -> str:
    """Return a turn with "in 2024" for its "the year before" if the turn before is about 2025."""
    years = set(_YEAR.findall(before.asked.text) or _YEAR.findall(before.answer.text))
    if len(years) != 1:
        return question
    year = int(years.pop())
    for wording in wordings().values():
        for phrase, other in ((wording.year_before, year - 1), (wording.year_after, year + 1)):
            if found := phrase.search(question.lower()):
                return f"{question[: found.start()]}{wording.year_link}{other}{question[found.end() :]}"
    return question


def _new_subject(question: str) -> str | None:
    """Return a question without the words that announce a new subject; None without them, or if it goes on."""
    question = " ".join(question.split())
    found = (wording.switch.match(question.lower()) for wording in wordings().values())
    rest = next((capital(question[match.end() :]) for match in found if match), "")
    return rest if rest and not is_follow_up(rest) else None


@dataclass(slots=True)
class _Last:
    """The last turn, with the turns before it."""

    text: str
    turns: Sequence[Turn]
    wording: Wording = field(init=False)
    topics: Topics = field(init=False)
    body: str = field(init=False)
    """The turn without "and …", "what about …" and its final punctuation."""
    has_own_place: bool = field(init=False, default=False)
    """Whether the turn named the place of its "there" itself."""

    def __post_init__(self) -> None:
        """Read the turn in its own language, or in that of the conversation if it is too short to tell."""
        own, language, _ = language_of(self.text)
        words = self.text.lower().split()
        if sum(TAIL.sub("", word) in language.function for word in words) < 1:
            own = language_of(self.turns[-1].asked.text)[0]
        self.wording = wordings()[own]
        self.topics = Topics(self.turns, self.wording)
        self.text = self._with_own_place()
        self.body = self._without_lead(TAIL.sub("", self.text))

    def _with_own_place(self) -> str:
        """Return "when is it open in Kelm?" for "What about Kelm, when is it open there?"."""
        name, comma, rest = self._without_lead(self.text).partition(", ")
        there = re.search(rf"\b(?:{'|'.join(self.wording.place)})\b", rest, re.IGNORECASE)
        if not comma or there is None or not mentions(name, self.text, opens=False).names:
            return self.text
        self.has_own_place = True
        name = name.removeprefix(f"{self.wording.place_link} ")
        return f"{rest[: there.start()]}{self.wording.place_link} {name}{rest[there.end() :]}"

    def _without_lead(self, text: str) -> str:
        lead = re.match(self.wording.lead, text.lower())
        return text[lead.end() :] if lead else text

    @property
    def previous(self) -> Turn:
        """The turn before the last."""
        return self.turns[-1]

    @property
    def may_depend(self) -> bool:
        """Whether a turn that can be understood alone names nothing, or opens with "and" or the like."""
        return self.opens_with_and or not self._is_named

    @property
    def _is_named(self) -> bool:
        return bool(mentions(self.text).names or QUOTED.search(self.text))

    @property
    def opens_with_and(self) -> bool:
        """Whether there are words before the body."""
        return self.body != TAIL.sub("", self.text)

    @property
    def goes_on(self) -> bool:
        """Whether a turn continues without a name: "And who scored the goal?" may match another game better."""
        return self.opens_with_and and not self._is_named

    @property
    def doubt(self) -> float:
        """How much worse a turn that may depend can match with its context; with few words it likely depends."""
        is_short = len(_content(mentions(self.text))) <= FEW and not (self._is_named or DATE.search(self.text))
        return LITTLE_DOUBT if is_short else DOUBT

    def as_fragment(self) -> str | None:
        """Return the previous question with this turn in its place; None if it is not a fragment, or does not fit."""
        plain = self.body.lower()
        if self.wording.more.search(plain):
            topic = next(iter(self.topics), None)
            return f"{capital(self.body)} {self.wording.about} {topic}." if topic else None
        body = self.wording.why if self.wording.reasons.search(plain) else self._without_subject()
        return placed(body, self.previous.asked, self.previous.answer.people)

    def _without_subject(self) -> str:
        """Return "in 2024" of "Who was it in 2024?" if the question before asks who did something."""
        words = self.body.split(" ", 3)
        is_who = len(words) > LEAST_OF_WHO and self._role(words[2], " ".join(words[:2])) is None
        return (
            words[3] if is_who and words[2].lower() in self.wording.thing and self._asks_who(words[:2]) else self.body
        )

    def with_nouns(self) -> str | None:
        """Return the turn with its pronouns replaced by what they mean; None if one of them means nothing known."""
        found = unexplained(self.text)
        place = re.search(rf"\b(?:{'|'.join(self.wording.place)})(?=\W*$)", self.text, re.IGNORECASE)
        place = None if self.wording.existential.search(self.text.lower()) else place
        that = self.wording.demonstrative.search(self.text)
        spans = [match.span() for match in (*found, place, that) if match]
        parts, end, known, names = [], 0, set[str](), self.has_own_place
        for start, stop in sorted(set(spans)):
            word = self.text[start:stop].lower()
            kind = "place" if word in self.wording.place else "person" if word in self.wording.person else "thing"
            if kind in known or (word in self.wording.plural and self._is_anyone(word, found)):
                continue
            noun = self._role(word, self.text[:start]) or self._noun(word, self.text[stop:])
            if noun is None:
                return None
            if self.has_own_place:
                noun = re.split(rf" {self.wording.place_link} (?=[A-Z])", noun)[0]
            known.add(kind)
            names = names or bool(mentions(noun, self.text, opens=False).names)
            parts += [self.text[end:start], noun]
            end = stop
        if not parts:
            return None
        rest = capital(self._without_lead(TAIL.sub("", "".join([*parts, self.text[end:]]))))
        missing = [] if names else self.previous.asked.names
        # Other meanings of "it".
        plain = self.wording.plural.isdisjoint(match.group().lower() for match in found)
        others = [definite(phrase, self.wording.article) for phrase in self.topics.alike("it")[1:2]]
        others = others if "thing" in known and plain and not self.has_own_place else []
        others = [*others, *(self.topics.counted() if not plain else ())]
        return _bracketed(rest, _distinct(rest, [*others, *missing]))

    def _is_anyone(self, word: str, pronouns: Sequence[re.Match[str]]) -> bool:
        """Return whether "they" means the people who act: "the lorry with the pears", "How did they get it out?".

        It does beside "them": "How did they get them out?"
        """
        plural = self.wording.plural - self.wording.possessive
        later = [each.group().lower() for each in pronouns][1:]
        if word not in later and not plural.isdisjoint(later):
            return True
        phrase = next(iter(self.topics.alike("they")), None)
        is_beside = phrase is not None and phrase.role == "linked" and not self.topics.is_human(phrase)
        return is_beside and any(each.group().lower() in self.wording.thing for each in pronouns)

    def _role(self, word: str, before: str) -> str | None:
        """Return the role that "it" means in "Who was it before her?"; None for another pronoun or no role."""
        return self.topics.role() if word in self.wording.thing and self._asks_who(before.split()) else None

    def _asks_who(self, words: Sequence[str]) -> bool:
        """Return whether words end with "who is" or the like."""
        read = mentions(" ".join(words), self.text)
        last = [unit.lower for unit in read.units[-2:]]
        return len(last) > 1 and last[0] in read.grammar.persons and last[1] in read.grammar.auxiliaries

    def _noun(self, word: str, after: str) -> str | None:
        """Return what a pronoun means, in the form that its place needs; `after` is the rest of the turn."""
        wording = self.wording
        follows = re.match(r"\s+(\w+)", after)
        owned = word in wording.possessive and follows is not None
        if word == "her" and follows and follows[1].lower() in self.previous.asked.language.function:
            owned = False
        if word in wording.place:
            return self.topics.place()
        if wording.whole.match(after):
            return None
        if wording.demonstrative.match(word + after):
            return self.topics.thing("it", owned=False)
        if word in wording.plural and follows and follows[1].lower() in wording.says:
            return None
        meant = None
        if word in wording.person:
            meant = self.topics.person()
        if meant is None and word in wording.thing | wording.plural | wording.possessive:
            meant = self.topics.thing(word, owned=owned)
        if meant is None or not owned:
            return meant
        return f"{meant}'" if meant.endswith("s") else f"{meant}'s"

    def with_context(self) -> str | None:
        """Return the turn with the topic of the conversation in brackets; None without a topic."""
        read = mentions(self.body)
        is_clause = any(unit.lower in read.grammar.auxiliaries for unit in read.units)
        rest = capital(self.body if is_clause else TAIL.sub("", self.text))
        topics = _distinct(rest, self.topics)
        if not self.wording.anyone.isdisjoint(unit.lower for unit in read.units):
            topics = [topic for topic in topics if topic not in self.previous.answer.people] or topics
        content = set(_content(mentions(rest)))
        # "Ostle Bridge" alone explains "the bridge".
        names = [topic for topic in topics if topic != topic.lower()]
        shared = [topic for topic in names if not content.isdisjoint(topic.lower().split())]
        return _bracketed(rest, shared or topics) if topics else None


def _distinct(text: str, topics: Iterable[str]) -> list[str]:
    """Return the topics that are not in a text or in a topic before them."""
    distinct: list[str] = []
    for topic in topics:
        if not any(topic.lower() in given.lower() for given in (text, *distinct)):
            distinct.append(topic)
    return distinct


def _content(read: Mentions) -> list[str]:
    return [unit.lower for unit in read.units if unit.kind == "word"]


def _bracketed(text: str, topics: Sequence[str]) -> str:
    shown = f" ({', '.join(topics[:MOST_CONTEXT])})" if topics else ""
    return f"{text}{shown}?"


PROMPT = "standalone"
MAX_MESSAGES = 8
MAX_CHARS = 2_000
"""The limit of each message in the prompt and of the rewritten question, in code points."""

_NO_SECRETS = Safety()
_ADVICE = "This question was read on its own. Try naming what you mean."
_OFFLINE = AnswerWarning("follow_up_offline", _ADVICE)
_NOT_RESOLVED = AnswerWarning("follow_up_not_resolved", _ADVICE)


@dataclass(frozen=True, slots=True)
class StandaloneQuestion:
    """The question that is searched and answered.

    `caution` warns that the question is a follow-up that was read without its conversation. `failure` is the code of
    the model's failure. `turn` is the last turn alone, if the text has a topic beside it that chooses among articles.
    """

    text: str
    caution: AnswerWarning | None = None
    failure: str | None = field(default=None, compare=False)
    turn: str = field(default="", compare=False)


async def standalone_question(
    question: Question,
    model: tuple[Chat, ModelUse] | None,
    prompts: Prompts,
    *,
    fence: Callable[[], str] = new_fence,
    safety: Safety = _NO_SECRETS,
    coverage: Callable[[str], float] = lambda _: 0.0,
) -> StandaloneQuestion:
    """Return the question as it can be understood alone.

    Without earlier messages it is the question itself, and no model is called. Else the model rewrites it from the
    last eight messages. Without a model, if the model fails, or if its text is unsafe, it is completed by rules;
    `coverage` tells how well a text matches the articles, by which a new subject is known.
    """
    if not question.messages:
        return StandaloneQuestion(question.text)
    caution, failure = _OFFLINE, None
    if model is not None:
        chat, use = model
        caution, code = _NOT_RESOLVED, fence()
        messages = [
            {"role": message.role, "content": sanitize_line(message.content[:MAX_CHARS], code)}
            for message in question.messages[-MAX_MESSAGES:]
        ]
        prompt = prompts.render(PROMPT, fence=code, messages=messages, question=sanitize(question.text, code))
        try:
            rewritten = _one_line(await chat.complete(prompt.system, prompt.user, use))
        except ReaderFailed as failed:
            failure = failed.code
        else:
            said = "\n".join([question.text, *(message.content for message in question.messages)])
            if rewritten and not safety.is_unsafe(rewritten, said):
                return StandaloneQuestion(rewritten)
    # Off the event loop, because it scores the articles.
    completed = await asyncio.to_thread(_completed, question, safety, coverage)
    if completed:
        return StandaloneQuestion(completed.text, failure=failure, turn=completed.turn)
    return StandaloneQuestion(question.text, caution if is_follow_up(question.text) else None, failure)


def _completed(question: Question, safety: Safety, coverage: Callable[[str], float]) -> Resolved | None:
    """Return the question with what it takes from earlier turns; None for nothing, or on a new subject."""
    resolved = resolve(question.text, question.messages)
    if resolved is None or safety.is_unsafe(resolved.text, question.text):
        return None
    is_same = resolved.doubt is None or coverage(resolved.text) >= coverage(question.text) - resolved.doubt
    return resolved if is_same else None


def _one_line(reply: str) -> str:
    """Return the rewritten question on one line, without the quotation marks that some models put around it."""
    line = " ".join(answering_text(reply).split())
    if len(line) > 1 and line[0] + line[-1] in {'""', "''", "“”", "„“", "«»"}:
        line = line[1:-1].strip()
    return line[:MAX_CHARS].strip()
