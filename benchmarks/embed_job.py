"""Measure embedding by several workers beside a plain ingest.

usage: python -m benchmarks.embed_job [--work PATH] [--articles N] [--memory N]

Every process is kept on one processor, as if it were a machine of its own. Times are those of complete commands, start
included. `--memory` measures the peak memory of plan and take-in instead, with N articles and fake vectors.
"""

import json
import os
import resource
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from benchmarks.made_index import LANGUAGE, fake_embedder
from benchmarks.options import parser, workplace
from benchmarks.stopwatch import memory_of
from benchmarks.synthetic import bodies
from benchmarks.table import Cell, print_table
from benchmarks.texts import write_articles
from index.embedding.local import LocalEmbedder
from ingest.embed.plan import plan
from ingest.embed.shards import Job
from ingest.embed.take_in import take_in
from ingest.embed.work import Share, work
from ingest.job import Ingest
from ingest.report import Progress

ARTICLES = 350
SHARD_TEXTS = 100


class Taken(NamedTuple):
    """The duration of commands, and the processor time that they used, in seconds."""

    seconds: float
    computed: float


def main() -> None:
    """Measure and print."""
    options = parser(__doc__, bench=False)
    options.add_argument("--articles", type=int, default=ARTICLES, help="articles of six chunks each")
    options.add_argument("--memory", type=int, metavar="N", help="measure the memory with N articles instead")
    arguments = options.parse_args()
    load = os.getloadavg()[0]
    with workplace(arguments.work) as work_folder:
        if arguments.memory:
            print_table(("", "chunks", "s", "peak MB"), list(memory(work_folder, arguments.memory)), digits=0)
        else:
            print_table(
                ("", "s", "chunks/s", "of ingest", "processor time"), times(work_folder, arguments.articles), digits=2
            )
    print(f"\n{os.cpu_count()} processors, load {load:.1f} before and {os.getloadavg()[0]:.1f} after")


def times(place: Path, count: int) -> list[list[Cell]]:
    """Return a row for each command."""
    articles = place / f"articles-{count}.jsonl"
    write_articles(articles, bodies(count))
    LocalEmbedder(place / "models")
    for name in ("single", "data", "job", "job-of-one"):
        shutil.rmtree(place / name, ignore_errors=True)
    job, one = place / "job", place / "job-of-one"
    planned = ("embed", "plan", articles, "--texts", SHARD_TEXTS, "--data", place / "data", "--job", job)
    taken = {
        "ingest": _taken(place, ("ingest", articles, "--data", place / "single")),
        "plan": _taken(place, planned),
    }
    shutil.copytree(job, one)
    taken["work, one worker"] = _taken(place, ("embed", "work", "--job", one))
    shares = [("embed", "work", "--job", job, "--worker", f"{number}/2") for number in (1, 2)]
    taken["work, two workers"] = _taken(place, *shares)
    taken["take-in"] = _taken(place, ("embed", "take-in", articles, "--data", place / "data", "--job", job))
    steps = [taken[name] for name in ("plan", "work, two workers", "take-in")]
    taken["plan, two workers, take-in"] = Taken(*map(sum, zip(*steps, strict=True)))
    opened = Job(str(job))
    opened.refresh()
    chunks = sum(len(opened.texts(shard)) for shard in opened.shards)
    ingest = taken["ingest"]
    return [
        [name, each.seconds, chunks / each.seconds, each.seconds / ingest.seconds, each.computed / ingest.computed]
        for name, each in taken.items()
    ]


def _taken(place: Path, *commands: tuple[object, ...]) -> Taken:
    """Run commands that start together, each on a processor of its own."""
    environment = {**os.environ, "DATELINE_MODELS": str(place / "models"), "OMP_NUM_THREADS": "1"}
    processors = sorted(os.sched_getaffinity(0))
    began, before = time.perf_counter(), _computed()
    running = []
    for command, processor in zip(commands, processors, strict=False):
        # The model computes on as many threads as a process may use processors.
        started = ["taskset", "--cpu-list", str(processor), sys.executable, "-m", "dateline", *map(str, command)]
        running.append(subprocess.Popen(started, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
    codes = [process.wait() for process in running]
    if any(codes) or len(running) < len(commands):
        sys.exit(f"commands ended with {codes}, or there are fewer processors than {len(commands)}")
    return Taken(time.perf_counter() - began, _computed() - before)


def _computed() -> float:
    """Return the processor time of all child processes so far, in seconds."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def memory(place: Path, count: int) -> Iterable[list[Cell]]:
    """Yield a row for each step, which runs in a process of its own."""
    articles = place / f"articles-{count}.jsonl"
    write_articles(articles, bodies(count))
    for name in ("data", "job"):
        shutil.rmtree(place / name, ignore_errors=True)
    for step in STEPS:
        command = [sys.executable, "-m", "benchmarks.embed_job", "--step", step, str(place), str(articles)]
        child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        yield [step, *json.loads(child.stdout)]


def _plan(job: Job, order: Ingest, embedder: LocalEmbedder) -> int:
    return plan(job, order, fake_embedder(embedder), Progress(quiet=True)).texts


def _work(job: Job, _: Ingest, embedder: LocalEmbedder) -> int:
    return sum(each.texts for each in work(job, fake_embedder(embedder), Share()))


def _take_in(job: Job, order: Ingest, embedder: LocalEmbedder) -> int:
    return take_in(job, order, fake_embedder(embedder), Progress(quiet=True)).chunks


STEPS: dict[str, Callable[[Job, Ingest, LocalEmbedder], int]] = {"plan": _plan, "work": _work, "take-in": _take_in}


def run_step(step: str, place: Path, articles: Path) -> None:
    """Run a step; print its chunks, its seconds and its peak memory in MB as JSON."""
    began = time.perf_counter()
    order = Ingest((articles,), place / "data", LANGUAGE)
    chunks = STEPS[step](Job(str(place / "job"), create=True), order, LocalEmbedder(place / "models"))
    print(json.dumps([chunks, time.perf_counter() - began, memory_of("self", "VmHWM")]))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--step"]:
        run_step(sys.argv[2], Path(sys.argv[3]), Path(sys.argv[4]))
    else:
        main()
