"""A Chroma server (`chroma run`) with a copy of every segment's vectors, so that processes share one HNSW index.

Every call has a deadline. After a failed call the circuit breaker is open for a while, and questions are answered from
the exact vectors in the data folder.
"""

import logging
import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, TypeVar, cast
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray

from index.breaker import CircuitBreaker
from index.embedding import Matrix, Vector
from index.errors import ChromaUnavailable, ConfigurationError
from index.vectors import PAGE, configuration_of, ids_of

if TYPE_CHECKING:
    from chromadb.api import ClientAPI
    from chromadb.api.models.Collection import Collection

T = TypeVar("T")

QUESTION_S = 1.8
"""Deadline in seconds of a call that a question waits for: the whole question then waits less than 2 s."""

PAGE_S = 60.0
"""Deadline in seconds of a call that writes or reads a page of vectors."""

PAUSE_S = 30.0
"""How long the server is left alone after a failure, in seconds."""

_logger = logging.getLogger("dateline")


class ChromaServer:
    """The server at `http(s)://host[:port]`; safe to share between threads.

    It is not contacted before the first call. Calls raise ChromaUnavailable if it does not answer as Chroma does, and
    at once while it is left alone. Raises ConfigurationError if the URL has another form.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._host, self._port, self._ssl = _address(url)
        self._client: ClientAPI | None = None
        self._breaker = CircuitBreaker(failures=1)
        self.error: ChromaUnavailable | None = None

    def ping(self) -> None:
        """Raise ChromaUnavailable unless the server answers now."""
        self._breaker.reset()
        self._call(lambda client: client.heartbeat(), PAGE_S)

    def has(self, segment: str, rows: int) -> bool:
        """Return whether the server has all vectors of a segment."""
        from chromadb.errors import NotFoundError

        try:
            name = _name(segment)
            return self._call(lambda client: _existing(client, name).count(), PAGE_S) == rows
        except NotFoundError:
            return False

    def put(self, segment: str, vectors: Matrix) -> None:
        """Store the vectors of a segment; what an interrupted run left of them is replaced."""
        self.remove(segment)
        name, configuration = _name(segment), configuration_of(len(vectors))
        created = self._call(
            lambda client: _without_functions(
                client.create_collection(name, embedding_function=None, configuration=configuration)
            ),
            PAGE_S,
        )
        page = min(self._call(lambda client: client.get_max_batch_size(), PAGE_S), PAGE)
        for start in range(0, len(vectors), page):
            self._add(created.add, start, vectors[start : start + page])

    def _add(self, add: Callable[..., None], start: int, rows: Matrix) -> None:
        self._call(lambda _: add(ids=ids_of(start, len(rows)), embeddings=rows), PAGE_S)

    def remove(self, segment: str) -> None:
        """Remove the vectors of a segment, if the server has them."""
        from chromadb.errors import NotFoundError

        with suppress(NotFoundError):
            self._call(lambda client: client.delete_collection(_name(segment)), PAGE_S)

    def nearest(self, segment: str, vector: Vector, count: int) -> NDArray[np.int64] | None:
        """Return the rows of a segment nearest to a vector, best first; None if the server cannot be asked now."""
        from chromadb.errors import NotFoundError

        def query(client: "ClientAPI") -> list[str]:
            collection = _existing(client, _name(segment))
            found = collection.query(query_embeddings=vector[np.newaxis, :], n_results=count, include=["distances"])
            return found["ids"][0]

        try:
            return np.array(self._call(query, QUESTION_S), dtype=np.int64)
        except ChromaUnavailable:
            return None
        except (NotFoundError, ValueError) as error:
            _logger.warning("segment %s is searched exactly: %s", segment, error)
            return None

    def _call(self, work: "Callable[[ClientAPI], T]", seconds: float) -> T:
        """Return the result of `work` within that many seconds, or raise Chroma's NotFoundError."""
        from chromadb.errors import NotFoundError

        if not self._breaker.admit():
            raise self.error or ChromaUnavailable(f"the Chroma server at {self.url} is not available")
        outcome: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()
        # Chroma's client has no timeout; a daemon thread that still waits does not keep the process from ending.
        threading.Thread(target=self._run, args=(work, outcome), name="chroma", daemon=True).start()
        try:
            result, error = outcome.get(timeout=seconds)
        except queue.Empty:
            self._client = None
            raise self._failed(f"no answer within {seconds:g} s") from None
        if error is not None and not isinstance(error, NotFoundError):
            raise self._failed(f"{type(error).__name__}: {error}") from error
        self._breaker.succeed()
        self.error = None
        if error is not None:
            raise error
        return cast("T", result)

    def _run(
        self, work: "Callable[[ClientAPI], T]", outcome: "queue.SimpleQueue[tuple[T | None, Exception | None]]"
    ) -> None:
        try:
            # Kept here as well: a call that fails in another thread removes it.
            client = self._client = self._client or self._connected()
            outcome.put((work(client), None))
        except Exception as error:  # noqa: BLE001 - a server of another kind fails in any way
            outcome.put((None, error))

    def _connected(self) -> "ClientAPI":
        import chromadb
        from chromadb.config import Settings
        from chromadb.errors import NotFoundError

        settings = Settings(anonymized_telemetry=False)
        try:
            return chromadb.HttpClient(self._host, self._port, ssl=self._ssl, settings=settings)
        except NotFoundError as error:
            raise ValueError(f"it is not a Chroma server: {error}") from error

    def _failed(self, happened: str) -> ChromaUnavailable:
        self._breaker.fail(PAUSE_S)
        self.error = ChromaUnavailable(
            f"the Chroma server at {self.url} is not available: {happened}",
            "Start it with `chroma run`, or find out why it does not answer; requests recover without a restart.",
        )
        _logger.warning("%s; for %g s, segments are searched exactly", self.error.args[0], PAUSE_S)
        return self.error


def server_of(url: str | None) -> ChromaServer | None:
    """Return the server that the settings name, if any; raises ConfigurationError if the URL is invalid."""
    return ChromaServer(url) if url else None


def _existing(client: "ClientAPI", name: str) -> "Collection":
    return _without_functions(client.get_collection(name, embedding_function=None))


def _without_functions(collection: "Collection") -> "Collection":
    """Remove what a server's reply says about embedding functions from a collection, and return it.

    chromadb builds the functions that a configuration or a schema names, with the server's arguments, even when rows
    are added with their vectors: a server could run code in this process (chroma-core/chroma#6717).
    """
    model = collection.get_model()
    model.configuration_json, model.serialized_schema = {}, None
    return collection


def _name(segment: str) -> str:
    return f"dateline-{segment}"


def _address(url: str) -> tuple[str, int, bool]:
    """Return host, port and whether TLS is used; raises ConfigurationError."""
    hint = "Set CHROMA_URL to http://HOST:PORT, as `chroma run` prints it."
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise ConfigurationError(f"CHROMA_URL is not a valid address: {error}", hint) from error
    if "@" in parts.netloc:
        # Not quoted: the part before the @ may be a password.
        raise ConfigurationError("CHROMA_URL has a user or a password, expected http(s)://host[:port]", hint)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path not in ("", "/") or parts.query:
        raise ConfigurationError(f"CHROMA_URL is {url!r}, expected http(s)://host[:port]", hint)
    return parts.hostname, port or (443 if parts.scheme == "https" else 80), parts.scheme == "https"
