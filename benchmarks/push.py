"""Measure how soon a pushed article can be found: from the push to the first search that returns it.

usage: OMP_NUM_THREADS=1 python -m benchmarks.push [--work PATH] [--articles N] [--pushes N]

A service with a writer runs on a copy of an index of invented articles of six chunks with fake vectors. Articles with
real vectors are pushed one after another; after each push the service is searched every 100 ms for a word that only
the pushed article has.
"""

import http.client
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from benchmarks.made_index import copy_of, made_index
from benchmarks.options import parser, workplace
from benchmarks.stopwatch import middle
from benchmarks.synthetic import bodies
from benchmarks.table import Cell, print_table

ARTICLES = 3_400
PUSHES = 20
SEED = 11
PAUSE_S = 0.1
PATIENCE_S = 60.0


def main() -> None:
    """Measure and print."""
    options = parser((__doc__ or "").splitlines()[0], bench=False)
    options.add_argument("--articles", type=int, default=ARTICLES, help="articles in the index, of six chunks each")
    options.add_argument("--pushes", type=int, default=PUSHES)
    arguments = options.parse_args()
    load = os.getloadavg()[0]
    with workplace(arguments.work) as work:
        made = made_index(work, arguments.articles)
        data = copy_of(made.data, work / "copy")
        with running(data, work / "models") as service:
            taken = [
                service.seconds_to_answer(f"pushed-{n}", text) for n, text in enumerate(bodies(arguments.pushes, SEED))
            ]
    rows: list[list[Cell]] = [
        ["push to search, median", made.chunks, f"{middle(taken):.2f} s", "≤ 5 s"],
        ["push to search, worst", made.chunks, f"{max(taken):.2f} s", "≤ 5 s"],
    ]
    print_table(("", "chunks", "measured", "goal"), rows)
    print(f"\n{os.cpu_count()} processors, load {load:.1f} before and {os.getloadavg()[0]:.1f} after")


class Service:
    """A running service with a writer."""

    def __init__(self, port: int, secret: str) -> None:
        self._port = port
        self._secret = secret

    def seconds_to_answer(self, article_id: str, text: str) -> float:
        """Push an article; return the seconds until a search returns it."""
        word = f"zq{secrets.token_hex(6)}"
        article = {"title": f"Article {article_id}", "body": f"The code word is {word}.\n\n{text}"}
        began = time.monotonic()
        status, _ = self.request("PUT", f"/v1/articles/{article_id}", article)
        assert status == 202, status
        while time.monotonic() - began < PATIENCE_S:
            _, found = self.request("POST", "/v1/search", {"question": word, "mode": "lexical"})
            if any(each["article_id"] == article_id for each in found["sources"]):
                return time.monotonic() - began
            time.sleep(PAUSE_S)
        raise SystemExit(f"{article_id} was not found within {PATIENCE_S:g} s")

    def request(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        """Send a request, a push with its secret; return the status and the JSON of the reply."""
        headers = {"Content-Type": "application/json"}
        if method in ("PUT", "DELETE"):
            headers["Authorization"] = f"Bearer {self._secret}"
        with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)) as connection:
            connection.request(method, path, None if body is None else json.dumps(body), headers)
            reply = connection.getresponse()
            return reply.status, json.loads(reply.read())

    def wait(self) -> None:
        """Wait until the service answers and its writer lives."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            try:
                status, _ = self.request("DELETE", "/v1/articles/unknown")
            except OSError:
                status = 0
            if status == 202:
                return
            time.sleep(PAUSE_S)
        raise SystemExit("the service did not start")


@contextmanager
def running(data: Path, models: Path) -> Iterator[Service]:
    """Run a service with a writer on a free port of loopback until the block ends."""
    secret = secrets.token_hex(16)
    environment = {**os.environ, "DATELINE_PUSH_SECRET": secret, "DATELINE_MODELS": str(models)}
    port = _free_port()
    command = [sys.executable, "-m", "dateline", "serve", "--with-writer", "--data", str(data), "--port", str(port)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL) as process:
        try:
            service = Service(port, secret)
            service.wait()
            yield service
        finally:
            process.terminate()


def _free_port() -> int:
    with closing(socket.socket()) as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


if __name__ == "__main__":
    main()
