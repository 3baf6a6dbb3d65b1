"""Services as processes on loopback, and requests to them."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.stopwatch import memory_of

STARTED_S = 120.0
TIMEOUT_S = 60.0
POLL_S = 0.01
MEMORY = ("VmRSS", "RssAnon", "VmHWM")


@dataclass(frozen=True, slots=True)
class Server:
    """A running service and the seconds that it took to be ready."""

    port: int
    pid: int
    seconds: float = 0.0

    def request(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, dict[str, Any]]:
        """Send a request on a connection of its own; return the status and the JSON of the reply."""
        with closing(self.connect()) as connection:
            return exchanged(connection, method, path, body, **headers)

    def post(self, path: str, question: str) -> int:
        """Ask a question and return the status of the reply."""
        return self.request("POST", path, {"question": question})[0]

    def connect(self) -> HTTPConnection:
        """Return a new connection."""
        return HTTPConnection("127.0.0.1", self.port, timeout=TIMEOUT_S)

    def memory(self) -> dict[str, float]:
        """Return the resident memory in MB: all of it, without files, and the most there was."""
        return {field: memory_of(self.pid, field) for field in MEMORY}


def exchanged(
    connection: HTTPConnection, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, dict[str, Any]]:
    """Send a request on a connection; return the status and the JSON of the reply."""
    given = {"Content-Type": "application/json", **headers}
    connection.request(method, path, None if body is None else json.dumps(body), given)
    reply = connection.getresponse()
    return reply.status, json.loads(reply.read())


@contextmanager
def served(
    command: Sequence[str], port: int, settings: Mapping[str, str], probe: Callable[[Server], bool]
) -> Iterator[Server]:
    """Run a service until the block ends; yield it once the probe is true."""
    environment = {**os.environ, **settings}
    began = time.perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            server = Server(port, child.pid)
            while not _answers(server, probe):
                seconds = time.perf_counter() - began
                if child.poll() is not None or seconds > STARTED_S:
                    raise RuntimeError(
                        f"`{' '.join(command)}` was not ready after {seconds:.0f} s; exit {child.poll()}"
                    )
                time.sleep(POLL_S)
            yield Server(port, child.pid, time.perf_counter() - began)
        finally:
            child.terminate()


@contextmanager
def dateline(
    data: Path, models: Path, *options: str, probe: Callable[[Server], bool] | None = None, **settings: str
) -> Iterator[Server]:
    """Run Dateline's service, which keeps no answers and suggests no questions."""
    port = free_port()
    given = {"DATELINE_MODELS": str(models), "DATELINE_SUGGESTIONS": "0", "DATELINE_ANSWER_CACHE": "0", **settings}
    command = [sys.executable, "-m", "dateline", "serve", "--data", str(data), "--port", str(port), *options]
    with served(command, port, given, probe or is_ready) as server:
        yield server


def is_ready(server: Server) -> bool:
    """Return whether a service of Dateline is ready."""
    return server.request("GET", "/readyz")[0] == 200


def free_port() -> int:
    """Return a free port of loopback."""
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _answers(server: Server, probe: Callable[[Server], bool]) -> bool:
    try:
        return probe(server)
    except (OSError, ValueError):
        return False
