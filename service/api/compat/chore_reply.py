"""The reply to a chore, as a chat completion or in chunks; it has no answer, so neither its id nor its details."""

import time
from typing import Any
from uuid import uuid4

from fastapi.responses import JSONResponse, Response

from service.api.compat.chores import Chore
from service.api.compat.completion import DONE, ChunkHead, FinishReason, completion_id
from service.api.event_stream import HEADERS

_NO_TOKENS = {"prompt_tokens": 0, "completion_tokens": 0, "total_tokens": 0}


def chore_reply(chore: Chore, model: str, *, is_stream: bool, has_usage: bool) -> Response:
    """Return the reply to a chore."""
    head = ChunkHead(completion_id(f"chore_{uuid4().hex}"), int(time.time()), model)
    finish: FinishReason = "tool_calls" if chore.tool else "stop"
    said: dict[str, Any] = {"content": None if chore.tool else chore.reply}
    if chore.tool:
        function = {"name": chore.tool, "arguments": chore.reply}
        said["tool_calls"] = [{"id": f"call_{uuid4().hex}", "type": "function", "function": function}]
    if is_stream:
        return _stream(head, said, finish, has_usage=has_usage)
    message = {"role": "assistant", "refusal": None, "annotations": [], **said}
    choice = {"index": 0, "message": message, "finish_reason": finish, "logprobs": None}
    return JSONResponse(
        {
            "id": head.id,
            "object": "chat.completion",
            "created": head.created,
            "model": model,
            "choices": [choice],
            "usage": _NO_TOKENS,
        }
    )


def _stream(head: ChunkHead, said: dict[str, Any], finish: FinishReason, *, has_usage: bool) -> Response:
    calls = {"tool_calls": [{"index": 0, **call} for call in said["tool_calls"]]} if "tool_calls" in said else {}
    usage = head.without_choice(usage=_NO_TOKENS) if has_usage else ""
    text = head.chunk({"role": "assistant", "refusal": None, **said, **calls}) + head.chunk({}, finish) + usage + DONE
    return Response(text, headers=HEADERS, media_type="text/event-stream")
