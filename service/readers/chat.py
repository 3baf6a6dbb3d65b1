"""The client of a language model behind the OpenAI chat API: one deadline a request, and few kinds of failure.

Retries are the SDK's alone, before the first byte of a reply. After repeated failures a circuit breaker is open for a
while: calls then fail at once, with the last kind of failure.
"""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic_core import from_json

from index.breaker import CircuitBreaker
from index.errors import ConfigurationError
from service.errors import ReaderCutOff, ReaderFailed, ReaderTimeout, ReaderUnavailable
from service.prompts import cost, count_tokens
from service.readers.chat_failure import LIMITS, ParameterRefused, failure_of
from service.readers.reply import ChatReply
from service.records import Usage, request_id
from service.telemetry import OFF, Telemetry

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import AsyncOpenAI, AsyncStream
    from openai.types.chat import ChatCompletion, ChatCompletionChunk

    _Stream = AsyncStream[ChatCompletionChunk]

logger = logging.getLogger("dateline")

OFFICIAL_URL = "https://api.openai.com/v1"

RETRIES = 1
"""Retries of a call, after half a second or what Retry-After says: a user is waiting."""

CONNECT_S = 2.0

FIRST, SILENCE = 2 / 3, 1 / 3
"""Shares of the deadline: until the first text or a complete reply, and without a further event in a stream."""

FAILURES = 3
"""Failures in a row after which the model is not asked for a while."""

PAUSE_S = 30.0
"""How long a model that failed is not asked, in seconds."""

BYTES_A_TOKEN = 4_096
"""Bytes of a reply that a token may take: an event of JSON for each, with what filters and log-probabilities add."""

# Reasoning models answer 400 to any temperature but their default, and to the older name of the limit.
_REASONING = re.compile(r"(?:.*/)?(?:o\d\b|gpt-[5-9])")
# These services refuse the older name with their newer models; most others know no other.
_NEWER_LIMIT = re.compile(r"https?://([\w.-]+\.)?(api\.openai\.com|openai\.azure\.com)\b")

_T = TypeVar("_T")


@dataclass(slots=True)
class ModelUse:
    """The calls of the model by one request: when they must end, what they cost so far, and whether one failed.

    `until` is on the event loop's clock; the first call sets it. A call that the service accepted is counted however
    it ends: also if it fails, or if the caller leaves. A timeout counts the prompt, which the service may charge.
    """

    until: float | None = None
    usage: Usage = field(default_factory=Usage)
    has_failed: bool = False


class Chat(Protocol):
    """A language model: `ChatModel`, or a substitute for it."""

    @property
    def model(self) -> str:
        """The model's name as its service knows it."""

    def stream(self, system: str, user: str, use: ModelUse) -> AsyncGenerator[str, None]:
        """Yield the reply in pieces as they arrive, and add the call to `use`; raises ReaderFailed of each kind."""

    async def complete(self, system: str, user: str, use: ModelUse) -> str:
        """Return the complete reply, and add the call to `use`; raises as `stream` does."""

    async def aclose(self) -> None:
        """Close the connections; the model cannot be used afterwards."""


def has_price(model: str, base_url: str | None) -> bool:
    """Return whether the list price of a model's calls is known."""
    return cost(model, 0, 0, base_url or OFFICIAL_URL) is not None


class ChatModel:
    """One model of one service.

    `api_key` may be None for a service that needs none; `base_url` None is OpenAI. `deadline_s` bounds all calls of a
    request in seconds, including retries. `max_output_tokens` bounds the reply, with a reasoning model its reasoning
    too; a longer reply is cut off. A request that is refused for one of its parameters is repeated without it, and so
    are later ones. Each failing call writes one line to the log. Raises ConfigurationError if the address or the key is
    missing or invalid.
    """

    def __init__(
        self,
        model: str,
        api_key: str | None,
        base_url: str | None,
        *,
        deadline_s: float,
        max_output_tokens: int,
        telemetry: Telemetry = OFF,
    ) -> None:
        self.model = model
        self._telemetry = telemetry
        self._base_url = base_url or OFFICIAL_URL
        self._deadline_s = deadline_s
        self._max_output_tokens = max_output_tokens
        self._refused: frozenset[str] = frozenset()  # what the service refuses of a request, for this process
        self.breaker = CircuitBreaker(FAILURES)
        self._last_failure: type[ReaderFailed] = ReaderUnavailable
        self._client = _make_client(api_key, base_url, deadline_s=deadline_s, max_output_tokens=max_output_tokens)
        self._completions = self._client.chat.completions  # loads their module now, not within the first question

    async def stream(self, system: str, user: str, use: ModelUse) -> AsyncGenerator[str, None]:
        """Yield the reply in pieces as they arrive, and add the call to `use`.

        Close the generator (`contextlib.aclosing`) to leave early: the connection closes with it, and the service stops
        writing. Raises ReaderFailed of each kind, ModelRefused among them; once connected only ReaderCutOff,
        ReaderTimeout or ModelRefused.
        """
        reply = ChatReply(self._max_output_tokens)
        async with self._called(use, system + user, reply, streams=True):
            request = self._request(system, user) | {"stream": True, "stream_options": {"include_usage": True}}
            chunks = _chunks(await self._accepted(request, reply, self._limit(use, FIRST)))
            try:
                while (chunk := await self._next(chunks, reply, use)) is not None:
                    if piece := reply.add(chunk):
                        yield piece
                    reply.check_length()
            except ReaderFailed:
                # After the last word only the count of tokens is missing, which can be made here.
                if not reply.finish_reason:
                    raise
            finally:
                await chunks.aclose()
            reply.check_finish()

    async def complete(self, system: str, user: str, use: ModelUse) -> str:
        """Return the complete reply, and add the call to `use`; raises as `stream` does."""
        reply = ChatReply(self._max_output_tokens)
        async with self._called(use, system + user, reply):
            reply.add(await self._accepted(self._request(system, user), reply, self._limit(use, FIRST)))
            reply.check_finish()
            return reply.text

    async def aclose(self) -> None:
        """Close the connections; the model cannot be used afterwards."""
        await self._client.close()

    @asynccontextmanager
    async def _called(
        self, use: ModelUse, prompt: str, reply: ChatReply, *, streams: bool = False
    ) -> AsyncIterator[None]:
        """Guard, count and log one call; while the breaker is open, raise the last kind of failure at once."""
        now = asyncio.get_running_loop().time()
        use.until = use.until or now + self._deadline_s
        if now >= use.until or not self.breaker.admit():
            use.has_failed = True
            kind = ReaderTimeout if now >= use.until else self._last_failure
            raise kind("The language model was not asked: no time is left, or it failed before.")
        try:
            with self._telemetry.chat(self.model, self._base_url, reply, streams=streams):
                yield
        except ReaderFailed as failure:
            use.has_failed = True
            log_failure(self.model, failure, pause_s=PAUSE_S if self._has_opened(failure) else 0)
            if reply.is_accepted or isinstance(failure, ReaderTimeout):
                await self._count(use, prompt, reply)
            raise
        except BaseException:
            # The caller left. Counted here, because another wait could be cancelled as well.
            (self.breaker.succeed if reply.has_text else self.breaker.release)()
            use.usage += self._usage(prompt, reply)
            raise
        self.breaker.succeed()
        await self._count(use, prompt, reply)

    def _has_opened(self, failure: ReaderFailed) -> bool:
        """Tell the breaker of a failure; return whether it opened."""
        if failure.blame == "request":
            self.breaker.succeed()
            return False
        self._last_failure = type(failure)
        return self.breaker.fail(PAUSE_S, at_once=failure.blame == "account")

    async def _accepted(self, request: dict[str, Any], reply: ChatReply, deadline: float) -> "ChatCompletion | _Stream":
        """Return the reply to a request, adjusted as often as the service refuses another part of it by name."""
        refused = self._refused
        while True:
            try:
                call: Awaitable[ChatCompletion | _Stream] = self._completions.create(**_adjusted(request, refused))
                opened = await _within(deadline, call, ReaderUnavailable)
            except ParameterRefused as failure:
                if failure.refused <= refused:
                    raise
                refused |= failure.refused
                continue
            reply.is_accepted = True
            if refused != self._refused:
                logger.info("model %s: its service refuses %s: left out from now on", self.model, sorted(refused))
                self._refused = refused
            return opened

    async def _next(self, chunks: AsyncGenerator[object, None], reply: ChatReply, use: ModelUse) -> object:
        """Return the next chunk of a stream, None after the last one."""
        return await _within(self._limit(use, SILENCE if reply.has_text else FIRST), anext(chunks, None), ReaderCutOff)

    def _limit(self, use: ModelUse, share: float) -> float:
        """Return when the model must have gone on: a share of the deadline from now, within the request's own."""
        limit = asyncio.get_running_loop().time() + share * self._deadline_s
        return min(limit, use.until or limit)

    def _request(self, system: str, user: str) -> dict[str, Any]:
        reasoning = _REASONING.match(self.model)
        newer = reasoning or _NEWER_LIMIT.match(self._base_url)
        request: dict[str, Any] = {
            "model": self.model,
            "messages": [
                {"role": "system", "content": _encodable(system)},
                {"role": "user", "content": _encodable(user)},
            ],
            "max_completion_tokens" if newer else "max_tokens": self._max_output_tokens,
        }
        return request if reasoning else {**request, "temperature": 0}

    async def _count(self, use: ModelUse, prompt: str, reply: ChatReply) -> None:
        """Add a call to the use, also if the caller leaves meanwhile; our own count would hold up the event loop."""
        try:
            usage = self._usage(prompt, reply) if reply.tokens else await asyncio.to_thread(self._usage, prompt, reply)
        except asyncio.CancelledError:
            use.usage += self._usage(prompt, reply)
            raise
        use.usage += usage

    def _usage(self, prompt: str, reply: ChatReply) -> Usage:
        """Return the Usage of a call, by the service's count if it sent one, else by ours of what was received."""
        counts = reply.tokens or (count_tokens(prompt, self.model), count_tokens(reply.text, self.model))
        return Usage(*counts, llm_calls=1, cost_usd=cost(self.model, *counts, self._base_url))


def log_failure(model: str, failure: ReaderFailed, pause_s: float = 0) -> None:
    """Write the one line of a failing call to the log, with the pause that follows it, if any."""
    message = " ".join(str(failure).split()) + (f" It is not asked for {pause_s:g} s." if pause_s else "")
    logger.warning("request %s: model %s: %s: %s", request_id.get() or "unknown", model, failure.code, message)


def _adjusted(request: dict[str, Any], refused: frozenset[str]) -> dict[str, Any]:
    """Return a request without what the service refuses: the other name of the limit, one message in place of two."""
    names = refused | {"stream_options"} if "stream" in refused else refused
    adjusted = {name: value for name, value in request.items() if name not in names}
    if not adjusted.keys() & LIMITS.keys():
        name = next(name for name in LIMITS if name in request)
        adjusted[LIMITS[name]] = request[name]
    if "system" in refused:
        text = "\n\n".join(message["content"] for message in request["messages"])
        adjusted["messages"] = [{"role": "user", "content": text}]
    return adjusted


async def _chunks(opened: "ChatCompletion | _Stream") -> AsyncGenerator[object, None]:
    """Yield the chunks of a reply and close it; a complete reply, of a service that does not stream, is one chunk."""
    if not isinstance(opened, AsyncIterable):
        yield opened
        return
    try:
        if opened.response.headers.get("content-type", "").startswith("application/json"):
            yield from_json(await opened.response.aread())
        else:
            async for chunk in opened:
                yield chunk
    finally:
        await opened.close()
        # The stream and its iterator refer to each other. Reading what has arrived ends the iterator, which the garbage
        # collector would end in whichever thread it runs.
        with suppress(Exception):
            async for _ in opened:
                pass


def _make_client(
    api_key: str | None, base_url: str | None, *, deadline_s: float, max_output_tokens: int
) -> "AsyncOpenAI":
    """Return a client that follows no redirect and reads bodies to a bound; raises ConfigurationError.

    From the environment it reads proxies, and the organisation and project that openai itself looks for.
    """
    from openai import AsyncOpenAI, DefaultAsyncHttpx2Client, Timeout

    from index.response_limit import ERROR_BYTES, UNENCODED, limit_response, tls_context

    _check_access(api_key, base_url)

    async def prepare(response: "Response") -> None:
        """Bound a reply, and prevent a retry after a 429 that cannot succeed before the deadline."""
        limit_response(response, ERROR_BYTES + max_output_tokens * BYTES_A_TOKEN)
        if not response.is_error:
            return
        # A body that breaks while it is read here counts as a lost connection, which is retried.
        body = await response.aread()
        late = _seconds(response.headers.get("retry-after")) > deadline_s
        if response.status_code == 429 and (late or b"insufficient_quota" in body):
            response.headers["x-should-retry"] = "false"

    timeout = Timeout(deadline_s, connect=CONNECT_S)
    return AsyncOpenAI(
        api_key=api_key or "unused",
        base_url=base_url or OFFICIAL_URL,  # otherwise the client reads one from the environment
        timeout=timeout,
        max_retries=RETRIES,
        default_headers=UNENCODED,
        # A redirect would send the prompt to an address that is not configured.
        http_client=DefaultAsyncHttpx2Client(
            timeout=timeout,
            verify=tls_context(trust_env=True),
            follow_redirects=False,
            event_hooks={"response": [prepare]},
        ),
    )


def _seconds(retry_after: str | None) -> float:
    """Return the seconds of a Retry-After header; 0 if it is missing, or a date, which the client reads itself."""
    try:
        return float(retry_after or 0)
    except ValueError:
        return 0.0


def _check_access(api_key: str | None, base_url: str | None) -> None:
    if not api_key and not base_url:
        raise ConfigurationError(
            "a language model is set, but neither a key nor the address of its service",
            "Set OPENAI_API_KEY, or OPENAI_BASE_URL for a service of your own.",
        )
    if api_key and not (api_key.isascii() and api_key.isprintable() and " " not in api_key):
        raise ConfigurationError(
            "OPENAI_API_KEY has invalid characters", "Expected printable ASCII without spaces: copy it again."
        )
    if base_url and not _is_address(base_url):
        raise ConfigurationError(
            f"OPENAI_BASE_URL is {base_url!r}, expected an address", "Write it as in http://127.0.0.1:8080/v1."
        )


def _is_address(url: str) -> bool:
    """Return whether an address is valid for urllib and the HTTP client; each refuses some that the other accepts."""
    from httpx2 import URL, InvalidURL

    try:
        address, client_address = urlsplit(url), URL(url)
        return address.scheme in {"http", "https"} and bool(client_address.host) and address.port != 0
    except (InvalidURL, ValueError):
        return False


def _encodable(text: str) -> str:
    """Return the text without lone surrogates, which a JSON body in UTF-8 cannot contain."""
    return text.encode("utf-8", "replace").decode("utf-8")


async def _within(deadline: float, call: Awaitable[_T], otherwise: type[ReaderFailed]) -> _T:
    """Return the result of a call before the deadline, on the loop's clock.

    Raises ReaderFailed of the kind that fits, `otherwise` if the connection failed. A service's bytes can make the
    client raise OpenAIError, OSError (certificates), ValueError (invalid UTF-8 or JSON), RecursionError (JSON nested
    too deep), TypeError or AttributeError (JSON of another shape).
    """
    from openai import OpenAIError

    try:
        async with asyncio.timeout_at(deadline):
            return await call
    except (OpenAIError, OSError, ValueError, RecursionError, TypeError, AttributeError) as error:
        failure, cause = failure_of(error, otherwise)
        raise failure from cause
