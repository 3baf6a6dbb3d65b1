"""Compare the service with a minimal one on LlamaIndex's retriever and Chroma: start, memory, requests a second.

usage: OMP_NUM_THREADS=1 python -m benchmarks.services [--bench PATH] [--work PATH] [--articles N] [--clients N]
    [--seconds N] [--rounds N] [--json PATH]

The services search the same chunks with the same vectors; with `--bench` they are real, and so are the questions. The
minimal one is `benchmarks/stock_search.py` in the stock environment; its questions are embedded by LlamaIndex's class
for the model, and in a second one by Dateline's own runtime. Clients ask one question after another; rounds alternate,
and the other services rest. Then complete answers, with the span reader and without it, and a cold `dateline ask`:
every run is a new process, but the disk's cache is warm. Memory is VmRSS after the rounds.
"""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.made_index import Made, made_index
from benchmarks.options import parser, workplace
from benchmarks.servers import Server, dateline, exchanged
from benchmarks.stock import stock_environment, stock_service
from benchmarks.stopwatch import middle, percentiles, seconds_of
from benchmarks.texts import Texts, texts_of

COMMAND = "python -m benchmarks.services"
SEARCH, ANSWER = "/v1/search", "/v1/ask"
STOCK, SAME_RUNTIME = "minimal service on LlamaIndex and Chroma", "the same with Dateline's runtime"
PRODUCT, FAST = "Dateline", "Dateline without the span reader"
PATHS = {
    STOCK: ("/search",),
    SAME_RUNTIME: ("/search",),
    PRODUCT: (SEARCH, ANSWER),
    FAST: (ANSWER,),
}
"""The requests that are sent to each service."""

ARTICLES = 1_700
QUESTIONS = 2_000
WARM_UP_S = 2.0
COLD = 3
TOP_K = 8
SEED = 7


@dataclass(frozen=True, slots=True)
class Round:
    """The milliseconds of each request of a round, and its seconds."""

    times: Sequence[float]
    seconds: float

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.times) / self.seconds


Rounds = Mapping[tuple[str, str], Sequence[Round]]
"""The rounds of each service and path."""


def main() -> None:
    """Compare the services and print."""
    options = parser(__doc__, bench=None, figures=True)
    options.add_argument("--articles", type=int, default=ARTICLES, help="articles in the index, of six chunks each")
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--rounds", type=int, default=3)
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        texts = texts_of(arguments.bench)
        made = made_index(work, arguments.articles, texts, "real" if arguments.bench else "fake")
        load = Load(arguments.clients, arguments.seconds, arguments.rounds)
        Run.of(compare(made, texts, work, stock_environment(work), load)).report(arguments.json)


@dataclass(frozen=True, slots=True)
class Load:
    """How many clients ask, for how long a round, and how many rounds there are."""

    clients: int
    seconds: float
    rounds: int


def compare(made: Made, texts: Texts, work: Path, python: Path | None, load: Load) -> Iterator[Figure]:
    """Alternate the services, Dateline's alone without a stock environment, and yield the figures."""
    asked = texts.questions(QUESTIONS, SEED)
    with ExitStack() as stack:
        running: dict[str, Server] = {}
        if python:
            running[STOCK] = stack.enter_context(stock_service(python, made.data, work))
            same = stock_service(python, made.data, work, with_our_runtime=True)
            running[SAME_RUNTIME] = stack.enter_context(same)
        running[PRODUCT] = stack.enter_context(dateline(made.data, work / "models"))
        running[FAST] = stack.enter_context(dateline(made.data, work / "models", DATELINE_SPAN_READER="0"))
        rounds = alternate(running, asked, load)
        memory = {name: server.memory()["VmRSS"] for name, server in running.items()}
    for figure in (*starts(running, made, work), *rates(rounds), *memories(memory)):
        yield replace(figure, chunks=made.chunks, command=COMMAND)


def alternate(running: Mapping[str, Server], asked: Sequence[str], load: Load) -> Rounds:
    """Return the rounds of each service and path; each has a short round before, which does not count."""
    numbers = count()
    pairs = [(name, path) for name in running for path in PATHS[name]]
    for name, path in pairs:
        one_round(running[name], path, asked, Load(load.clients, WARM_UP_S, 1), numbers)
    rounds: dict[tuple[str, str], list[Round]] = {pair: [] for pair in pairs}
    for _ in range(load.rounds):
        for name, path in pairs:
            rounds[name, path].append(one_round(running[name], path, asked, load, numbers))
    return rounds


def one_round(server: Server, path: str, asked: Sequence[str], load: Load, numbers: Iterator[int]) -> Round:
    """Let clients ask for some seconds, each on a connection of its own; raises RuntimeError if a request fails."""
    times: list[float] = []
    failed: list[int] = []
    began = time.perf_counter()
    lock = threading.Lock()

    def client() -> None:
        connection = server.connect()
        while (sent := time.perf_counter()) < began + load.seconds:
            with lock:
                question = asked[next(numbers) % len(asked)]
            status, _ = exchanged(connection, "POST", path, {"question": question, "top_k": TOP_K})
            times.append(1000 * (time.perf_counter() - sent))
            if status != 200:
                failed.append(status)
        connection.close()

    threads = [threading.Thread(target=client) for _ in range(load.clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failed or not times:
        raise RuntimeError(f"{len(failed)} of {len(times)} requests to {path} failed: {sorted(set(failed))}")
    return Round(times, time.perf_counter() - began)


def starts(running: Mapping[str, Server], made: Made, work: Path) -> Iterator[Figure]:
    """Yield the seconds until a service is ready, and those of a cold command."""
    other = running[STOCK].seconds if STOCK in running else None
    yield Figure("start: service ready", running[PRODUCT].seconds, "s", other=other, instead=STOCK)
    command = [sys.executable, "-m", "dateline", "ask", "What was decided?", "--data", str(made.data)]
    environment = {**os.environ, "DATELINE_MODELS": str(work / "models")}
    taken = [
        seconds_of(lambda: subprocess.run(command, check=True, capture_output=True, env=environment))
        for _ in range(COLD)
    ]
    yield Figure("start: cold `dateline ask`", middle(taken), "s")


def rates(rounds: Rounds) -> Iterator[Figure]:
    """Yield the median rates, and the percentiles of all times."""
    lines = (
        ("searches a second", (PRODUCT, SEARCH), (STOCK, "/search")),
        ("searches a second, same runtime", (PRODUCT, SEARCH), (SAME_RUNTIME, "/search")),
        ("answers a second", (PRODUCT, ANSWER), None),
        ("answers a second, without the span reader", (FAST, ANSWER), None),
    )
    for name, ours, other in lines:
        rate, times = _rate(rounds[ours]), _times(rounds[ours])
        others = rounds.get(other) if other else None
        if other == (SAME_RUNTIME, "/search") and not others:
            continue  # the row says nothing without the other service
        instead = other[0] if other else ""
        yield Figure(name, rate, "/s", other=_rate(others) if others else None, instead=instead)
        if "same" not in name:
            compared = percentiles(_times(others)) if others else [None, None]
            for part, at in (("p50", 0), ("p95", 1)):
                yield Figure(f"{name}: {part}", percentiles(times)[at], "ms", other=compared[at], instead=instead)


def memories(memory: Mapping[str, float]) -> Iterator[Figure]:
    """Yield the memory of the services after their rounds."""
    yield Figure("memory of the service", memory[PRODUCT], "MB", other=memory.get(STOCK), instead=STOCK)


def _rate(rounds: Sequence[Round]) -> float:
    return middle([each.rate for each in rounds])


def _times(rounds: Sequence[Round]) -> list[float]:
    return [each for one in rounds for each in one.times]


if __name__ == "__main__":
    main()
