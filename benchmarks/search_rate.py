"""Compare `/v1/search` with a minimal service on LlamaIndex's retriever and Chroma: requests per second.

usage: OMP_NUM_THREADS=1 python -m benchmarks.search_rate --bench PATH [--work PATH] [--chunks N] [--clients N]
    [--seconds N] [--rounds N]

The services search the same chunks with the same vectors of the same model. The minimal one is
`benchmarks/stock_search.py`, in the stock environment of `ingest_speed`; questions are embedded by LlamaIndex's class
for the model, and in a second one by Dateline's own runtime. Clients ask one question after
another; rounds alternate, and the other services rest. Then complete answers, with the span reader and without it.
"""

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import count
from pathlib import Path

import numpy as np

from benchmarks.large_index import write_articles
from benchmarks.options import parser, workplace
from benchmarks.sets import RGB, SQUAD_1, QuestionSet
from benchmarks.stock import OFFLINE, stock_environment
from benchmarks.stopwatch import middle, percentiles
from benchmarks.table import Cell, print_table
from benchmarks.trial import LANGUAGE
from index.embedding.local import WEIGHTS, LocalEmbedder, model_file
from index.generation import open_generation
from index.layout import current_name
from ingest.job import Ingest, run
from ingest.report import Progress
from tests.chroma_server import free_port

STOCK = "minimal LlamaIndex and Chroma"
STARTED_S = 120.0
TOP_K = 8
HEAD = ("per second", "p50 ms", "p95 ms", "errors")


@dataclass(frozen=True, slots=True)
class Served:
    """A running service, and the path of its search."""

    port: int
    path: str

    def ask(self, connection: HTTPConnection, question: str) -> int:
        """Send a question and return the status of the reply."""
        body = json.dumps({"question": question, "top_k": TOP_K})
        connection.request("POST", self.path, body, {"Content-Type": "application/json"})
        reply = connection.getresponse()
        reply.read()
        return reply.status


@dataclass(frozen=True, slots=True)
class Round:
    """The milliseconds of each request of a round, its seconds, and the requests that failed."""

    times: Sequence[float]
    seconds: float
    errors: int

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.times) / self.seconds


def main() -> None:
    """Alternate the services and print medians and the ratio."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--chunks", type=int, default=10_000)
    options.add_argument("--clients", type=int, default=8)
    options.add_argument("--seconds", type=float, default=10.0)
    options.add_argument("--rounds", type=int, default=3)
    arguments = options.parse_args()
    with workplace(arguments.work) as work, ExitStack() as running:
        models, data = work / "models", indexed(arguments.bench, work, arguments.chunks)
        python, model, chunks = stock_environment(work), model_file(WEIGHTS).parent, chunks_of(data)
        ours = stock([sys.executable], chunks, work / "stock-chroma", models, "--ours", packages=store_of(python))
        services = {
            STOCK: running.enter_context(stock([str(python)], chunks, work / "stock-chroma", model)),
            f"{STOCK}, Dateline's runtime": running.enter_context(ours),
            "Dateline, /v1/search": running.enter_context(dateline(data, models, "/v1/search")),
            "Dateline, /v1/ask": running.enter_context(dateline(data, models, "/v1/ask")),
            "Dateline, /v1/ask without the span reader": running.enter_context(
                dateline(data, models, "/v1/ask", DATELINE_SPAN_READER="0")
            ),
        }
        questions = [each.text for each in QuestionSet.read(arguments.bench, SQUAD_1).questions[:2_000]]
        rounds: dict[str, list[Round]] = {name: [] for name in services}
        numbers = count()
        for service in services.values():
            asked(service, questions, arguments.clients, 2.0, numbers)
        for _ in range(arguments.rounds):
            for name, service in services.items():
                rounds[name].append(asked(service, questions, arguments.clients, arguments.seconds, numbers))
    print_table(("", *HEAD), [row(name, each) for name, each in rounds.items()], 1)
    minimal, same, search, *_ = (middle([each.rate for each in of]) for of in rounds.values())
    print(f"\n/v1/search: {search / minimal:.2f} times the requests of the minimal service a second,")
    print(f"{search / same:.2f} times with Dateline's runtime in both")


def indexed(bench: Path, work: Path, chunks: int) -> Path:
    """Return the data folder of an index of real sentences with their vectors; building it takes minutes."""
    data = work / f"rate-{chunks}"
    if current_name(data) is None:
        data.mkdir(parents=True, exist_ok=True)
        texts = [paragraph.text for name in (SQUAD_1, RGB) for paragraph in QuestionSet.read(bench, name).paragraphs]
        write_articles(data / "articles.jsonl", texts, chunks)
        run(Ingest((data / "articles.jsonl",), data, LANGUAGE), LocalEmbedder(work / "models"), Progress())
    return data


def row(name: str, rounds: Sequence[Round]) -> Sequence[Cell]:
    """Return the median rate, the percentiles of all times, and the errors."""
    half, most, _ = percentiles([each for one in rounds for each in one.times])
    return name, middle([each.rate for each in rounds]), half, most, sum(each.errors for each in rounds)


def asked(service: Served, questions: Sequence[str], clients: int, seconds: float, numbers: Iterator[int]) -> Round:
    """Let clients ask for some seconds, each on a connection of its own."""
    times: list[float] = []
    errors: list[float] = []
    end = time.perf_counter() + seconds
    lock = threading.Lock()

    def client() -> None:
        connection = HTTPConnection("127.0.0.1", service.port, timeout=60)
        while (began := time.perf_counter()) < end:
            with lock:
                question = questions[next(numbers) % len(questions)]
            status = service.ask(connection, question)
            (times if status == 200 else errors).append(1000 * (time.perf_counter() - began))
        connection.close()

    began = time.perf_counter()
    threads = [threading.Thread(target=client) for _ in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Round(times, time.perf_counter() - began, len(errors))


def chunks_of(data: Path) -> Path:
    """Return a file of JSON Lines with the chunks of an index and their vectors."""
    file = data.with_suffix(".jsonl")
    with closing(open_generation(data, current_name(data) or "")) as generation, file.open("w") as lines:
        for part in generation.parts:
            rows = part.first + np.arange(part.segment.record.chunk_count)
            for (chunk, article), vector in zip(generation.chunks(rows), part.segment.vectors, strict=True):
                about = {"title": article.title or "", "article_id": article.article_id, "vector": vector.tolist()}
                lines.write(json.dumps({"id": chunk.chunk_id, "text": chunk.text, **about}) + "\n")
    return file


def store_of(python: Path) -> Path:
    """Return the folder of packages of the stock environment."""
    command = [str(python), "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"]
    return Path(subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip())


@contextmanager
def stock(
    python: Sequence[str], chunks: Path, folder: Path, *arguments: object, packages: Path | None = None
) -> Iterator[Served]:
    """Run the minimal service; `packages` is a folder of packages that its Python lacks."""
    port = free_port()
    script = Path(__file__).with_name("stock_search.py")
    model, *more = map(str, arguments)
    path = os.pathsep.join(map(str, (Path.cwd(), packages))) if packages else ""
    command = [*python, str(script), str(chunks), str(folder), str(port), model, *more]
    with process(command, {**OFFLINE, "PYTHONPATH": path}):
        yield ready(Served(port, "/search"))


@contextmanager
def dateline(data: Path, models: Path, path: str, **settings: str) -> Iterator[Served]:
    """Run a service of Dateline."""
    port = free_port()
    given = {
        "DATELINE_DATA": str(data),
        "DATELINE_MODELS": str(models),
        "DATELINE_SUGGESTIONS": "0",
        "DATELINE_ANSWER_CACHE": "0",
        **settings,
    }
    with process([sys.executable, "-m", "dateline", "serve", "--port", str(port)], given):
        yield ready(Served(port, path))


@contextmanager
def process(command: Sequence[str], settings: Mapping[str, str]) -> Iterator[None]:
    """Run a program until the block ends."""
    running = subprocess.Popen(command, env={**os.environ, **settings}, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        running.terminate()
        running.wait()


def ready(service: Served) -> Served:
    """Return a service once it answers."""
    end = time.monotonic() + STARTED_S
    while time.monotonic() < end:
        try:
            if service.ask(HTTPConnection("127.0.0.1", service.port, timeout=60), "Is it ready?") == 200:
                return service
        except OSError:
            pass
        time.sleep(0.2)
    raise RuntimeError(f"the service of {service.path} did not answer within {STARTED_S:.0f} s")


if __name__ == "__main__":
    main()
