"""Push and pull: the bytes, objects and seconds that replicas cost, in an index of invented articles.

A publish of ten articles goes to a store in a folder, and from there to a replica. Vectors are fake; a push does not
read them. A merge copies articles into a new segment, so that a push after a merge moves more.
"""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.made_index import LANGUAGE, Made, copy_of, fake_embedder, made_index
from benchmarks.options import parser, workplace
from benchmarks.stopwatch import middle
from benchmarks.synthetic import bodies
from index.embedding import Embedder
from index.embedding.local import LocalEmbedder
from index.layout import current_name, segment_folder
from index.publishing import read_manifest
from index.replicas.pull import PullReport, replica_of
from index.replicas.push import PushReport, push
from index.replicas.store import Store
from index.segment import read_record
from ingest.job import Ingest, run
from ingest.report import Progress

SEED = 7
"""Seed of the bodies that are published: the index has others."""

AT_ONCE = 10
GOAL = "≤ 2 %"
COMMAND = "python -m benchmarks.replicas"


def main() -> None:
    """Measure and print."""
    options = parser(__doc__, bench=False, figures=True)
    options.add_argument("--articles", type=int, default=17_000, help="articles in the index")
    options.add_argument("--publishes", type=int, default=200)
    options.add_argument("--pulls", type=int, default=20, help="publishes that a replica pulls")
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        made = made_index(work, arguments.articles)
        figures = measured(made, work, arguments.publishes, arguments.pulls)
        Run.of(replace(each, chunks=made.chunks, command=COMMAND) for each in figures).report(arguments.json)


def measured(made: Made, work: Path, count: int, pulls: int) -> Iterator[Figure]:
    """Yield what the complete index costs, then what publishes cost."""
    folder = work / "replicas"
    shutil.rmtree(folder, ignore_errors=True)
    data, store = copy_of(made.data, folder / "publisher"), Store(f"file://{folder}/store")
    embedder = fake_embedder(LocalEmbedder(work / "models"))
    yield from first(data, store, folder / "replica")
    yield from publishes(data, store, folder / "replica", embedder, count, pulls)


def first(data: Path, store: Store, replica: Path) -> Iterator[Figure]:
    """Push and pull the complete index."""
    pushed, pulled = push(data, store), pull(replica, store)
    yield Figure("index", size_of(data) / 1e6, "MB")
    for name, report in (("first push", pushed), ("first pull", pulled)):
        yield Figure(f"{name}, bytes", report.bytes / 1e6, "MB")
        yield Figure(f"{name}, objects", report.objects, "")
        yield Figure(name, report.seconds, "s")


def publishes(data: Path, store: Store, replica: Path, embedder: Embedder, count: int, pulls: int) -> Iterator[Figure]:
    """Publish ten articles again and again, push each generation, and pull the first ones."""
    size = size_of(data)
    texts = bodies(count * AT_ONCE, SEED)
    alone: list[PushReport] = []
    merged: list[PushReport] = []
    pulled: list[PullReport] = []
    for number in range(count):
        before = segments_of(data)
        ingest(data, embedder, number, list(islice(texts, AT_ONCE)))
        report = push(data, store)
        (alone if segments_of(data) == before + 1 else merged).append(report)
        if number < pulls:
            pulled.append(pull(replica, store))
    yield from described("publish of ten articles", alone, size, GOAL)
    yield Figure("publishes with a merge", len(merged), f"of {count}")
    if merged:
        yield from described("publish with a merge", merged, size)
    moved = sum(report.bytes for report in (*alone, *merged))
    yield Figure(f"all {count} publishes, bytes", moved / 1e6, "MB")
    yield Figure(f"all {count} publishes, share of the index for each", 100 * moved / count / size, "%", goal=GOAL)
    yield Figure("pull after a publish, median", middle([report.seconds for report in pulled]), "s")
    yield Figure("pull after a publish, worst", max(report.seconds for report in pulled), "s")


def described(name: str, reports: Sequence[PushReport], size: int, goal: str = "") -> Iterator[Figure]:
    """Yield what a kind of push moved."""
    moved = [report.bytes for report in reports]
    yield Figure(f"{name}, bytes, median", middle(moved) / 1e6, "MB")
    yield Figure(f"{name}, bytes, worst", max(moved) / 1e6, "MB")
    yield Figure(f"{name}, share of the index, worst", 100 * max(moved) / size, "%", goal=goal)
    yield Figure(f"{name}, objects, median", middle([report.objects for report in reports]), "")
    yield Figure(f"{name}, push, median", middle([report.seconds for report in reports]), "s")


def pull(replica: Path, store: Store) -> PullReport:
    """Bring a replica to the newest pointer."""
    with replica_of(replica, store, "benchmark") as opened:
        return opened.pull()


def ingest(data: Path, embedder: Embedder, number: int, texts: Sequence[str]) -> None:
    """Publish articles."""
    file = data.parent / "published.jsonl"
    rows = ({"id": f"new-{number}-{at}", "title": f"Article {at}", "body": text} for at, text in enumerate(texts))
    file.write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    run(Ingest((file,), data, LANGUAGE), embedder, Progress(quiet=True))


def segments_of(data: Path) -> int:
    """Return the number of segments of the current generation."""
    return len(read_manifest(data, current_name(data) or "").segments)


def size_of(data: Path) -> int:
    """Return the bytes of the files of the current generation."""
    manifest = read_manifest(data, current_name(data) or "")
    records = (read_record(segment_folder(data, entry.segment)) for entry in manifest.segments)
    return sum(file.size for record in records for file in record.files.values())


if __name__ == "__main__":
    main()
