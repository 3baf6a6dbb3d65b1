"""The HTTP client of a chat model: checked access, time-outs, and one retry where one can help."""

from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from index.errors import ConfigurationError

if TYPE_CHECKING:
    from httpx2 import Response
    from openai import AsyncOpenAI

OFFICIAL_URL = "https://api.openai.com/v1"

# One retry, and only the client's: it waits half a second or what Retry-After says. A reader is waiting, and the
# extractive reader answers if the second attempt fails too.
_RETRIES = 1
_CONNECT_S = 2.0

BYTES_A_TOKEN = 4_096
"""Bytes of a reply that a token may take: an event of JSON for each, with what filters and log-probabilities add."""


def make_client(
    api_key: str | None, base_url: str | None, *, deadline_s: float, max_output_tokens: int
) -> "AsyncOpenAI":
    """Return a client for this key and address; raises ConfigurationError where they cannot be used.

    It follows no redirect and reads bodies to a bound. From the environment it takes proxies, and the organisation and
    project that openai itself looks for.
    """
    from openai import AsyncOpenAI, DefaultAsyncHttpx2Client, Timeout

    from index.bounded import ERROR_BYTES, UNENCODED, bound

    _check_access(api_key, base_url)

    async def prepare(response: "Response") -> None:
        """Bound a reply, and tell the client not to retry a 429 that no retry passes before the deadline."""
        bound(response, ERROR_BYTES + max_output_tokens * BYTES_A_TOKEN)
        if not response.is_error:
            return
        # Read here, a broken body is a lost connection to the client; where it reads bodies, it translates nothing.
        body = await response.aread()
        late = _seconds(response.headers.get("retry-after")) > deadline_s
        if response.status_code == 429 and (late or b"insufficient_quota" in body):
            response.headers["x-should-retry"] = "false"

    timeout = Timeout(deadline_s, connect=_CONNECT_S)
    return AsyncOpenAI(
        api_key=api_key or "unused",
        base_url=base_url or OFFICIAL_URL,  # else the client would look for one in the environment
        timeout=timeout,
        max_retries=_RETRIES,
        default_headers=UNENCODED,
        # A redirect would send the prompt to an address that is not configured.
        http_client=DefaultAsyncHttpx2Client(
            timeout=timeout, follow_redirects=False, event_hooks={"response": [prepare]}
        ),
    )


def _seconds(retry_after: str | None) -> float:
    """The seconds of a Retry-After header; 0 where it is missing, or a date, which the client reads itself."""
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
            "OPENAI_API_KEY holds characters that no key has", "Expected printable ASCII without spaces: copy it again."
        )
    if base_url and not _is_address(base_url):
        raise ConfigurationError(
            f"OPENAI_BASE_URL is {base_url!r}, expected an address", "Write it as in http://127.0.0.1:8080/v1."
        )


def _is_address(url: str) -> bool:
    """Whether `url` can be used; urllib and the HTTP client are both asked, each takes what the other refuses."""
    from httpx2 import URL, InvalidURL

    try:
        address, client_address = urlsplit(url), URL(url)
        return address.scheme in {"http", "https"} and bool(client_address.host) and address.port != 0
    except (InvalidURL, ValueError):
        return False
