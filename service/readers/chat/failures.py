"""What goes wrong with a chat model, in our words.

Read from the source of openai 3.51 and httpx2 2.16, a call can raise OpenAIError (every API error is one),
httpx2's own errors where a body is read or an address parsed outside of the client's handling, OSError
(certificates), ValueError (bytes that are no UTF-8, text that is no JSON) and RecursionError (JSON nested too
deep). Each becomes a ReaderFailed; nothing else is caught.
"""

import asyncio
import re
from collections.abc import Awaitable
from typing import TypeVar

from service.errors import (
    ReaderCutOff,
    ReaderFailed,
    ReaderRateLimited,
    ReaderRejected,
    ReaderTimeout,
    ReaderUnavailable,
)

# A vendor's error code may be shown; its message may not, because services echo keys and prompts in it.
_ERROR_CODE = re.compile(r"[a-z_]{1,60}")

_HINTS = {
    401: "Check OPENAI_API_KEY.",
    403: "Check what OPENAI_API_KEY is allowed to do.",
    404: "Check DATELINE_LLM_MODEL and OPENAI_BASE_URL.",
    429: "Ask less often, or raise the limit or the credit of the key's account.",
}

_T = TypeVar("_T")


async def within(deadline: float, call: Awaitable[_T], otherwise: type[ReaderFailed]) -> _T:
    """What `call` gives before `deadline` (on the loop's clock).

    Raises ReaderFailed of the kind that fits; where the connection failed, `otherwise`.
    """
    import httpx2
    from openai import OpenAIError

    try:
        async with asyncio.timeout_at(deadline):
            return await call
    except (OpenAIError, httpx2.HTTPError, httpx2.InvalidURL, OSError, ValueError, RecursionError) as error:
        failure, cause = _translated(error, otherwise)
        raise failure from cause


def _translated(error: Exception, otherwise: type[ReaderFailed]) -> tuple[ReaderFailed, Exception | None]:
    """The failure that `error` means, and `error` itself where a log may hold the vendor's words."""
    from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

    from index.bounded import TooLong

    if isinstance(error.__cause__ or error, TooLong):
        return ReaderCutOff("The language model's service sent more bytes than a reply may have."), None
    if isinstance(error, TimeoutError | APITimeoutError):
        return ReaderTimeout("The language model gave no full reply within its deadline."), error
    if isinstance(error, APIStatusError):
        return _refusal(error.status_code, error.code), None
    if isinstance(error, ValueError | RecursionError):
        return ReaderCutOff("The language model's service sent something that is no chat completion."), None
    if isinstance(error, APIError) and not isinstance(error, APIConnectionError):
        return ReaderCutOff(f"The language model's service broke off with an error{_shown(error.code)}."), None
    return otherwise("The connection to the language model's service failed.", "Check OPENAI_BASE_URL."), error


def _refusal(status: int, code: str | None) -> ReaderFailed:
    """The failure behind an HTTP status that is not a success."""
    message = f"The language model's service answered {status}{_shown(code)}."
    if status == 429:
        return ReaderRateLimited(message, _HINTS[429])
    # 408 and 409 are the service's own time-out and lock, which another attempt may pass.
    if status >= 500 or status in {408, 409}:
        return ReaderUnavailable(message)
    return ReaderRejected(message, _HINTS.get(status, "The model's name or the length of the prompt may not fit it."))


def _shown(code: str | None) -> str:
    return f" ({code})" if code and _ERROR_CODE.fullmatch(code) else ""
