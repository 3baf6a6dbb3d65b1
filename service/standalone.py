"""The standalone question: the last question of a conversation, understood without the rest of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from service.errors import ReaderFailed
from service.prompts import Prompts, RenderedPrompt
from service.quoting import new_fence, quoted, quoted_line
from service.readers.chat import Chat
from service.records import AnswerWarning, Question, Usage

PROMPT = "standalone"
MAX_MESSAGES = 8
MAX_CHARS = 2_000
"""Bound of each message shown and of the rewritten question, in code points; a question itself may be as long."""

_OFFLINE = AnswerWarning(
    "follow_up_offline",
    "No language model is set, so the question was looked up as it stands, without the conversation before it.",
)
_NOT_RESOLVED = AnswerWarning(
    "follow_up_not_resolved",
    "The question could not be related to the conversation before it and was looked up as it stands.",
)


@dataclass(frozen=True, slots=True)
class StandaloneQuestion:
    """What is searched and answered, with what the rewriting used and what an answer should warn of."""

    text: str
    usage: Usage = field(default_factory=Usage)
    warnings: tuple[AnswerWarning, ...] = ()


async def standalone_question(
    question: Question, chat: Chat | None, prompts: Prompts, *, fence: Callable[[], str] = new_fence
) -> StandaloneQuestion:
    """The question as it can be understood alone.

    Without earlier messages that is the question itself, and no model is called. With them the model rewrites
    it from the last eight; where there is none, or it fails, the question stays as asked and a warning says so.
    """
    if not question.messages:
        return StandaloneQuestion(question.text)
    if chat is None:
        return StandaloneQuestion(question.text, warnings=(_OFFLINE,))
    prompt = _render(question, prompts, fence())
    try:
        reply, usage = await chat.complete(prompt.system, prompt.user)
    except ReaderFailed:
        return StandaloneQuestion(question.text, warnings=(_NOT_RESOLVED,))
    rewritten = _one_line(reply)
    if not rewritten:
        return StandaloneQuestion(question.text, usage, (_NOT_RESOLVED,))
    return StandaloneQuestion(rewritten, usage)


def _render(question: Question, prompts: Prompts, fence: str) -> RenderedPrompt:
    messages = [
        {"role": message.role, "content": quoted_line(message.content[:MAX_CHARS], fence)}
        for message in question.messages[-MAX_MESSAGES:]
    ]
    return prompts.render(PROMPT, fence=fence, messages=messages, question=quoted(question.text, fence))


def _one_line(reply: str) -> str:
    """The rewritten question on one line, without the quotation marks that some models put around it."""
    line = " ".join(reply.split())
    if len(line) > 1 and line[0] + line[-1] in {'""', "''", "“”", "„“", "«»"}:
        line = line[1:-1].strip()
    return line[:MAX_CHARS].strip()
