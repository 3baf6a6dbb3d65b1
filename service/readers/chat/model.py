"""One language model of one service: its replies streamed or whole, and what they used."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from typing import TYPE_CHECKING, Final

from service.errors import ReaderCutOff, ReaderFailed, ReaderUnavailable
from service.readers import prices
from service.readers.budget import count_tokens
from service.readers.chat.client import OFFICIAL_URL, make_client
from service.readers.chat.failures import within
from service.readers.chat.reply import ChatReply
from service.records import Usage
from service.request_id import request_id

if TYPE_CHECKING:
    from openai import AsyncStream

logger = logging.getLogger("dateline")

_PATH = "/chat/completions"

# Reasoning models answer 400 to any temperature but their default, and to the older name of the limit.
_REASONING = re.compile(r"(?:.*/)?(?:o\d\b|gpt-[5-9])")
# These services refuse the older name with their newer models; most others know no other.
_NEWER_LIMIT = re.compile(r"https?://([\w.-]+\.)?(api\.openai\.com|openai\.azure\.com)\b")


class _End:
    """What reading on gives after the last chunk."""


_END: Final = _End()


class ChatModel:
    """One model of one service.

    `api_key` may be None for a service of one's own that wants none; `base_url` None is OpenAI. `deadline_s`
    bounds a whole call in seconds, retries and the reading of the last chunk included. `max_output_tokens`
    bounds the reply, with a reasoning model its reasoning too; a service that does not keep to it is left. Each
    failing call leaves one line in the log. Raises ConfigurationError where the address or the key cannot be one, or
    where there is neither.
    """

    def __init__(
        self, model: str, api_key: str | None, base_url: str | None, *, deadline_s: float, max_output_tokens: int
    ) -> None:
        self.model = model
        self._base_url = base_url
        self._deadline_s = deadline_s
        self._max_output_tokens = max_output_tokens
        self._client = make_client(api_key, base_url, deadline_s=deadline_s, max_output_tokens=max_output_tokens)

    async def stream(self, system: str, user: str) -> AsyncGenerator[str | Usage, None]:
        """The reply in pieces as they come, then its Usage.

        Close the generator (`contextlib.aclosing`) to leave early: the connection closes with it, and the
        service stops writing. Raises ReaderFailed of each kind, ModelRefused among them; once connected only
        ReaderCutOff, ReaderTimeout or ModelRefused.
        """
        reply = ChatReply(self._max_output_tokens)
        with self._failures_logged():
            async with aclosing(self._pieces(system, user, reply)) as pieces:
                async for piece in pieces:
                    yield piece
            reply.check_finish()
            yield await self._usage(system, user, reply)

    async def complete(self, system: str, user: str) -> tuple[str, Usage]:
        """The whole reply and its Usage; raises as `stream` does."""
        call = self._client.post(_PATH, body=self._request(system, user), cast_to=object)
        reply = ChatReply(self._max_output_tokens)
        with self._failures_logged():
            reply.add(await within(self._deadline(), call, ReaderUnavailable))
            reply.check_finish()
            return reply.text, await self._usage(system, user, reply)

    async def count(self, system: str, user: str, text: str) -> Usage:
        """The Usage of a call by our own count, for a reply that was left early or came without one."""
        given, gave = [await asyncio.to_thread(count_tokens, part, self.model) for part in (system + user, text)]
        return self._priced(given, gave)

    async def aclose(self) -> None:
        """Close the connections; the model cannot be used afterwards."""
        await self._client.close()

    async def _pieces(self, system: str, user: str, reply: ChatReply) -> AsyncGenerator[str, None]:
        """The text of a streamed reply as it comes, up to the most that it may have."""
        deadline = self._deadline()
        chunks = await self._open(system, user, deadline)
        try:
            while not isinstance(data := await within(deadline, anext(chunks, _END), ReaderCutOff), _End):
                if piece := reply.add(data):
                    yield piece
                reply.check_length()
        except ReaderFailed:
            # After the last word only the count of tokens is missing, and that can be made here.
            if not reply.finished:
                raise
        finally:
            await chunks.close()

    @contextmanager
    def _failures_logged(self) -> Iterator[None]:
        try:
            yield
        except ReaderFailed as failure:
            logger.warning(
                "request %s: model %s: %s: %s",
                request_id.get() or "unknown",
                self.model,
                failure.code,
                " ".join(str(failure).split()),
            )
            raise

    async def _open(self, system: str, user: str, deadline: float) -> "AsyncStream[object]":
        from openai import AsyncStream

        # Read as plain data: the client's own types are filled unchecked, so a wrong shape would fail later.
        body = self._request(system, user) | {"stream": True, "stream_options": {"include_usage": True}}
        call = self._client.post(_PATH, body=body, cast_to=object, stream=True, stream_cls=AsyncStream[object])
        return await within(deadline, call, ReaderUnavailable)

    def _request(self, system: str, user: str) -> dict[str, object]:
        reasoning = _REASONING.match(self.model)
        newer = reasoning or _NEWER_LIMIT.match(self._base_url or OFFICIAL_URL)
        request: dict[str, object] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": _encodable(system)},
                {"role": "user", "content": _encodable(user)},
            ],
            "max_completion_tokens" if newer else "max_tokens": self._max_output_tokens,
        }
        if not reasoning:
            request["temperature"] = 0
        return request

    async def _usage(self, system: str, user: str, reply: ChatReply) -> Usage:
        if reply.tokens is None:
            return await self.count(system, user, reply.text)
        return self._priced(*reply.tokens)

    def _priced(self, input_tokens: int, output_tokens: int) -> Usage:
        usage = Usage(input_tokens, output_tokens, llm_calls=1)
        return Usage(input_tokens, output_tokens, 1, prices.cost(self.model, usage, self._base_url))

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._deadline_s


def _encodable(text: str) -> str:
    """The text without lone surrogates, which a JSON body in UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode("utf-8")
