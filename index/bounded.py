"""Bodies of HTTP replies, read to a bound; imported only once a service is asked."""

from collections.abc import AsyncIterator, Iterator

import httpx2

ERROR_BYTES = 64_000
"""Bytes read of the body of an error; its code is in the first thousand."""

UNENCODED = {"Accept-Encoding": "identity"}
"""Header by which a service is asked for plain bytes: a few kilobytes may decompress to gigabytes."""


class TooLong(httpx2.ReadError):
    """A reply has more bytes than it may have."""


class _Bounded(httpx2.SyncByteStream, httpx2.AsyncByteStream):
    """A body of at most `limit` bytes; what comes after them is dropped or, with `strict`, raises TooLong."""

    def __init__(self, stream: object, limit: int, *, strict: bool) -> None:
        self._stream = stream
        self._left = limit
        self._strict = strict

    def __iter__(self) -> Iterator[bytes]:
        """Yield the bytes up to the limit."""
        assert isinstance(self._stream, httpx2.SyncByteStream)
        for part in self._stream:
            yield self._taken(part)
            if self._is_over():
                return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the bytes up to the limit."""
        assert isinstance(self._stream, httpx2.AsyncByteStream)
        async for part in self._stream:
            yield self._taken(part)
            if self._is_over():
                return

    def close(self) -> None:
        """Close the connection."""
        assert isinstance(self._stream, httpx2.SyncByteStream)
        self._stream.close()

    async def aclose(self) -> None:
        """Close the connection."""
        assert isinstance(self._stream, httpx2.AsyncByteStream)
        await self._stream.aclose()

    def _taken(self, part: bytes) -> bytes:
        taken = part[: max(0, self._left)]
        self._left -= len(part)
        return taken

    def _is_over(self) -> bool:
        if self._left >= 0:
            return False
        if self._strict:
            raise TooLong("the reply is longer than it may be")
        return True


def bound(response: httpx2.Response, limit: int) -> None:
    """Let a reply be read to `limit` bytes, an error or a redirect to ERROR_BYTES; never decompress it."""
    response.headers.pop("content-encoding", None)
    limit = limit if response.is_success else ERROR_BYTES
    response.stream = _Bounded(response.stream, limit, strict=response.is_success)
