"""A service in a separate process, with users who ask it continuously and verify each answer."""

import http.client
import json
import socket
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

from index.layout import generation_names
from tests.fakes import TOPICS, opened
from tests.faults.newsdesk import SOURCES, Newsdesk

READY_S = 60.0


@dataclass(frozen=True, slots=True)
class Quoted:
    """A quote of an article in an answer from a generation."""

    generation: str
    article_id: str
    start: int
    end: int
    text: str


@dataclass(slots=True)
class Asked:
    """The replies so far: their number, failures, and quotes by generation."""

    answers: int = 0
    cited: int = 0
    failures: list[str] = field(default_factory=list)
    generations: set[str] = field(default_factory=set)
    quotes: set[Quoted] = field(default_factory=set)


def free_port() -> int:
    """Return a port of the loopback interface that no program listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port: int = free.getsockname()[1]
        return port


class Client:
    """A client of a service on a port of the loopback interface, with a new connection for each request."""

    def __init__(self, port: int) -> None:
        self.port = port

    def request(
        self, method: str, path: str, body: object = None, key: str | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Return status and JSON of a reply; raises OSError, ValueError or HTTPException without one."""
        with self.asked(method, path, body, key) as reply:
            return reply.status, json.loads(reply.read())

    @contextmanager
    def asked(
        self, method: str, path: str, body: object = None, key: str | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        """Send a request; the connection is open until the block ends."""
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)) as connection:
            content = json.dumps(body) if body is not None else None
            sender = {"Authorization": f"Bearer {key}"} if key else {}
            connection.request(method, path, content, {"Content-Type": "application/json", **sender})
            yield connection.getresponse()


class Service(Client):
    """`dateline serve` on a free port, in a separate process."""

    def __init__(self, desk: Newsdesk) -> None:
        super().__init__(free_port())
        command = ("serve", "--data", str(desk.data), "--port", str(self.port))
        self.process = desk.start(*command)
        self.log: list[str] = []
        # An unread pipe would fill up and block the service.
        self._reading = threading.Thread(target=self._read_log)
        self._reading.start()

    def ready(self) -> dict[str, Any]:
        """Return the reply of /readyz when the service is ready; raises AssertionError if it ends or is late."""
        deadline = time.monotonic() + READY_S
        while time.monotonic() < deadline:
            assert self.process.poll() is None, f"the service ended with {self.process.returncode}: {self.log[-5:]}"
            try:
                status, said = self.request("GET", "/readyz")
            except OSError:
                status = 0
            if status == 200:
                return said
            time.sleep(0.05)
        raise AssertionError(f"the service was not ready within {READY_S} s: {self.log[-5:]}")

    def stop(self) -> int:
        """Stop the service with SIGTERM; return its exit code."""
        self.process.terminate()
        try:
            code = self.process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        self._reading.join()
        for pipe in (self.process.stdout, self.process.stderr):
            if pipe is not None:
                pipe.close()
        return code

    def _read_log(self) -> None:
        if self.process.stderr is not None:
            self.log.extend(self.process.stderr)


@contextmanager
def serving(desk: Newsdesk) -> Iterator[Service]:
    """Run a service until the block ends; it is ready at once."""
    service = Service(desk)
    try:
        service.ready()
        yield service
    finally:
        service.stop()


@contextmanager
def asking(service: Service, readers: int = 1, pause_s: float = 0.02) -> Iterator[Asked]:
    """Run users who ask one question after another until the block ends, some with filters."""
    asked, done, numbers = Asked(), threading.Event(), count()

    def ask() -> None:
        while not done.is_set():
            _ask(service, next(numbers), asked)
            done.wait(pause_s)

    threads = [threading.Thread(target=ask) for _ in range(readers)]
    for thread in threads:
        thread.start()
    try:
        yield asked
    finally:
        done.set()
        for thread in threads:
            thread.join()


def _ask(service: Service, number: int, asked: Asked) -> None:
    topic = TOPICS[number % len(TOPICS)].split()[0]
    question: dict[str, Any] = {"question": f"What did the {topic} cost?"}
    if number % 3 == 0:
        question["filters"] = {"sources": [SOURCES[number % 2]]}
    try:
        status, answer = service.request("POST", "/v1/ask", question)
    except (OSError, ValueError, http.client.HTTPException) as error:
        asked.failures.append(f"{type(error).__name__}: {error}")
        return
    if status != 200:
        asked.failures.append(f"{status}: {answer}")
        return
    asked.answers += 1
    asked.cited += bool(answer["citations"])
    generation = answer["versions"]["generation"]
    asked.generations.add(generation)
    asked.quotes.update(_quoted(generation, answer))


def _quoted(generation: str, answer: dict[str, Any]) -> Iterator[Quoted]:
    """Yield the quotes of an answer: its citations and its passages."""
    for citation in answer["citations"]:
        span = citation["start_char_index"], citation["end_char_index"]
        yield Quoted(generation, citation["article_id"], *span, citation["cited_text"])
    for source in answer["sources"]:
        span = source["start_char_index"], source["end_char_index"]
        yield Quoted(generation, source["article_id"], *span, source["snippet"])


class Archive:
    """The bodies of every published generation, also after its removal."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._bodies: dict[str, dict[str, str]] = {}

    def keep(self) -> None:
        """Store the bodies of the existing generations."""
        for name in generation_names(self._data):
            if name not in self._bodies:
                with opened(self._data, name) as generation:
                    self._bodies[name] = {each.article_id: each.body for each in generation.articles()}

    def misquoted(self, quotes: set[Quoted]) -> list[Quoted]:
        """Return the quotes that do not match the article of their generation.

        A merge replaces a generation by one of equal content, sometimes before `keep` sees it: the quotes of a
        generation that is not stored must all match one of those that are.
        """
        by_generation: dict[str, set[Quoted]] = {}
        for quote in quotes:
            by_generation.setdefault(quote.generation, set()).add(quote)
        return [wrong for name, quoted in by_generation.items() for wrong in self._misquoted(name, quoted)]

    def _misquoted(self, generation: str, quotes: set[Quoted]) -> list[Quoted]:
        stored = [self._bodies[generation]] if generation in self._bodies else list(self._bodies.values())
        found = ([quote for quote in quotes if not _matches(bodies, quote)] for bodies in stored)
        return min(found, key=len, default=list(quotes))


def _matches(bodies: Mapping[str, str], quote: Quoted) -> bool:
    return bodies.get(quote.article_id, "")[quote.start : quote.end] == quote.text
