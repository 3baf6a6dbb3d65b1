"""An embedding job in real processes: a killed worker costs one shard, and the vectors are those of one machine.

The same through Ray, if it is installed; there an actor is killed.
"""

import os
import signal
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen

import numpy as np

from benchmarks.synthetic import bodies
from benchmarks.texts import write_articles
from index.catalog import key_of
from index.records import indexed_text
from ingest.embed.shards import Job
from tests.fakes import opened

ARTICLES = 350
"""About 2,000 chunks."""

SHARD_TEXTS = 100
DEADLINE_S = 600.0

Vectors = Mapping[bytes, bytes]
"""Vectors by the keys of their texts."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Invented articles and a folder of models that all processes share."""

    place: Path

    @property
    def articles(self) -> Path:
        return self.place / "articles.jsonl"

    def start(self, *arguments: str | Path) -> "Popen[str]":
        """Start a command; its settings are not those of the developer."""
        others = {name: value for name, value in os.environ.items() if not name.startswith(("DATELINE_", "OPENAI_"))}
        environment = {**others, "DATELINE_MODELS": str(self.place / "models"), "RAY_USAGE_STATS_ENABLED": "0"}
        command = [sys.executable, "-m", "dateline", *map(str, arguments)]
        return Popen(command, env=environment, stdout=PIPE, stderr=DEVNULL, text=True)

    def run(self, *arguments: str | Path) -> str:
        """Run a command to its end; return its output."""
        process = self.start(*arguments)
        output = process.communicate(timeout=DEADLINE_S)[0]
        assert process.returncode == 0, f"{arguments} ended with {process.returncode}"
        return output


def soak(place: Path) -> str:
    """Run a job on two workers and on Ray, kill one of each, and compare with a single machine."""
    desk = Desk(place)
    write_articles(desk.articles, bodies(ARTICLES))
    desk.run("ingest", desk.articles, "--data", place / "single")
    expected = vectors_of(place / "single")
    figures = [f"{len(expected)} texts", _job(desk, "workers", expected, two_workers)]
    if find_spec("ray"):
        figures.append(_job(desk, "ray", expected, ray_actor_killed))
    else:
        figures.append("ray: not installed; `make install-ray` installs it")
    return "\n".join(figures)


def _job(desk: Desk, name: str, expected: Vectors, workers: Callable[[Desk, Path], str]) -> str:
    """Plan, let the workers embed, and take the vectors in; return what happened."""
    job, data = desk.place / f"job-{name}", desk.place / f"data-{name}"
    desk.run("embed", "plan", desk.articles, "--job", job, "--texts", str(SHARD_TEXTS), "--data", data)
    happened = workers(desk, job)
    found = vectors_in(job)
    assert found.keys() == expected.keys(), f"{len(found.keys() ^ expected.keys())} texts differ"
    output = desk.run("embed", "take-in", desk.articles, "--job", job, "--data", data)
    assert "0 embedded in this run" in output, output
    assert vectors_of(data) == found == expected, "the vectors are not those of a single machine"
    return f"{name}: {happened}; every vector once, equal to those of a single machine"


def two_workers(desk: Desk, job: Path) -> str:
    """Kill one of two workers half-way, stop the other with SIGTERM, and start both again."""
    first, second = (desk.start("embed", "work", "--job", job, "--worker", f"{number}/2") for number in (1, 2))
    _wait(lambda: len(_vector_files(job)) >= 4, [first, second])
    first.kill()
    second.terminate()
    codes = first.wait(DEADLINE_S), second.wait(DEADLINE_S)
    assert codes == (-signal.SIGKILL, 128 + signal.SIGTERM), f"the workers ended with {codes}"
    before = _vector_files(job)
    for worker in [desk.start("embed", "work", "--job", job, "--worker", f"{number}/2") for number in (1, 2)]:
        assert worker.wait(DEADLINE_S) == 0
    after = _vector_files(job)
    assert before.items() <= after.items(), "a shard was written twice"
    return f"killed and stopped after {len(before)} of {len(after)} shards, resumed"


def ray_actor_killed(desk: Desk, job: Path) -> str:
    """Kill an actor of a cluster on this machine half-way; Ray starts it again."""
    driver = desk.start("embed", "work", "--job", job, "--ray", "local")
    _wait(lambda: len(_vector_files(job)) >= 4, [driver])
    before = _vector_files(job)
    killed = [process for process in _descendants(driver.pid) if b"ray::Actor" in _command(process)]
    assert killed, "no actor of Ray was found"
    os.kill(killed[0], signal.SIGKILL)
    assert driver.wait(DEADLINE_S) == 0
    after = _vector_files(job)
    assert before.items() <= after.items(), "a shard was written twice"
    return f"an actor killed after {len(before)} of {len(after)} shards"


def vectors_of(data: Path) -> Vectors:
    """Return the vectors of the current generation."""
    with opened(data) as generation:
        rows = np.arange(generation.manifest.chunk_count)
        stored = np.concatenate([np.asarray(part.segment.vectors) for part in generation.parts])
        return {
            key_of(indexed_text(article.title, chunk.text)): vector.tobytes()
            for (chunk, article), vector in zip(generation.chunks(rows), stored, strict=True)
        }


def vectors_in(job: Path) -> Vectors:
    """Return the vectors of a job; no text is in two shards."""
    opened_job, found = Job(str(job)), dict[bytes, bytes]()
    opened_job.refresh()
    for shard in opened_job.shards:
        texts = opened_job.texts(shard)
        for text, vector in zip(texts, opened_job.vectors(shard, len(texts)), strict=True):
            assert key_of(text) not in found, "a text is in two shards"
            found[key_of(text)] = vector.tobytes()
    return found


def _vector_files(job: Path) -> dict[str, int]:
    """Return the times at which the vectors of a job were written, by shard."""
    return {path.name: path.stat().st_mtime_ns for path in (job / "vectors").glob("*") if "#" not in path.name}


def _wait(condition: Callable[[], bool], processes: Sequence["Popen[str]"]) -> None:
    """Wait until a condition is true, while all processes run."""
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert all(process.poll() is None for process in processes), "a worker ended early"
        assert time.monotonic() < deadline, "the workers are too slow"
        time.sleep(0.05)


def _descendants(pid: int) -> list[int]:
    """Return the processes below a process."""
    parents = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
    below, found = {pid}, []
    while below:
        below = {child for child, parent in parents.items() if parent in below}
        found += sorted(below)
    return found


def _command(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
