"""Measure start-up and memory: a cold `dateline ask`, `dateline serve` until it is ready, the memory of the service.

usage: python -m benchmarks.start [--work PATH] [--runs N] [--questions N] [--stock]

The index has the sample articles; the graph of the local model exists. Every run is a new process: cold means that
the process has loaded nothing, not that the disk's cache is empty. Questions are made from the articles' titles and
sent over HTTP; memory is VmRSS and VmHWM of /proc. `--stock` also starts the stock LlamaIndex embedding, in alternation
and in the environment of `ingest_speed`: Python, its imports, the model, one embedding.
"""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from itertools import cycle, islice
from pathlib import Path

from benchmarks.options import parser, workplace
from benchmarks.stock import OFFLINE, stock_command, stock_environment
from benchmarks.stopwatch import memory_of, middle, percentiles, seconds_of
from benchmarks.table import Cell, print_table
from index.embedding.local import LocalEmbedder
from index.generation import open_generation
from index.layout import current_name
from ingest.job import Ingest, run
from ingest.report import Progress

ARTICLES = Path(__file__).parents[1] / "articles"
QUESTION = "When did the ferry strike end?"
TIMEOUT_S = 60
POLL_S = 0.01


def main() -> None:
    """Start, ask, print."""
    options = parser((__doc__ or "").splitlines()[0], bench=False)
    options.add_argument("--runs", type=int, default=5)
    options.add_argument("--questions", type=int, default=50)
    options.add_argument("--stock", action="store_true", help="start the stock embedding as well")
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        data = work / "sample"
        run(Ingest((ARTICLES,), data, "english"), LocalEmbedder(data / "models"), Progress(quiet=True))
        stock = stock_command(stock_environment(work)) if arguments.stock else None
        starts, asked, memory = measure(data, arguments.runs, arguments.questions, stock)
    rows: list[list[Cell]] = [[name, middle(seconds), min(seconds), max(seconds)] for name, seconds in starts.items()]
    print_table(("seconds", "median", "min", "max"), rows, digits=2)
    print()
    print_table(
        ("ms over HTTP", "n", "p50", "p95", "p99"), [["POST /v1/ask", len(asked), *percentiles(asked)]], digits=1
    )
    print()
    print_table((f"MB after {arguments.questions} questions", ""), [[name, size] for name, size in memory.items()], 0)


def measure(
    data: Path, runs: int, questions: int, stock: Sequence[str] | None
) -> tuple[dict[str, list[float]], list[float], dict[str, float]]:
    """Return the seconds of each start, and of the last service the milliseconds per question and the memory in MB."""
    ask = [sys.executable, "-m", "dateline", "ask", QUESTION, "--data", str(data)]
    starts: dict[str, list[float]] = {"dateline ask": [], "dateline serve until ready": []}
    asked: list[float] = []
    memory: dict[str, float] = {}
    for _ in range(runs):
        starts["dateline ask"].append(seconds_of(lambda: _run(ask)))
        began = time.perf_counter()
        with serving(data) as (address, pid):
            starts["dateline serve until ready"].append(time.perf_counter() - began)
            memory = {"ready: VmRSS": memory_of(pid, "VmRSS")}
            asked = [1000 * seconds_of(lambda: _ask(address, text)) for text in _questions(data, questions)]  # noqa: B023
            memory |= {"VmRSS": memory_of(pid, "VmRSS"), "VmHWM": memory_of(pid, "VmHWM")}
        if stock:
            starts.setdefault("stock embedding alone", []).append(seconds_of(lambda: _run(stock)))
    return starts, asked, memory


@contextmanager
def serving(data: Path) -> Iterator[tuple[str, int]]:
    """Start a service, yield its address and process id when it is ready, and stop it at the end of the block."""
    port = _free_port()
    command = [sys.executable, "-m", "dateline", "serve", "--port", str(port), "--data", str(data)]
    environment = {**os.environ, "DATELINE_ANSWER_CACHE": "0"}  # each question is to be answered
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as child:
        try:
            _wait(f"http://127.0.0.1:{port}/readyz", child)
            yield f"http://127.0.0.1:{port}", child.pid
        finally:
            child.terminate()


def _wait(address: str, child: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while time.monotonic() < deadline and child.poll() is None:
        try:
            with urllib.request.urlopen(address, timeout=TIMEOUT_S):
                return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(POLL_S)
    raise TimeoutError(f"{address} was not ready within {TIMEOUT_S} s; exit code {child.poll()}")


def _ask(address: str, question: str) -> None:
    body = json.dumps({"question": question}).encode()
    request = urllib.request.Request(f"{address}/v1/ask", body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
        reply.read()


def _questions(data: Path, count: int) -> list[str]:
    """Return `count` questions made from the articles' titles, repeated if there are too few."""
    with closing(open_generation(data, current_name(data) or "")) as generation:
        titles = [article.title or article.article_id for article in generation.articles()]
    asked = (f"{opening} {title}?" for opening in ("What is known of", "When was", "Who says") for title in titles)
    return list(islice(cycle(asked), count))


def _run(command: Sequence[str]) -> None:
    subprocess.run(command, check=True, capture_output=True, stdin=subprocess.DEVNULL, env={**os.environ, **OFFLINE})


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


if __name__ == "__main__":
    main()
