"""The standalone question: the last question of a conversation, rewritten so that it needs no other message.

A model rewrites it. Without a model, the words of a question that depends on the conversation ("How long did it last?",
"And in Kelm?", "Why?") show that in English and German, and rarely in another language.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, TypeAdapter

from service.citations.safety import Safety
from service.errors import ReaderFailed
from service.prompts import Prompts, RenderedPrompt, new_fence, sanitize, sanitize_line
from service.readers.chat import Chat
from service.readers.reply_text import answering_text
from service.records import AnswerWarning, Question, Usage

PROMPT = "standalone"
MAX_MESSAGES = 8
MAX_CHARS = 2_000
"""The limit of each message in the prompt and of the rewritten question, in code points."""

Words = Annotated[frozenset[str], BeforeValidator(str.split)]
"""Words, in the file one string with spaces between them."""
Phrases = Annotated[re.Pattern[str], BeforeValidator("|".join)]
"""A pattern, in the file a list of alternatives."""

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PLURALS = frozenset({"they", "their", "them", "theirs"})
_PEOPLE = frozenset({"people", "police", "children", "women", "men"})
_NO_SECRETS = Safety()
_OFFLINE = AnswerWarning("follow_up_offline", "Each question is read on its own. Try naming what you mean.")
_NOT_RESOLVED = AnswerWarning("follow_up_not_resolved", "This question was read on its own. Try naming what you mean.")


@dataclass(frozen=True, slots=True)
class StandaloneQuestion:
    """The question that is searched and answered, and the usage of rewriting it.

    `caution` warns that the question is a follow-up and was read without its conversation.
    """

    text: str
    usage: Usage = field(default_factory=Usage)
    caution: AnswerWarning | None = None


async def standalone_question(
    question: Question,
    chat: Chat | None,
    prompts: Prompts,
    *,
    fence: Callable[[], str] = new_fence,
    safety: Safety = _NO_SECRETS,
) -> StandaloneQuestion:
    """Return the question as it can be understood alone.

    Without earlier messages it is the question itself, and no model is called. Else the model rewrites it from the
    last eight messages. Without a model, if the model fails, or if its text is unsafe, the question is unchanged.
    """
    if not question.messages:
        return StandaloneQuestion(question.text)
    if chat is None:
        return _as_asked(question, _OFFLINE)
    prompt = _render(question, prompts, fence())
    try:
        reply, usage = await chat.complete(prompt.system, prompt.user)
    except ReaderFailed:
        return _as_asked(question, _NOT_RESOLVED)
    rewritten = _one_line(reply)
    said = "\n".join([question.text, *(message.content for message in question.messages)])
    if not rewritten or safety.is_unsafe(rewritten, said):
        return _as_asked(question, _NOT_RESOLVED, usage)
    return StandaloneQuestion(rewritten, usage)


def _as_asked(question: Question, caution: AnswerWarning, usage: Usage | None = None) -> StandaloneQuestion:
    return StandaloneQuestion(question.text, usage or Usage(), caution if is_follow_up(question.text) else None)


def _render(question: Question, prompts: Prompts, fence: str) -> RenderedPrompt:
    messages = [
        {"role": message.role, "content": sanitize_line(message.content[:MAX_CHARS], fence)}
        for message in question.messages[-MAX_MESSAGES:]
    ]
    return prompts.render(PROMPT, fence=fence, messages=messages, question=sanitize(question.text, fence))


def _one_line(reply: str) -> str:
    """Return the rewritten question on one line, without the quotation marks that some models put around it."""
    line = " ".join(answering_text(reply).split())
    if len(line) > 1 and line[0] + line[-1] in {'""', "''", "“”", "„“", "«»"}:
        line = line[1:-1].strip()
    return line[:MAX_CHARS].strip()


def is_follow_up(question: str) -> bool:
    """Return whether a question needs an earlier message: it has a pronoun, an ellipsis, or no content word."""
    written = _WORD.findall(question)
    words = [word.lower().replace("’", "'") for word in written]
    language = max(_languages(), key=lambda each: sum(word in each.function for word in words))
    plain = " ".join(words)
    content = [word for word in words if word not in language.function]
    is_clause = not language.finite.isdisjoint(words)
    return (
        not content
        or language.pointing.search(plain) is not None
        or (language.fragment.match(plain) is not None and not is_clause)
        or (is_clause and len(content) == 1 and language.bare.fullmatch(content[0]) is not None)
        or any(_unexplained(written, words, language))
    )


def _unexplained(written: list[str], words: list[str], language: "_Language") -> Iterator[bool]:
    """Yield for each pronoun of the question whether its noun is missing."""
    idle = language.idle.search(" ".join(words)) is not None
    for place, word in enumerate(words):
        if word not in language.subjects | language.objects | language.either or (idle and word in {"it", "es"}):
            continue
        noun = _noun_before(place, written, words, language)
        yield noun is None or (_is_object(place, words, language) and language.joining.isdisjoint(words[noun:place]))


def _is_object(place: int, words: list[str], language: "_Language") -> bool:
    """Return whether a pronoun is an object: by its form, at the end of the question or after a preposition."""
    if words[place] not in language.either:
        return words[place] in language.objects
    last = place == len(words) - 1
    if words[place] == "her":
        return last or words[place + 1] in language.function
    return last or words[place - 1] in language.prepositions


def _noun_before(place: int, written: list[str], words: list[str], language: "_Language") -> int | None:
    """Return the first word that a pronoun may refer to: a name, or a noun after its determiner."""
    for noun in range(1, place):
        if words[noun] in language.function:
            continue
        before = words[noun - 1]
        if before not in language.function and noun > 1:
            before = words[noun - 2]  # "the new mayor"
        plural = words[noun].endswith("s") or words[noun] in _PEOPLE
        if written[noun][0].isupper() or before in language.determiners or (plural and words[place] in _PLURALS):
            return noun
    return None


@dataclass(frozen=True, slots=True)
class _Language:
    """The words of a language that refer to an earlier message, and those that make a question complete."""

    finite: Words
    """Verbs and question words that make a fragment a complete question."""
    prepositions: Words
    fillers: Words
    """More words without content of their own."""
    fragment: Phrases
    """Openings of a fragment, which depends on the conversation if it has no finite word."""
    pointing: Phrases
    """Phrases that always depend on the conversation."""
    idle: Phrases
    """Phrases whose "it" refers to nothing: "Is it true that …"."""
    subjects: Words
    """Pronouns that an earlier noun of the question explains."""
    objects: Words
    """Pronouns that an earlier noun explains only across a conjunction: "accept the offer or reject it"."""
    either: Words
    """Pronouns whose place decides which of the two they are."""
    joining: Words
    determiners: Words
    bare: Phrases
    """Words that say too little as the only word of content: "Who won?"."""

    @property
    def function(self) -> frozenset[str]:
        """All words without content of their own."""
        pronouns = self.subjects | self.objects | self.either
        return self.finite | self.prepositions | self.fillers | self.determiners | self.joining | pronouns


def function_words() -> frozenset[str]:
    """Return the words of English and German that have no content of their own."""
    return frozenset().union(*(language.function for language in _languages()))


@cache
def _languages() -> tuple[_Language, ...]:
    """Return the words of English and German."""
    file = Path(__file__).with_suffix(".json")
    return tuple(TypeAdapter(dict[str, _Language]).validate_json(file.read_bytes()).values())
