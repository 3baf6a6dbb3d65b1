"""Chores of chat programs, such as a title for the conversation: recognised, and replied to without a search.

`chores.json` has a line for each kind: how its prompt begins and what it says, in small letters, and the reply. A
request that none of them fits is a question.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from service.api.compat.conversation import Turn, text_of

TITLE = "{title}"
TITLE_WORDS = 6
TITLE_LENGTH = 60
UNTITLED_CHAT = "New chat"

_QUESTION = re.compile(
    r"^[ \t]*(?:user|human):[ \t]*(?P<line>\S[^\n]*)|<user>\s*(?P<block>\S[^\n]*)", re.IGNORECASE | re.MULTILINE
)
_HISTORY = ("<chat_history>", "<text>")
"""Tags before which a prompt says what it wants; what comes after them are words of users."""


@dataclass(frozen=True, slots=True)
class PromptPattern:
    """A kind of chore by its prompt, which is the user's only message, or with `system` the system's."""

    ui: str
    begins: str
    says: tuple[str, ...]
    reply: str | dict[str, Any]
    system: bool = False
    most_tokens: int | None = None


@dataclass(frozen=True, slots=True)
class SchemaPattern:
    """A kind of chore by the JSON schema of its result: it has the property `needs`, and none but `allows`."""

    ui: str
    needs: str
    allows: frozenset[str]
    reply: dict[str, Any]


@dataclass(frozen=True, slots=True)
class ChoreTable:
    """All kinds of chores."""

    prompts: tuple[PromptPattern, ...]
    schemas: tuple[SchemaPattern, ...]


@dataclass(frozen=True, slots=True)
class Chore:
    """A chore with its reply: a text, or the arguments of a call of `tool`."""

    ui: str
    reply: str
    tool: str | None = None


@dataclass(frozen=True, slots=True)
class WantedShape:
    """The shape that a request wants of its reply: a JSON schema, perhaps as a call of a tool."""

    schema: dict[str, Any]
    tool: str | None = None


def chore_of(turns: Sequence[Turn], most_tokens: int | None = None, shape: WantedShape | None = None) -> Chore | None:
    """Return the chore that a request asks for, or None if it asks a question."""
    said = [turn for turn in turns if turn.role in ("user", "assistant")]
    user = next((text_of(turn) for turn in said if turn.role == "user"), "")
    if shape is not None:
        return _by_schema(shape, user)
    if len(said) != 1 or not user:
        return None
    system = "\n".join(text_of(turn) for turn in turns if turn.role in ("system", "developer"))
    for pattern in _table().prompts:
        # A newsroom's own instructions may speak of titles; a chore quotes the conversation that gets one.
        prompt = "" if pattern.system and not _QUESTION.search(user) else system if pattern.system else user
        is_short = pattern.most_tokens is None or (most_tokens or pattern.most_tokens + 1) <= pattern.most_tokens
        if is_short and _fits(pattern, prompt.lower()):
            # A prompt that quotes no roles has its subject after the first empty line.
            subject = user if _QUESTION.search(user) else user.partition("\n\n")[2] or user
            return Chore(pattern.ui, _filled(pattern.reply, title_of(subject)))
    return None


def title_of(text: str) -> str:
    """Return the first words of a text, or of the first question of a conversation that it quotes."""
    quoted = _QUESTION.search(text)
    words = (quoted["line"] or quoted["block"] if quoted else text).split()
    return " ".join(words[:TITLE_WORDS])[:TITLE_LENGTH].strip(" ?!.,;:\"'«»“”") or UNTITLED_CHAT


def _by_schema(shape: WantedShape, text: str) -> Chore | None:
    properties = shape.schema.get("properties")
    names = set(properties) if isinstance(properties, dict) else set()
    for pattern in _table().schemas:
        if pattern.needs in names and names <= pattern.allows:
            reply = {name: value for name, value in pattern.reply.items() if name in names}
            return Chore(pattern.ui, _filled(reply, title_of(text)), shape.tool)
    return None


def _fits(pattern: PromptPattern, text: str) -> bool:
    """Return whether a prompt in small letters is of this kind."""
    wants = text[: min(found if (found := text.find(tag)) >= 0 else len(text) for tag in _HISTORY)]
    return text.startswith(pattern.begins) and all(
        words in (text if words in _HISTORY else wants) for words in pattern.says
    )


def _filled(reply: str | dict[str, Any], title: str) -> str:
    """Return a reply as text, with the title in its place."""
    if isinstance(reply, str):
        return title if reply == TITLE else reply
    return json.dumps({name: title if value == TITLE else value for name, value in reply.items()}, ensure_ascii=False)


@cache
def _table() -> ChoreTable:
    text = Path(__file__).with_name("chores.json").read_text(encoding="utf-8")
    return TypeAdapter(ChoreTable).validate_json(text)
