"""The standalone question: the last question of a conversation, understood without the rest of it."""

from collections.abc import Callable
from dataclasses import dataclass, field

from service.citations.safety import Safety
from service.errors import ReaderFailed
from service.leaning import leans_on_conversation
from service.prompts import Prompts, RenderedPrompt
from service.quoting import new_fence, quoted, quoted_line
from service.readers.chat import Chat
from service.records import AnswerWarning, Question, Usage

PROMPT = "standalone"
MAX_MESSAGES = 8
MAX_CHARS = 2_000
"""Bound of each message shown and of the rewritten question, in code points; a question itself may be as long."""

_NO_SECRETS = Safety()
_OFFLINE = AnswerWarning("follow_up_offline", "Each question is read on its own. Try naming what you mean.")
_NOT_RESOLVED = AnswerWarning("follow_up_not_resolved", "This question was read on its own. Try naming what you mean.")


@dataclass(frozen=True, slots=True)
class StandaloneQuestion:
    """What is searched and answered, and what the rewriting used.

    `caution` is for an answer that suffers because the question needed the conversation and was read without it.
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
    """The question as it can be understood alone.

    Without earlier messages that is the question itself, and no model is called. With them the model rewrites
    it from the last eight; where there is none, it fails, or it writes what is not safe to show, the question stays as
    asked.
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
    leans = leans_on_conversation(question.text)
    return StandaloneQuestion(question.text, usage or Usage(), caution if leans else None)


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
