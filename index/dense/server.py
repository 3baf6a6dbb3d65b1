"""The client of a `chroma run` server: every call has a deadline, and calls after a failed one fail at once.

The server is reached directly, without the proxies of the environment: it runs on the loopback interface or in a
private network, where a proxy for the internet either cannot reach it or must not see the questions.
"""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import urlsplit

from index.errors import ChromaUnavailable, ConfigurationError

if TYPE_CHECKING:
    import httpx
    from chromadb.api import ServerAPI

T = TypeVar("T")

QUESTION_S = 1.8
"""Timeout in seconds of a call that a question waits for: the whole question then waits less than 2 s."""

PAGE_S = 60.0
"""Timeout in seconds of a call that writes or reads a page of vectors."""

PAUSE_S = 1.0
"""How long the circuit breaker stays open before it lets one call through, in seconds."""

SHORTEST_S = 0.001
CONNECTIONS = 32
HINT = "Start it with `chroma run`, or find out why it does not answer; requests recover without a restart."


class CircuitOpen(Exception):
    """The circuit breaker is open: the call was not made."""


class CircuitBreaker:
    """A breaker that opens with a ChromaUnavailable, lets one call through after `pause_s`, and closes if it succeeds.

    `clock` returns monotonic seconds. Safe to share between threads.
    """

    def __init__(self, pause_s: float = PAUSE_S, clock: Callable[[], float] = time.monotonic) -> None:
        self._pause_s = pause_s
        self._clock = clock
        self._lock = threading.Lock()
        self._opened_at: float | None = None
        self._succeeded_at = -inf
        self._probing = False

    @contextmanager
    def guard(self) -> Iterator[None]:
        """Run one call in the block; raises CircuitOpen if it must not be made now."""
        probe = self._admit()
        began = self._clock()
        try:
            yield
        except ChromaUnavailable:
            with self._lock:
                # A call that began before another succeeded says nothing about the server now.
                if began >= self._succeeded_at:
                    self._opened_at = self._clock()
            raise
        else:
            with self._lock:
                self._opened_at = None
                self._succeeded_at = self._clock()
        finally:
            if probe:
                with self._lock:
                    self._probing = False

    def _admit(self) -> bool:
        """Return whether the call is the probe of an open breaker."""
        with self._lock:
            if self._opened_at is None:
                return False
            if self._probing or self._clock() - self._opened_at < self._pause_s:
                raise CircuitOpen
            self._probing = True
            return True


class Deadline(threading.local):
    """The monotonic time at which the call of this thread must have ended."""

    ends = 0.0

    def bound(self, request: "httpx.Request") -> None:
        """Limit each step of a request to the time that its call has left."""
        left = max(self.ends - time.monotonic(), SHORTEST_S)
        request.extensions["timeout"] = {"connect": left, "read": left, "write": left, "pool": left}


@dataclass(slots=True)
class ConnectionPool:
    """Chroma's API over connections of its own; `waiting` counts the callers that wait for a reply."""

    api: "ServerAPI"
    transport: "httpx.BaseTransport"
    waiting: int = 0


class ChromaServer:
    """The server at `http(s)://host[:port]` (without a port, the scheme's default); safe to share between threads.

    It is not contacted before the first call. Raises ConfigurationError if the URL has another form.
    """

    def __init__(self, url: str) -> None:
        self.url = _address(url)
        self._breaker = CircuitBreaker()
        self._deadline = Deadline()
        self._lock = threading.Lock()
        self._pool: ConnectionPool | None = None
        self._closed = False
        self._workers = ThreadPoolExecutor(CONNECTIONS, thread_name_prefix="chroma")

    def close(self) -> None:
        """Close the connections; running calls fail, and later ones raise ChromaUnavailable."""
        self._closed = True
        self._workers.shutdown(wait=False)
        with self._lock:
            if self._pool is not None:
                self._pool.transport.close()

    def ping(self) -> None:
        """Raise ChromaUnavailable unless the server answers."""
        self.call(lambda api: api.heartbeat())

    def call(self, work: Callable[["ServerAPI"], T], seconds: float = QUESTION_S) -> T:
        """Return the result of `work` within that many seconds in all, or raise Chroma's own error.

        Raises ChromaUnavailable if the server does not answer in time or not as Chroma does, and at once if a call has
        just failed so.
        """
        import httpx

        if self._closed:
            raise self._unavailable("the client is closed")
        try:
            with self._breaker.guard():
                outcome = self._finished(seconds, work)
                error = outcome.exception()
                if isinstance(error, (httpx.HTTPError, OSError, ValueError, KeyError, TypeError)):
                    raise self._unavailable(f"{type(error).__name__}: {error}") from error
        except CircuitOpen as error:
            raise self._unavailable("it did not answer a moment ago") from error
        return outcome.result()

    def _finished(self, seconds: float, work: Callable[["ServerAPI"], T]) -> Future[T]:
        """Return the finished call; raises ChromaUnavailable after the timeout.

        A timeout here, because those of a request limit its steps, and none limits the look-up of a name.
        """
        with self._connected() as pool:
            outcome = self._workers.submit(self._limited, time.monotonic() + seconds, work, pool.api)
            finished, _ = wait([outcome], timeout=seconds)
            if not finished:
                outcome.cancel()
                with self._lock:
                    # A reply that drips in would occupy its worker for as long as it drips: use new connections.
                    if self._pool is pool:
                        self._pool = None
                raise self._unavailable(f"no answer within {seconds:g} s")
        return outcome

    def _limited(self, ends: float, work: Callable[["ServerAPI"], T], api: "ServerAPI") -> T:
        self._deadline.ends = ends
        return work(api)

    @contextmanager
    def _connected(self) -> Iterator[ConnectionPool]:
        """Yield the connections for a call; a replaced pool is closed when its last caller leaves."""
        with self._lock:
            if self._pool is None:
                self._pool = _pool_to(self.url, self._deadline)
            pool = self._pool
            pool.waiting += 1
        try:
            yield pool
        finally:
            with self._lock:
                pool.waiting -= 1
                if pool is not self._pool and not pool.waiting:
                    pool.transport.close()

    def _unavailable(self, happened: str) -> ChromaUnavailable:
        return ChromaUnavailable(f"the Chroma server at {self.url} is not available: {happened}", HINT)


def _pool_to(url: str, deadline: Deadline) -> ConnectionPool:
    """Return connections to the server at a URL; they connect when they are used.

    Not `chromadb.HttpClient`: its constructor sends three requests without a timeout, which cannot be set before, and
    has a second such session. The API object beneath it sends requests only when it is used.
    """
    import httpx
    from chromadb.api.fastapi import FastAPI
    from chromadb.config import Settings, System

    address = httpx.URL(url)
    settings = Settings(
        chroma_server_host=url,
        chroma_server_http_port=address.port or (443 if address.scheme == "https" else 80),
        chroma_server_ssl_enabled=address.scheme == "https",
        anonymized_telemetry=False,
    )
    api = System(settings).instance(FastAPI)
    # Our transport, because the session's own would use the proxies of the environment.
    transport = httpx.HTTPTransport(limits=httpx.Limits(max_connections=CONNECTIONS))
    # A private attribute: Chroma creates its session without a timeout, and no setting changes that.
    api._session.close()  # noqa: SLF001
    api._session = httpx.Client(  # noqa: SLF001
        headers=dict(api.get_request_headers()),
        transport=transport,
        event_hooks={"request": [deadline.bound], "response": [_raise_for_foreign_reply]},
    )
    return ConnectionPool(api, transport)


def _raise_for_foreign_reply(response: "httpx.Response") -> None:
    """Raise HTTPStatusError for an error that is not Chroma's: its client would raise a bare Exception."""
    import httpx
    from chromadb.errors import error_types

    if response.is_success:
        return
    response.read()
    try:
        reply = response.json()
    except ValueError:
        reply = None
    if response.is_client_error and isinstance(reply, dict) and reply.get("error") in error_types:
        return
    text = " ".join(response.text.split())[:200]
    raise httpx.HTTPStatusError(f"status {response.status_code}: {text}", request=response.request, response=response)


def _address(url: str) -> str:
    hint = "Set CHROMA_URL to http://HOST:PORT, as `chroma run` prints it."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"CHROMA_URL is not a valid address: {error}", hint) from error
    if "@" in parts.netloc:
        # Not quoted: the part before the @ may be a password.
        raise ConfigurationError("CHROMA_URL has a user or a password, expected http(s)://host[:port]", hint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/"):
        raise ConfigurationError(f"CHROMA_URL is {url!r}, expected http(s)://host[:port]", hint)
    if parts.query or parts.fragment:
        raise ConfigurationError(f"CHROMA_URL is {url!r}, expected http(s)://host[:port] only", hint)
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    return f"{parts.scheme}://{host}" if port is None else f"{parts.scheme}://{host}:{port}"
