"""Chunks of a chat completion, as a client reads them."""

import json
from typing import Any

Chunk = dict[str, Any]


def read_chunks(text: str) -> list[Chunk]:
    """Return the chunks of a complete stream, without comments; it has no names of events and ends with `[DONE]`."""
    lines = [line for line in text.splitlines() if line and not line.startswith(":")]
    assert all(line.startswith("data: ") for line in lines), lines
    assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


def joined(chunks: list[Chunk]) -> Chunk:
    """Return the message that chunks add up to."""
    message: Chunk = {"content": None}
    for chunk in chunks:
        for choice in chunk["choices"]:
            for name, value in choice["delta"].items():
                is_text = isinstance(value, str) and isinstance(message.get(name), str)
                message[name] = message[name] + value if is_text else value if value is not None else message.get(name)
    return message
