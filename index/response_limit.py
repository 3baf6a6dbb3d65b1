"""The certificates of HTTP clients, and a limit on the bytes of a response; imported only before a request."""

import ssl
from collections.abc import AsyncIterator, Iterator
from functools import cache
from typing import Any

import httpx2

ERROR_BYTES = 64_000
"""Limit for the body of an error, in bytes; its code is in the first thousand."""

UNENCODED = {"Accept-Encoding": "identity"}
"""Header that asks a service for plain bytes: a few kilobytes may decompress to gigabytes."""


class ResponseTooLong(httpx2.ReadError):
    """A response is longer than its limit."""


class _LimitedStream(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """The first `limit` bytes of a body; the rest is dropped or, with `strict`, raises ResponseTooLong."""

    def __init__(self, stream: Any, limit: int, *, strict: bool) -> None:  # noqa: ANN401 - synchronous or asynchronous
        self._stream = stream
        self._left = limit
        self._strict = strict

    def __iter__(self) -> Iterator[bytes]:
        for part in self._stream:
            yield part[: max(0, self._left)]
            if self._is_over(part):
                return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._stream:
            yield part[: max(0, self._left)]
            if self._is_over(part):
                return

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()

    def _is_over(self, part: bytes) -> bool:
        self._left -= len(part)
        if self._left < 0 and self._strict:
            raise ResponseTooLong("the response is longer than its limit")
        return self._left < 0


def limit_response(response: httpx2.Response, limit: int) -> None:
    """Limit a response to `limit` bytes, an error or a redirect to ERROR_BYTES, and do not decompress it."""
    response.headers.pop("content-encoding", None)
    limit = limit if response.is_success else ERROR_BYTES
    response.stream = _LimitedStream(response.stream, limit, strict=response.is_success)


@cache
def tls_context(*, trust_env: bool) -> ssl.SSLContext:
    """Return the certificates that clients trust, read once: each reading takes 30 ms.

    With `trust_env` the environment may name others (`SSL_CERT_FILE`).
    """
    return httpx2.create_ssl_context(trust_env=trust_env)
