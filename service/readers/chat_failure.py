"""The failure that an error of the model's service means: who can act on it, and what a later request should omit."""

import re
from typing import TYPE_CHECKING

from service.errors import (
    Blame,
    ReaderCutOff,
    ReaderFailed,
    ReaderRateLimited,
    ReaderRejected,
    ReaderTimeout,
    ReaderUnavailable,
)
from service.readers.reply import shown_code

if TYPE_CHECKING:
    from openai import APIStatusError

LONGEST_MESSAGE = 2_000
"""Characters of a vendor's message that are searched for the name of a parameter."""

_HINTS = {
    401: "Check OPENAI_API_KEY.",
    403: "Check what OPENAI_API_KEY is allowed to do.",
    404: "Check DATELINE_LLM_MODEL and OPENAI_BASE_URL.",
    429: "Ask less often, or raise the limit or the credit of the key's account.",
}

_BLAMES: dict[int, Blame] = {401: "account", 403: "service", 404: "service"}
"""Statuses that later requests will get as well; some services send 403 for the words of one request."""

LIMITS = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
"""The names of the limit of a reply, each with the one to try if it is refused."""

_REFUSED = {
    "max_tokens": re.compile(r"max_tokens"),
    "max_completion_tokens": re.compile(r"max_completion_tokens"),
    "temperature": re.compile(r"temperature"),
    "stream_options": re.compile(r"stream_options|include_usage"),
    "stream": re.compile(r"\bstream(?:ing)?\b"),
    "system": re.compile(r"\bsystem\b.{0,40}\b(?:role|message|prompt|instruction)|\brole\b.{0,40}\bsystem\b|\.role$"),
}
"""The parts of a request that services refuse, with their names in the field `param` or in a message."""

_REFUSES = re.compile(
    r"support|unknown|unrecogni[sz]ed|unexpected|not (?:allowed|permitted|accepted)|only|extra|deprecated"
    r"|must be|invalid"
)
_TOO_MUCH = re.compile(r"context|too (?:large|long|many|high|big)|at most|exceed|less than|greater|maximum|range|<=")


class ParameterRefused(ReaderRejected):
    """The service refuses parts of the request by name; `refused` are keys of the adjustments."""

    def __init__(self, message: str, hint: str, refused: frozenset[str]) -> None:
        super().__init__(message, hint)
        self.refused = refused


def failure_of(error: Exception, otherwise: type[ReaderFailed]) -> tuple[ReaderFailed, Exception | None]:
    """Return the failure that an error means, and the error as its cause if a log may show the vendor's words."""
    from openai import APIConnectionError, APIError, APIStatusError, APITimeoutError

    from index.response_limit import ResponseTooLong

    if isinstance(error.__cause__ or error, ResponseTooLong):
        return ReaderCutOff("The language model's service sent more bytes than a reply may have."), None
    if isinstance(error, TimeoutError | APITimeoutError):
        return ReaderTimeout("The language model gave no complete reply within its deadline."), error
    if isinstance(error, APIStatusError):
        return _refusal(error), None
    if isinstance(error, ValueError | RecursionError | TypeError | AttributeError):
        return ReaderCutOff("The language model's service sent an invalid chat completion.", blame="service"), None
    if isinstance(error, APIError) and not isinstance(error, APIConnectionError):
        message = f"The language model's service broke off with an error{shown_code(error.code)}."
        return ReaderCutOff(message, blame="service"), None
    message = "The connection to the language model's service failed."
    return otherwise(message, "Check OPENAI_BASE_URL.", "service"), error


def _refusal(error: "APIStatusError") -> ReaderFailed:
    """Return the failure for an HTTP status other than success."""
    status = error.status_code
    message = f"The language model's service answered {status}{shown_code(error.code or error.type)}."
    if status == 429:
        has_quota = "insufficient_quota" not in {error.code, error.type}
        return ReaderRateLimited(message, _HINTS[429], "service" if has_quota else "account")
    # 408 and 409 are the service's own timeout and lock, which a retry may pass.
    if status >= 500 or status in {408, 409}:
        return ReaderUnavailable(message)
    hint = _HINTS.get(status, "The model's name or the length of the prompt may not fit it.")
    refused = _refused_parts(error) if status in {400, 422} else frozenset()
    return ParameterRefused(message, hint, refused) if refused else ReaderRejected(message, hint, _BLAMES.get(status))


def _refused_parts(error: "APIStatusError") -> frozenset[str]:
    """Return the parts of a request that a service refuses by name; the limit is not refused where it is too high."""
    # A server that validates requests itself sends a list of errors, without the usual field of a message.
    is_usual = isinstance(error.body, dict) and "message" in error.body
    said = str(error.message if is_usual else error.body or error.message)[:LONGEST_MESSAGE].lower()
    if not _REFUSES.search(f"{said} {error.code}"):
        return frozenset()
    # A message may name the parameter to use instead.
    named = str(error.param or "").lower() or re.sub(r"\buse\b.*", "", said)
    parts = frozenset(part for part, pattern in _REFUSED.items() if pattern.search(named))
    # Only reasoning models refuse the older name with this code; they refuse a temperature with the next request.
    if "max_tokens" in parts and error.code == "unsupported_parameter":
        parts |= {"temperature"}
    return parts - LIMITS.keys() if _TOO_MUCH.search(said) else parts
