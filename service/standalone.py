"""The standalone question: the last question of a conversation, rewritten so that it needs no other message.

A model rewrites it. Without a model, or if it fails, the words that the question leaves out are taken from the earlier
turns (`service/conversation.py`). Only a follow-up to which they give nothing is read on its own, with a warning.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from service.citations.verify import Safety
from service.conversation import resolve
from service.errors import ReaderFailed
from service.prompts import Prompts, new_fence, sanitize, sanitize_line
from service.questions import is_follow_up
from service.readers.chat import Chat
from service.readers.reply import answering_text
from service.records import AnswerWarning, Question, Usage

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
    """The question that is searched and answered, and the usage of rewriting it.

    `caution` warns that the question is a follow-up that was read without its conversation.
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
    coverage: Callable[[str], float] = lambda _: 0.0,
) -> StandaloneQuestion:
    """Return the question as it can be understood alone.

    Without earlier messages it is the question itself, and no model is called. Else the model rewrites it from the
    last eight messages. Without a model, if the model fails, or if its text is unsafe, it is completed by rules;
    `coverage` tells how well a text matches the articles, by which a new subject is known.
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
    # Off the event loop, because it scores the articles.
    completed = await asyncio.to_thread(_completed, question, safety, coverage)
    if completed:
        return StandaloneQuestion(completed, usage)
    return StandaloneQuestion(question.text, usage, caution if is_follow_up(question.text) else None)


def _completed(question: Question, safety: Safety, coverage: Callable[[str], float]) -> str | None:
    """Return the question with what it takes from earlier turns; None for nothing, or on a new subject."""
    resolved = resolve(question.text, question.messages)
    if resolved is None or safety.is_unsafe(resolved.text, question.text):
        return None
    is_same = resolved.doubt is None or coverage(resolved.text) >= coverage(question.text) - resolved.doubt
    return resolved.text if is_same else None


def _one_line(reply: str) -> str:
    """Return the rewritten question on one line, without the quotation marks that some models put around it."""
    line = " ".join(answering_text(reply).split())
    if len(line) > 1 and line[0] + line[-1] in {'""', "''", "“”", "„“", "«»"}:
        line = line[1:-1].strip()
    return line[:MAX_CHARS].strip()
