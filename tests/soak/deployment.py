"""A publisher, an object store, two replicas, nginx, and Redis or Valkey: each in a process of its own, on loopback."""

import http.client
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Literal, Protocol
from unittest.mock import patch

from index.layout import current_name
from index.replicas.objects import BLOBS, POINTERS, Pointer, numbers, read_pointer
from index.replicas.store import Store
from tests.faults.newsdesk import WITHOUT_SPAN_READER, Newsdesk
from tests.faults.questions import Client, free_port
from tests.scripted_llm import Reply, Request, ScriptedLLM, Until, keys_in
from tests.soak.arrivals import READERS, Exchange
from tests.soak.load import use_embedded_model
from tests.soak.processes import Nginx, Program, awaited, balancer, found, is_listening

ARTICLES = 300
BUCKET = "news"
Kind = Literal["folder", "s3"]
"""The kinds of object store."""

CHANGED = 10
"""Articles that a publish changes."""

LAST = 1500
"""Characters of a log that are shown."""

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "soak", "AWS_SECRET_ACCESS_KEY": "soak", "AWS_REGION": "us-east-1"}


class StoreMachine(Protocol):
    """An object store that becomes unreachable and returns with its objects."""

    @property
    def url(self) -> str:
        """Return the address of the store."""

    @property
    def environment(self) -> Mapping[str, str]:
        """Return the variables that clients of the store need."""

    def leave(self) -> None:
        """Make the store unreachable."""

    def come_back(self) -> None:
        """Make the store reachable again."""


class FolderStore:
    """A folder, such as one that all machines mount; while it is away, its name is that of a file."""

    def __init__(self, place: Path) -> None:
        self._folder, self._away = place / "store", place / "store.away"
        self._folder.mkdir()
        self.url = self._folder.as_uri()
        self.environment: Mapping[str, str] = {}

    def leave(self) -> None:
        self._folder.rename(self._away)
        self._folder.touch()

    def come_back(self) -> None:
        self._folder.unlink()
        self._away.rename(self._folder)


class S3Store:
    """moto's S3 server, which keeps objects in memory; it is reached through an nginx that can be killed."""

    def __init__(self, place: Path, stack: ExitStack) -> None:
        port = free_port()
        server = Program(place / "moto.log", [sys.executable, "-m", "moto.server", "-p", str(port)], os.environ)
        stack.callback(server.stop)
        awaited(lambda: is_listening(port), "the S3 server accepts connections")
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            connection.request("PUT", f"/{BUCKET}")
            assert connection.getresponse().status == 200
        self._door = Nginx(place / "door", lambda own: _door(own, port))
        stack.callback(self._door.stop)
        self.url = f"s3://{BUCKET}/index"
        self.environment = {
            **CREDENTIALS,
            "AWS_ENDPOINT": f"http://127.0.0.1:{self._door.port}",
            "AWS_ALLOW_HTTP": "true",
        }

    def leave(self) -> None:
        self._door.kill(group=True)

    def come_back(self) -> None:
        self._door.start()
        awaited(lambda: is_listening(self._door.port), "the S3 server accepts connections again")


def _door(own: int, port: int) -> str:
    return (
        f"server {{\n    listen 127.0.0.1:{own};\n    client_max_body_size 0;\n    location / {{\n"
        f"        proxy_pass http://127.0.0.1:{port};\n        proxy_set_header Host $http_host;\n    }}\n}}\n"
    )


class Replica:
    """A data folder with the process that pulls into it and the service on it."""

    def __init__(self, number: int, place: Path, environment: Mapping[str, str], stack: ExitStack) -> None:
        self.name, self.data, self.port = f"replica{number}", place / f"replica{number}", free_port()
        self.client = Client(self.port)
        command = [sys.executable, "-m", "dateline"]
        pull = [*command, "pull", "--watch", "--name", self.name, "--data", str(self.data)]
        self.puller = Program(place / f"{self.name}-pull.log", pull, environment)
        stack.callback(self.puller.stop)
        awaited(lambda: current_name(self.data) or not self.puller.runs, f"{self.name} pulls a generation")
        assert self.puller.runs, self.puller.output()
        # The model knows by its key which replica asks.
        environment = {**environment, "OPENAI_API_KEY": self.name}
        serve = [*command, "serve", "--data", str(self.data), "--port", str(self.port)]
        self.service = Program(place / f"{self.name}-serve.log", serve, environment)
        stack.callback(self.service.stop)
        self.awaited()

    def generation(self) -> str | None:
        """Return the generation that is served; None if the service does not answer."""
        try:
            status, reply = self.client.request("GET", "/readyz")
        except (OSError, http.client.HTTPException):
            return None
        return str(reply["generation"]) if status == 200 else None

    def awaited(self, generation: str = "") -> None:
        """Wait until this generation is served, or any."""
        event = f"{self.name} serves {generation or 'a generation'}"
        awaited(lambda: (served := self.generation()) is not None and generation in ("", served), event)


SECOND = "was sold"
"""Words of the second sentence of the model."""


class Model:
    """A language model whose replies wait, after their first sentence, until `answers` is set."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.server = ScriptedLLM(self._reply)

    def askers(self) -> list[str]:
        """Return the names of the replicas that asked it a question, one for each question."""
        questions = [each for each in self.server.requests if _is_question(each.body)]
        return [each.headers["authorization"].removeprefix("Bearer ") for each in questions]

    def _reply(self, request: Request) -> Reply:
        if not _is_question(request):
            return Reply(["What did it cost?"])
        key = keys_in(request)[0]
        # A sentence is shown when the next one has two words.
        return Reply([f"It cost four million [{key}]. Then it ", Until(self.answers), f"{SECOND} [{key}]."])


def _is_question(request: Request) -> bool:
    """Return whether a request is a question; others are for suggestions."""
    return "<passage" in str(request["messages"][-1]["content"])


class Deployment:
    """All machines, and what has been published so far."""

    def __init__(self, place: Path, kind: Kind, stack: ExitStack) -> None:
        self._place = place
        self.desk = Newsdesk(place / "publisher", articles=ARTICLES, sentences=12)
        use_embedded_model(self.desk, place / "models")
        self.model = Model()
        stack.enter_context(self.model.server)
        self.store_machine: StoreMachine = S3Store(place, stack) if kind == "s3" else FolderStore(place)
        self.redis, address = _redis(place, stack)
        self.desk.environment |= {"DATELINE_STORE": self.store_machine.url, **self.store_machine.environment}
        stack.enter_context(patch.dict(os.environ, self.store_machine.environment))
        self.store = Store(self.store_machine.url)
        self.ingest()
        push = [sys.executable, "-m", "dateline", "push", "--watch", "--data", str(self.desk.data)]
        self.pusher = Program(place / "push.log", push, self.desk.environment)
        stack.callback(self.pusher.stop)
        awaited(self.pointers, "the store has a pointer")
        serving = {
            **self.desk.environment,
            **WITHOUT_SPAN_READER,
            **address,
            "DATELINE_ALLOW_ANONYMOUS": "1",
            # Other load on the machine may let all users wait at once.
            "DATELINE_MAX_QUESTIONS": str(2 * READERS),
            "DATELINE_LLM_MODEL": "scripted",
            "OPENAI_BASE_URL": self.model.server.url,
        }
        self.replicas = [Replica(number, place, serving, stack) for number in (1, 2)]
        self.nginx = balancer(place / "nginx", [each.port for each in self.replicas])
        stack.callback(self.nginx.stop)

    def ingest(self) -> str:
        """Ingest the articles on the publisher; return the name of the generation."""
        with self._ingesting() as process:
            _, err = process.communicate(timeout=900)
        assert process.returncode == 0, err
        return current_name(self.desk.data) or ""

    def edit(self) -> str:
        """Rewrite some articles and ingest them, also without a push; return the name of the new generation."""
        self.desk.change(CHANGED)
        return self.ingest()

    def publish(self, replicas: Sequence[Replica] = ()) -> list[float]:
        """Rewrite some articles, ingest and push them; wait until these replicas, or all, serve them.

        Return the seconds from the moment of the pointer until each replica served its generation.
        """
        last = self.last_number()
        self.desk.change(CHANGED)
        with self._ingesting() as process:
            seconds = self.awaited_after(last, replicas)
            _, err = process.communicate(timeout=900)
        assert process.returncode == 0, err
        return seconds

    def awaited_after(self, last: int, replicas: Sequence[Replica] = ()) -> list[float]:
        """Wait until these replicas, or all, serve the generation of a pointer after the last one.

        Return the seconds from the moment of the first such pointer until each replica served one.
        """
        first = awaited(lambda: self.pointers(last), "the store has a new pointer")[0]
        created = datetime.fromisoformat(first.created_at).timestamp()
        waiting, seconds = list(replicas or self.replicas), list[float]()

        def look() -> bool:
            names = {pointer.generation for pointer in self.pointers(last)}
            for replica in list(waiting):
                if replica.generation() in names:
                    seconds.append(time.time() - created)
                    waiting.remove(replica)
            return not waiting

        awaited(look, f"{len(waiting)} replicas serve {first.generation}")
        return seconds

    def pointers(self, last: int = 0) -> list[Pointer]:
        """Return the pointers after number `last`, the oldest first."""
        found = (read_pointer(self.store, number) for number in sorted(numbers(self.store, POINTERS, last)))
        return [pointer for pointer in found if pointer is not None]

    def last_number(self) -> int:
        """Return the number of the newest pointer."""
        return max(numbers(self.store, POINTERS), default=0)

    def _ingesting(self) -> "subprocess.Popen[str]":
        return self.desk.start("ingest", str(self.desk.articles), "--data", str(self.desk.data))

    def awaited_generation(self) -> float:
        """Wait until all replicas serve the publisher's generation; return the seconds from now."""
        began, generation = time.monotonic(), current_name(self.desk.data)
        awaited(lambda: self.served() == [generation] * len(self.replicas), f"every replica serves {generation}")
        return time.monotonic() - began

    def served(self) -> list[str | None]:
        """Return the generation that each replica serves."""
        return [replica.generation() for replica in self.replicas]

    def corrupt(self, names: Collection[str]) -> str:
        """Change the last byte of the largest of these objects; return its name."""
        name = max(names, key=lambda each: len(self.store.read(each) or b""))
        content = self.store.read(name) or b""
        self.store.replace(name, content[:-1] + bytes([content[-1] ^ 1]))
        return name

    def generations_of(self, exchanges: Sequence[Exchange]) -> set[str]:
        """Return the generations of replies; each one must have been published."""
        used = {each.reply["versions"]["generation"] for each in exchanges if "versions" in each.reply}
        assert used <= {pointer.generation for pointer in self.pointers()}, used
        return used

    def blobs(self) -> set[str]:
        """Return the names of the blobs in the store."""
        return set(self.store.names(BLOBS))

    def last_lines(self) -> str:
        """Return the last lines of each log, for a soak that fails."""
        logs = {path.name: path.read_text("utf-8", "replace") for path in self._place.rglob("*.log")}
        return "\n".join(f"== {name}\n{text[-LAST:]}" for name, text in logs.items() if name != "access.log")

    def create_key(self, *options: str) -> str:
        """Create a key on the publisher, which the store brings to the replicas; return it."""
        created = self.desk.run("keys", "create", "--json", "--data", str(self.desk.data), *options)
        assert created.returncode == 0, created.stderr
        return str(json.loads(created.stdout)["key"])


def _redis(place: Path, stack: ExitStack) -> tuple[Program | None, Mapping[str, str]]:
    """Start Valkey or Redis, if one is installed; return it and the settings of its address."""
    command = found("valkey-server", "redis-server")
    if command is None:
        return None, {}
    port = free_port()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(place)]
    server = Program(place / "redis.log", [command, *options], os.environ)
    stack.callback(server.stop)
    awaited(lambda: is_listening(port), f"{command} accepts connections")
    return server, {"REDIS_URL": f"redis://127.0.0.1:{port}"}


@contextmanager
def deployed(place: Path, kind: Kind) -> Iterator[Deployment]:
    """Run all machines until the block ends; the store is `s3` or `folder`."""
    with ExitStack() as stack:
        yield Deployment(place, kind, stack)
