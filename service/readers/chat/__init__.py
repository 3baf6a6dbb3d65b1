"""A chat model behind the OpenAI protocol, one deadline a call, few kinds of failure; the one door to openai."""

from collections.abc import AsyncGenerator
from typing import Protocol

from service.readers.chat.model import ChatModel
from service.readers.chat.reply import ModelRefused
from service.records import Usage

__all__ = ["Chat", "ChatModel", "ModelRefused"]


class Chat(Protocol):
    """A language model to talk to: `ChatModel`, or something that speaks in its place."""

    @property
    def model(self) -> str:
        """The model's name as its service knows it."""

    def stream(self, system: str, user: str) -> AsyncGenerator[str | Usage, None]:
        """The reply in pieces as they come, then its Usage; raises ReaderFailed of each kind."""

    async def complete(self, system: str, user: str) -> tuple[str, Usage]:
        """The whole reply and its Usage; raises as `stream` does."""

    async def count(self, system: str, user: str, text: str) -> Usage:
        """The Usage of a call whose reply was left early or came without one."""

    async def aclose(self) -> None:
        """Close the connections; the model cannot be used afterwards."""
