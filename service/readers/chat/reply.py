"""The reply of a chat model, put together as it comes, and whether it came to its end."""

from pydantic import ValidationError

from service.errors import ReaderCutOff, ReaderFailed
from service.readers.chat.completion import Choice, Completion, Part

# Text generation servers name a natural end in these ways; every other reason means that there was more to say.
_ENDS = frozenset({"stop", "eos_token", "stop_sequence"})


CHARACTERS_A_TOKEN = 8
"""Characters of a reply that a token may have: English has about four, a run of dashes or spaces more."""


class ModelRefused(ReaderFailed):
    """The language model, or a filter on its service, declined to answer."""

    code = "model_refused"


class ChatReply:
    """The reply so far; `tokens` are the service's counts of input and output, None until it gives them.

    Of a reply longer than `max_tokens` can be, only the beginning is kept.
    """

    def __init__(self, max_tokens: int) -> None:
        self.tokens: tuple[int, int] | None = None
        self._left = max_tokens * CHARACTERS_A_TOKEN
        self._pieces: list[str] = []
        self._finish_reason: str | None = None

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._pieces)

    @property
    def finished(self) -> bool:
        """Whether the model said that it has ended, for whatever reason."""
        return self._finish_reason is not None

    def add(self, data: object) -> str:
        """Take in a decoded chunk or a whole completion and return its text, which may be empty.

        Raises ModelRefused at a refusal, ReaderCutOff where `data` is no completion.
        """
        try:
            completion = Completion.model_validate(data)
        except ValidationError:
            # Without its cause, which would repeat what the service sent.
            raise ReaderCutOff("The language model's service sent something that is no chat completion.") from None
        usage = completion.usage
        if usage and usage.prompt_tokens is not None and usage.completion_tokens is not None:
            self.tokens = (usage.prompt_tokens, usage.completion_tokens)
        return "".join(self._add_choice(choice) for choice in completion.choices[:1])

    def check_length(self) -> None:
        """Raise ReaderCutOff where more was said than was asked for."""
        if self._left < 0:
            raise ReaderCutOff("The language model's reply went on beyond the limit of its length.")

    def check_finish(self) -> None:
        """Raise ReaderCutOff unless the reply came to its natural end, ModelRefused where a filter ended it."""
        self.check_length()
        if self._finish_reason is None:
            raise ReaderCutOff("The language model's reply stopped before its end.")
        if self._finish_reason == "content_filter":
            raise ModelRefused("A filter on the language model's service ended the reply.")
        if self._finish_reason == "length":
            raise ReaderCutOff(
                "The language model's reply reached the limit of its length.", "Raise the limit of output tokens."
            )
        if self._finish_reason not in _ENDS:
            raise ReaderCutOff("The language model's service ended the reply before its end.")

    def _add_choice(self, choice: Choice) -> str:
        part = choice.part or Part()
        if part.refusal:
            raise ModelRefused("The language model declined to answer.")
        self._finish_reason = choice.finish_reason or self._finish_reason
        said = part.content or ""
        text = said[: max(0, self._left)]
        self._left -= len(said)
        self._pieces.append(text)
        return text
