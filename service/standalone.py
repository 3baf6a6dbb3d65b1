"""The standalone question: the last question of a conversation, rewritten so that it needs no other message.

A model rewrites it. Without a model, an answer to a follow-up ("How long did it last?", "And in Kelm?") has a warning.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from service.citations.safety import Safety
from service.errors import ReaderFailed
from service.prompts import Prompts, new_fence, sanitize, sanitize_line
from service.questions import is_follow_up
from service.readers.chat import Chat
from service.readers.reply_text import answering_text
from service.records import AnswerWarning, Question, Usage

PROMPT = "standalone"
MAX_MESSAGES = 8
MAX_CHARS = 2_000
"""The limit of each message in the prompt and of the rewritten question, in code points."""

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
    usage, caution = Usage(), _OFFLINE
    if chat is not None:
        caution, code = _NOT_RESOLVED, fence()
        messages = [
            {"role": message.role, "content": sanitize_line(message.content[:MAX_CHARS], code)}
            for message in question.messages[-MAX_MESSAGES:]
        ]
        prompt = prompts.render(PROMPT, fence=code, messages=messages, question=sanitize(question.text, code))
        with suppress(ReaderFailed):
            reply, usage = await chat.complete(prompt.system, prompt.user)
            rewritten = _one_line(reply)
            said = "\n".join([question.text, *(message.content for message in question.messages)])
            if rewritten and not safety.is_unsafe(rewritten, said):
                return StandaloneQuestion(rewritten, usage)
    return StandaloneQuestion(question.text, usage, caution if is_follow_up(question.text) else None)


def _one_line(reply: str) -> str:
    """Return the rewritten question on one line, without the quotation marks that some models put around it."""
    line = " ".join(answering_text(reply).split())
    if len(line) > 1 and line[0] + line[-1] in {'""', "''", "“”", "„“", "«»"}:
        line = line[1:-1].strip()
    return line[:MAX_CHARS].strip()
