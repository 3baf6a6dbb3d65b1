"""A chat model behind the OpenAI protocol, one deadline a call, few kinds of failure; the one door to openai."""

from service.readers.chat.model import ChatModel
from service.readers.chat.reply import ModelRefused

__all__ = ["ChatModel", "ModelRefused"]
