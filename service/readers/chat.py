"""The client of a language model behind the OpenAI chat API: one deadline a call, and few kinds of failure."""

import asyncio
import logging
import re
from collections.abc import AsyncGenerator, Awaitable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeVar
from urllib.parse import urlsplit

from pydantic import AliasChoices, BaseModel, Field, NonNegativeInt, ValidationError

from index.errors import ConfigurationError
from service.errors import (
    ReaderCutOff,
    ReaderFailed,
    ReaderRateLimited,
    ReaderRejected,
    ReaderTimeout,
    ReaderUnavailable,
)
from service.readers.budget import cost, count_tokens
from service.records import Usage, request_id

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import AsyncOpenAI

logger = logging.getLogger("dateline")

OFFICIAL_URL = "https://api.openai.com/v1"

RETRIES = 1
"""Retries of a call, after half a second or what Retry-After says: a user is waiting."""

CONNECT_S = 2.0

BYTES_A_TOKEN = 4_096
"""Bytes of a reply that a token may take: an event of JSON for each, with what filters and log-probabilities add."""

CHARACTERS_A_TOKEN = 8
"""Characters of a reply that a token may have: English has about four, a run of dashes or spaces more."""

# Reasoning models answer 400 to any temperature but their default, and to the older name of the limit.
_REASONING = re.compile(r"(?:.*/)?(?:o\d\b|gpt-[5-9])")
# These services refuse the older name with their newer models; most others know no other.
_NEWER_LIMIT = re.compile(r"https?://([\w.-]+\.)?(api\.openai\.com|openai\.azure\.com)\b")

_COMPLETE = frozenset({"stop", "eos_token", "stop_sequence"})
"""Finish reasons of a complete reply, as text generation servers name them."""

_HINTS = {
    401: "Check OPENAI_API_KEY.",
    403: "Check what OPENAI_API_KEY is allowed to do.",
    404: "Check DATELINE_LLM_MODEL and OPENAI_BASE_URL.",
    429: "Ask less often, or raise the limit or the credit of the key's account.",
}

_T = TypeVar("_T")


class ModelRefused(ReaderFailed):
    """The language model, or a filter on its service, declined to answer."""

    code = "model_refused"


class Chat(Protocol):
    """A language model: `ChatModel`, or a substitute for it."""

    @property
    def model(self) -> str:
        """The model's name as its service knows it."""

    def stream(self, system: str, user: str) -> AsyncGenerator[str | Usage, None]:
        """Yield the reply in pieces as they arrive, then its Usage; raises ReaderFailed of each kind."""

    async def complete(self, system: str, user: str) -> tuple[str, Usage]:
        """Return the complete reply and its Usage; raises as `stream` does."""

    async def count(self, system: str, user: str, text: str) -> Usage:
        """Return the Usage of a call by our own count of its tokens."""

    async def aclose(self) -> None:
        """Close the connections; the model cannot be used afterwards."""


class ChatModel:
    """One model of one service.

    `api_key` may be None for a service that needs none; `base_url` None is OpenAI. `deadline_s` bounds a call in
    seconds, including retries. `max_output_tokens` bounds the reply, with a reasoning model its reasoning too; a longer
    reply is cut off. Each failing call writes one line to the log. Raises ConfigurationError if the address or the
    key is missing or invalid.
    """

    def __init__(
        self, model: str, api_key: str | None, base_url: str | None, *, deadline_s: float, max_output_tokens: int
    ) -> None:
        self.model = model
        self._base_url = base_url or OFFICIAL_URL
        self._deadline_s = deadline_s
        self._max_output_tokens = max_output_tokens
        self._client = _make_client(api_key, base_url, deadline_s=deadline_s, max_output_tokens=max_output_tokens)
        self._completions = self._client.chat.completions  # loads their module now, not within the first question

    async def stream(self, system: str, user: str) -> AsyncGenerator[str | Usage, None]:
        """Yield the reply in pieces as they arrive, then its Usage.

        Close the generator (`contextlib.aclosing`) to leave early: the connection closes with it, and the service stops
        writing. Raises ReaderFailed of each kind, ModelRefused among them; once connected only ReaderCutOff,
        ReaderTimeout or ModelRefused.
        """
        with self._failures_logged():
            reply, deadline = ChatReply(self._max_output_tokens), self._deadline()
            request = {**self._request(system, user), "stream": True, "stream_options": {"include_usage": True}}
            chunks = await _within(deadline, self._completions.create(**request), ReaderUnavailable)
            try:
                while (chunk := await _within(deadline, anext(chunks, None), ReaderCutOff)) is not None:
                    if piece := reply.add(chunk):
                        yield piece
                    reply.check_length()
            except ReaderFailed:
                # After the last word only the count of tokens is missing, which can be made here.
                if not reply.finished:
                    raise
            finally:
                await chunks.close()
            reply.check_finish()
            yield await self._usage(system, user, reply)

    async def complete(self, system: str, user: str) -> tuple[str, Usage]:
        """Return the complete reply and its Usage; raises as `stream` does."""
        with self._failures_logged():
            reply = ChatReply(self._max_output_tokens)
            call = self._completions.create(**self._request(system, user))
            reply.add(await _within(self._deadline(), call, ReaderUnavailable))
            reply.check_finish()
            return reply.text, await self._usage(system, user, reply)

    async def count(self, system: str, user: str, text: str) -> Usage:
        """Return the Usage of a call by our own count, for a reply that was left early or came without one."""
        tokens = [await asyncio.to_thread(count_tokens, part, self.model) for part in (system + user, text)]
        return self._priced(tokens[0], tokens[1])

    async def aclose(self) -> None:
        """Close the connections; the model cannot be used afterwards."""
        await self._client.close()

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

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._deadline_s

    async def _usage(self, system: str, user: str, reply: "ChatReply") -> Usage:
        if reply.tokens is None:
            return await self.count(system, user, reply.text)
        return self._priced(*reply.tokens)

    def _priced(self, input_tokens: int, output_tokens: int) -> Usage:
        price = cost(self.model, input_tokens, output_tokens, self._base_url)
        return Usage(input_tokens, output_tokens, llm_calls=1, cost_usd=price)

    @contextmanager
    def _failures_logged(self) -> Iterator[None]:
        try:
            yield
        except ReaderFailed as failure:
            message = " ".join(str(failure).split())
            logger.warning(
                "request %s: model %s: %s: %s", request_id.get() or "unknown", self.model, failure.code, message
            )
            raise


class _Part(BaseModel):
    """The text of a reply: a message, or the next piece of it."""

    content: str | None = None
    refusal: str | None = None


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
        self._finish_reason: str | None = None

    @property
    def text(self) -> str:
        """All text so far."""
        return "".join(self._pieces)

    @property
    def finished(self) -> bool:
        """True once the service has sent a finish reason."""
        return self._finish_reason is not None

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
        self._finish_reason = choice.finish_reason or self._finish_reason
        content = part.content or ""
        text = content[: max(0, self._left)]
        self._left -= len(content)
        self._pieces.append(text)
        return text

    def check_length(self) -> None:
        """Raise ReaderCutOff for a reply that is longer than requested."""
        if self._left < 0:
            raise ReaderCutOff("The language model's reply went on beyond the limit of its length.")

    def check_finish(self) -> None:
        """Raise ReaderCutOff for an incomplete reply, ModelRefused for one that a filter ended."""
        self.check_length()
        if self._finish_reason is None:
            raise ReaderCutOff("The language model's reply stopped before its end.")
        if self._finish_reason == "content_filter":
            raise ModelRefused("A filter on the language model's service ended the reply.")
        if self._finish_reason == "length":
            raise ReaderCutOff(
                "The language model's reply reached the limit of its length.", "Raise the limit of output tokens."
            )
        if self._finish_reason not in _COMPLETE:
            raise ReaderCutOff("The language model's service ended the reply before its end.")


def _make_client(
    api_key: str | None, base_url: str | None, *, deadline_s: float, max_output_tokens: int
) -> "AsyncOpenAI":
    """Return a client that follows no redirect and reads bodies to a bound; raises ConfigurationError.

    From the environment it reads proxies, and the organisation and project that openai itself looks for.
    """
    from openai import AsyncOpenAI, DefaultAsyncHttpx2Client, Timeout

    from index.response_limit import ERROR_BYTES, UNENCODED, limit_response

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
            timeout=timeout, follow_redirects=False, event_hooks={"response": [prepare]}
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
        failure, cause = _failure(error, otherwise)
        raise failure from cause


def _failure(error: Exception, otherwise: type[ReaderFailed]) -> tuple[ReaderFailed, Exception | None]:
    """Return the failure that an error means, and the error as its cause if a log may show the vendor's words."""
    from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

    from index.response_limit import ResponseTooLong

    if isinstance(error.__cause__ or error, ResponseTooLong):
        return ReaderCutOff("The language model's service sent more bytes than a reply may have."), None
    if isinstance(error, TimeoutError | APITimeoutError):
        return ReaderTimeout("The language model gave no complete reply within its deadline."), error
    if isinstance(error, APIStatusError):
        return _refusal(error.status_code, error.code), None
    if isinstance(error, ValueError | RecursionError | TypeError | AttributeError):
        return ReaderCutOff("The language model's service sent an invalid chat completion."), None
    if isinstance(error, APIError) and not isinstance(error, APIConnectionError):
        return ReaderCutOff(f"The language model's service broke off with an error{_shown(error.code)}."), None
    return otherwise("The connection to the language model's service failed.", "Check OPENAI_BASE_URL."), error


def _refusal(status: int, code: str | None) -> ReaderFailed:
    """Return the failure for an HTTP status other than success."""
    message = f"The language model's service answered {status}{_shown(code)}."
    if status == 429:
        return ReaderRateLimited(message, _HINTS[429])
    # 408 and 409 are the service's own timeout and lock, which a retry may pass.
    if status >= 500 or status in {408, 409}:
        return ReaderUnavailable(message)
    return ReaderRejected(message, _HINTS.get(status, "The model's name or the length of the prompt may not fit it."))


def _shown(code: str | None) -> str:
    # A vendor's error code may be shown; its message may not, because services echo keys and prompts in it.
    return f" ({code})" if code and re.fullmatch(r"[a-z_]{1,60}", code) else ""
