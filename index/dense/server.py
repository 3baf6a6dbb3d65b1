"""A `chroma run` server at a URL: each call to it ends in time, and after a failed one nobody waits for the next.

The server is reached directly, whatever proxies the environment names: it belongs on the loopback interface or on a
private network, where a proxy for the outside either cannot reach it or must not see what it is asked.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from index.dense.breaker import Breaker, Open
from index.dense.session import CONNECTIONS, Deadline, Line
from index.errors import ChromaUnavailable, ConfigurationError

if TYPE_CHECKING:
    from chromadb.api import ServerAPI

T = TypeVar("T")

QUESTION_S = 1.8
"""How long a call may take that a question waits for: with all around it, less than 2 s."""

PAGE_S = 60.0
"""How long a call may take that writes or reads a page of vectors."""

HINT = "Start it with `chroma run`, or see why it does not answer; requests recover by themselves."


class ChromaServer:
    """The server at `http(s)://host[:port]` (without a port, the scheme's own); safe to share between threads.

    Nothing is asked of it before the first call. Raises ConfigurationError where the URL is no such address.
    """

    def __init__(self, url: str) -> None:
        self.url = _address(url)
        self._breaker = Breaker()
        self._deadline = Deadline()
        self._lock = threading.Lock()
        self._open_line: Line | None = None
        self._closed = False
        self._workers = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="chroma")

    def close(self) -> None:
        """Let go of the connections; calls still under way fail, and no other may be made."""
        self._closed = True
        self._workers.shutdown(wait=False)
        with self._lock:
            if self._open_line is not None:
                self._open_line.transport.close()

    def ping(self) -> None:
        """Raise ChromaUnavailable unless the server answers."""
        self.call(lambda api: api.heartbeat())

    def call(self, work: Callable[["ServerAPI"], T], seconds: float = QUESTION_S) -> T:
        """What `work` returns or Chroma's own error, within so many seconds in all.

        Raises ChromaUnavailable where the server does not answer in time or not as Chroma does, and at once while that
        was so a moment ago.
        """
        import httpx

        if self._closed:
            raise self._unavailable("it was let go of")
        try:
            with self._breaker.guarding():
                outcome = self._within(seconds, work)
                error = outcome.exception()
                if isinstance(error, (httpx.HTTPError, OSError, ValueError, KeyError, TypeError)):
                    raise self._unavailable(f"{type(error).__name__}: {error}") from error
        except Open as error:
            raise self._unavailable("it did not answer a moment ago") from error
        return outcome.result()

    def _within(self, seconds: float, work: Callable[["ServerAPI"], T]) -> Future[T]:
        """The finished call. The timeouts of a request are for its steps, and there are none for names: so we wait."""
        with self._line() as line:
            outcome = self._workers.submit(self._bounded, time.monotonic() + seconds, work, line.api)
            finished, _ = wait([outcome], timeout=seconds)
            if not finished:
                outcome.cancel()
                # A reply that drips in would keep its worker for as long as it drips.
                self._give_up(line)
                raise self._unavailable(f"no answer within {seconds:g} s")
        return outcome

    def _bounded(self, ends: float, work: Callable[["ServerAPI"], T], api: "ServerAPI") -> T:
        self._deadline.ends = ends
        return work(api)

    @contextmanager
    def _line(self) -> Iterator[Line]:
        """The connections that a call goes over; those given up are cut when nobody waits for them any more."""
        with self._lock:
            if self._open_line is None:
                self._open_line = Line.to(self.url, self._deadline)
            line = self._open_line
            line.waiting += 1
        try:
            yield line
        finally:
            with self._lock:
                line.waiting -= 1
                if line is not self._open_line and not line.waiting:
                    line.transport.close()

    def _give_up(self, line: Line) -> None:
        with self._lock:
            if self._open_line is line:
                self._open_line = None

    def _unavailable(self, happened: str) -> ChromaUnavailable:
        return ChromaUnavailable(f"the Chroma server at {self.url} is not available: {happened}", HINT)


def _address(url: str) -> str:
    hint = "Set CHROMA_URL to http://HOST:PORT, as `chroma run` prints it."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"CHROMA_URL is no address: {error}", hint) from error
    if "@" in parts.netloc:
        # Not named: what stands before the @ may be a password.
        raise ConfigurationError("CHROMA_URL holds a user or a password, expected http(s)://host[:port]", hint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ConfigurationError(f"CHROMA_URL is {url!r}, expected http(s)://host[:port]", hint)
    if parts.query or parts.fragment:
        raise ConfigurationError(f"CHROMA_URL is {url!r}, expected http(s)://host[:port] and no more", hint)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" if port is None else f"{parts.scheme}://{host}:{port}"
