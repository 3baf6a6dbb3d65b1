"""The reply to a chore, as a chat completion or in chunks; it has no answer, so neither its id nor its details."""

import time
from dataclasses import dataclass
from typing import Literal
from uuid import uuid4

from fastapi.responses import Response

from service.answer import as_json
from service.api.compat.chores import Chore
from service.api.compat.completion import DONE, ChatUsage, ChunkHead, FinishReason, completion_id
from service.api.event_stream import HEADERS

NO_TOKENS = ChatUsage()


@dataclass(frozen=True, slots=True)
class ToolFunction:
    """A tool, and its arguments as JSON in a text."""

    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """The call of the tool that a chat program requires."""

    id: str
    function: ToolFunction
    type: Literal["function"] = "function"


@dataclass(frozen=True, slots=True)
class ChoreMessage:
    """The reply to a chore: a text, or the call of a tool."""

    content: str | None
    tool_calls: tuple[ToolCall, ...] | None = None
    annotations: tuple[()] = ()
    refusal: None = None
    role: Literal["assistant"] = "assistant"


@dataclass(frozen=True, slots=True)
class ChoreChoice:
    """The only choice."""

    message: ChoreMessage
    finish_reason: FinishReason
    index: int = 0
    logprobs: None = None


@dataclass(frozen=True, slots=True)
class ChoreCompletion:
    """A reply to a chat program's request for itself, such as a title of the conversation."""

    id: str
    created: int
    model: str
    choices: tuple[ChoreChoice, ...]
    usage: ChatUsage = NO_TOKENS
    object: Literal["chat.completion"] = "chat.completion"


def chore_completion(chore: Chore, model: str) -> ChoreCompletion:
    """Return the reply to a chore."""
    if chore.tool:
        call = ToolCall(f"call_{uuid4().hex}", ToolFunction(chore.tool, chore.reply))
        choice = ChoreChoice(ChoreMessage(None, (call,)), "tool_calls")
    else:
        choice = ChoreChoice(ChoreMessage(chore.reply), "stop")
    return ChoreCompletion(completion_id(f"chore_{uuid4().hex}"), int(time.time()), model, (choice,))


def chore_chunks(reply: ChoreCompletion, *, has_usage: bool) -> Response:
    """Return a reply in chunks, all at once."""
    head, choice = ChunkHead(reply.id, reply.created, reply.model), reply.choices[0]
    delta = {
        name: value for name, value in as_json(choice.message).items() if name not in ("annotations", "tool_calls")
    }
    if calls := choice.message.tool_calls:
        delta["tool_calls"] = [{"index": number, **as_json(call)} for number, call in enumerate(calls)]
    usage = head.without_choice(usage=as_json(reply.usage)) if has_usage else ""
    text = head.chunk(delta) + head.chunk({}, choice.finish_reason) + usage + DONE
    return Response(text, headers=HEADERS, media_type="text/event-stream")
