"""The reply of a chat API: its text from chunks of every shape, and whether it is complete."""

import re

from pydantic import AliasChoices, BaseModel, Field, NonNegativeInt, ValidationError

from service.errors import ReaderCutOff, ReaderFailed, ReaderRejected

CHARACTERS_A_TOKEN = 8
"""Characters of a reply that a token may have: English has about four, a run of dashes or spaces more."""

_COMPLETE = frozenset({"stop", "eos", "eos_token", "stop_sequence", "end_turn", "complete"})
"""Finish reasons of a complete reply, as text generation servers name them."""
_UNDECIDED = frozenset({None, "tool_calls", "function_call"})
"""Finish reasons that leave open whether the text is complete: its last sign decides."""
_TOO_LONG = frozenset({"length", "max_tokens", "model_length"})
_LAST_SIGN = re.compile(r"""[.!?…。！？"”’»'\])}>*_`|]\s*$""")


class ModelRefused(ReaderFailed):
    """The language model declined to answer."""

    code = "model_refused"


class _Item(BaseModel):
    """An item of a content that is sent as a list; only texts are read, not an item of reasoning."""

    type: str = "text"
    text: str | None = None


class _Part(BaseModel):
    """The text of a reply: a message, or the next piece of it."""

    content: str | list[str | _Item] | None = None
    refusal: str | None = None

    @property
    def text(self) -> str:
        """The text of a content of either form."""
        if not isinstance(self.content, list):
            return self.content or ""
        items = [_Item(text=item) if isinstance(item, str) else item for item in self.content]
        return "".join(item.text or "" for item in items if item.type in {"text", "output_text"})


class _Choice(BaseModel):
    """One reply; only one is ever requested."""

    part: _Part | None = Field(None, validation_alias=AliasChoices("delta", "message"))
    finish_reason: str | None = None


class _Tokens(BaseModel):
    """The token counts of the service; servers that do not count send nothing, an empty object or nulls."""

    prompt_tokens: NonNegativeInt | None = None
    completion_tokens: NonNegativeInt | None = None


class _Completion(BaseModel):
    """The fields of a completion, or of a chunk of one, that are read: the SDK does not validate its own types."""

    choices: list[_Choice] | None = None
    usage: _Tokens | None = None


class ChatReply:
    """The reply so far; `tokens` are the service's counts of input and output, None until it sends them.

    Only the beginning of a reply longer than `max_tokens` is stored.
    """

    def __init__(self, max_tokens: int) -> None:
        self.tokens: tuple[int, int] | None = None
        self._left = max_tokens * CHARACTERS_A_TOKEN
        self._pieces: list[str] = []
        self._half = ""
        self.finish_reason: str | None = None

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._pieces)

    def add(self, received: object) -> str:
        """Add a chunk or a complete reply and return its text, which may be empty.

        Raises ModelRefused for a refusal, ReaderCutOff for anything but a chat completion.
        """
        try:
            completion = _Completion.model_validate(received, from_attributes=True)
        except ValidationError:
            # Without its cause, which would repeat what the service sent.
            raise ReaderCutOff("The language model's service sent an invalid chat completion.") from None
        usage = completion.usage
        if usage and usage.prompt_tokens is not None and usage.completion_tokens is not None:
            self.tokens = (usage.prompt_tokens, usage.completion_tokens)
        if not completion.choices:
            return ""
        choice = completion.choices[0]
        part = choice.part or _Part()
        if part.refusal:
            raise ModelRefused("The language model declined to answer.")
        self.finish_reason = choice.finish_reason or self.finish_reason
        content = self._joined(part.text)
        text = content[: max(0, self._left)]
        self._left -= len(content)
        self._pieces.append(text)
        return text

    def _joined(self, content: str) -> str:
        """Return a text with the first half of a character that the last one ended with, without such a half."""
        content = self._half + content
        self._half = content[-1:] if "\ud800" <= content[-1:] <= "\udbff" else ""
        return content.removesuffix(self._half).encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")

    def check_length(self) -> None:
        """Raise ReaderCutOff for a reply that is longer than requested."""
        if self._left < 0:
            raise ReaderCutOff("The language model's reply went on beyond the limit of its length.")

    def check_finish(self) -> None:
        """Raise ReaderCutOff for an incomplete reply, ReaderRejected for one that a filter prevented."""
        self.check_length()
        reason = self.finish_reason.lower() if self.finish_reason else None
        if reason in _COMPLETE or (reason in _UNDECIDED and _LAST_SIGN.search(self.text)):
            return
        if reason == "content_filter":
            kind = ReaderCutOff if self.text.strip() else ReaderRejected
            raise kind("A filter on the language model's service ended the reply.")
        if reason in _TOO_LONG:
            raise ReaderCutOff(
                "The language model's reply reached the limit of its length.", "Raise the limit of output tokens."
            )
        if reason is None:
            raise ReaderCutOff("The language model's reply stopped before its end.")
        raise ReaderCutOff(f"The language model's service ended the reply before its end{shown_code(reason)}.")


def shown_code(code: object) -> str:
    """Return a vendor's error code in brackets, or nothing if it may be something else."""
    # A vendor's error code may be shown; its message may not, because services echo keys and prompts in it.
    return f" ({code})" if code and re.fullmatch(r"[A-Za-z_.]{1,60}|\d{1,6}", str(code)) else ""
