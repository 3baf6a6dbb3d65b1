"""The conversation of a request: the question that is asked last, and the messages before it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from service.api.compat.errors import Refusal
from service.api.compat.source_list import without_source_list
from service.records import QUESTION_LENGTH, AnswerWarning, Message

MESSAGES = 100
"""The latest messages that are read."""

ENTRIES = 5_000
"""Messages and parts of messages in a request; 300,000 took 3 s of the event loop, and 500 MB."""

MESSAGE_LENGTH = 20_000
"""Code points of an earlier message that are read."""

IGNORED = AnswerWarning(
    "instructions_ignored", "The instructions of the request were not read: answers come from the articles alone."
)

_INSTRUCTING = ("system", "developer")
_TEXT = ("text", "input_text", "output_text")
_SILENT = "found no text from the user, expected a question"


Text = Annotated[str, StringConstraints(max_length=1_000_000)]
"""A text of Unicode: with a limit, a lone surrogate is refused, which no reply and no model could take."""


class Lenient(BaseModel):
    """A part of a request whose unknown fields are ignored."""

    model_config = ConfigDict(extra="ignore", frozen=True)


class Part(Lenient):
    """A part of a message: a text, or something that cannot be read here."""

    type: str = "text"
    text: Text | None = None


def _parts(content: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a message's content as a list of parts."""
    if content is None:
        return ()
    parts = content if isinstance(content, list | tuple) else [content]
    return [{"text": part} if isinstance(part, str) else part for part in parts]


def few(turns: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return a conversation; raises ValueError if it has too many messages and parts."""
    if isinstance(turns, list):
        contents = [each.get("content") for each in turns if isinstance(each, dict)]
        found = len(turns) + sum(len(each) for each in contents if isinstance(each, list))
        if found > ENTRIES:
            raise ValueError(f"found {found:,} messages and parts, expected at most {ENTRIES:,}")
    return turns


Content = Annotated[tuple[Part, ...], BeforeValidator(_parts, json_schema_input_type=str | list[Part] | None)]


class Turn(Lenient):
    """A message of the conversation; those of other roles than user and assistant are not read."""

    role: str
    content: Content = ()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question with the messages before it, oldest first, and what the user should know of how they were read."""

    question: str
    messages: tuple[Message, ...] = ()
    warnings: tuple[AnswerWarning, ...] = ()


def asked(turns: Sequence[Turn], field: str = "messages") -> Asked:
    """Return what a conversation asks; `field` is its name in the request.

    The last message of the user is the question, and what comes after it is not read. Raises Refusal if there is none,
    if it is too long, or if the user sent what is not text: an answer about an unseen picture would be false.
    """
    last = max((number for number, turn in enumerate(turns) if turn.role == "user"), default=None)
    if last is None:
        raise Refusal("invalid_request", f"{field}: {_SILENT}", field)
    texts = [(turn, _text(turn, f"{field}.{number}.content")) for number, turn in enumerate(turns[: last + 1])]
    question = texts.pop()[1]
    if not question:
        raise Refusal("invalid_request", f"{field}: {_SILENT}", field)
    if len(question) > QUESTION_LENGTH:
        found = f"found a question of {len(question):,} characters, expected at most {QUESTION_LENGTH:,}"
        raise Refusal("context_length_exceeded", f"{field}: {found}", field)
    earlier: list[Message] = []
    for turn, text in texts:
        if turn.role == "user" and text:
            earlier.append(Message("user", text[:MESSAGE_LENGTH]))
        elif turn.role == "assistant" and (said := without_source_list(text)):
            earlier.append(Message("assistant", said[:MESSAGE_LENGTH]))
    is_instructed = any(turn.role in _INSTRUCTING for turn in turns)
    return Asked(question, tuple(earlier[-MESSAGES:]), (IGNORED,) if is_instructed else ())


def text_of(turn: Turn) -> str:
    """Return the text of a message, its parts on lines of their own."""
    return "\n".join(part.text for part in turn.content if part.type in _TEXT and part.text).strip()


def _text(turn: Turn, field: str) -> str:
    """Return the text of a message; raises Refusal for a part of the user's that is not text."""
    for number, part in enumerate(turn.content if turn.role == "user" else ()):
        if part.type not in _TEXT:
            message = f"{field}.{number}: found {part.type[:40]!r}, but only text can be read"
            raise Refusal("unsupported_value", message, f"{field}.{number}")
    return text_of(turn)
