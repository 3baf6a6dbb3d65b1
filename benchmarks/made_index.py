"""Indexes of the articles of a benchmark, by default with fake unit vectors, so that a large one is built in minutes.

The vectors carry the name of the local model, so that articles with real vectors can be published beside the others.
"""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from benchmarks.stopwatch import memory_of
from benchmarks.synthetic import CENTRES, SyntheticEmbedder, random_centres
from benchmarks.texts import INVENTED, Texts, write_articles
from index.embedding import Embedder
from index.embedding.local import LocalEmbedder
from index.generation import open_generation
from index.layout import LOCK, current_name
from index.publishing import entry_of, publish
from index.segment import SegmentWriter
from ingest.job import Ingest, run
from ingest.report import Progress

LANGUAGE = "english"

Vectors = Literal["fake", "real"]


@dataclass(frozen=True, slots=True)
class Made:
    """An index that was built: its articles' file, its size, and the seconds and peak memory in MB of the ingest."""

    data: Path
    articles: Path
    count: int
    chunks: int
    seconds: float
    peak: float


def made_index(work: Path, count: int, texts: Texts = INVENTED, vectors: Vectors = "fake") -> Made:
    """Return an index of `count` articles in `work`; a child process runs the ingest job, unless it did before."""
    name = "-".join(["made", *([] if texts == INVENTED else [texts.name]), *(["real"] if vectors == "real" else [])])
    folder = work / f"{name}-{count}"
    articles, data, done = folder / "articles.jsonl", folder / "data", folder / "made.json"
    if not done.exists():
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write_articles(articles, texts.bodies(count))
        command = [
            sys.executable,
            "-m",
            "benchmarks.made_index",
            str(articles),
            str(data),
            str(work / "models"),
            vectors,
        ]
        child = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        done.write_text(child.stdout, encoding="utf-8")
    return Made(data, articles, count, **json.loads(done.read_text(encoding="utf-8")))


def fake_embedder(embedder: Embedder) -> SyntheticEmbedder:
    """Return an embedder with another's name and fake vectors."""
    return SyntheticEmbedder(random_centres(CENTRES, embedder.dimension), embedder.name, embedder.graph)


def copy_of(data: Path, target: Path) -> Path:
    """Copy a data folder in no time; its files are never changed in place, so they are linked."""
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(data, target, copy_function=os.link, ignore=shutil.ignore_patterns(LOCK))
    return target


def in_segments(data: Path, target: Path, count: int) -> Path:
    """Return a data folder with the articles of another one in `count` segments of equal size."""
    if current_name(target) is None:
        shutil.rmtree(target, ignore_errors=True)
        with closing(open_generation(data, current_name(data) or "")) as generation:
            ids = sorted(generation.hashes())
            configuration = generation.manifest.configuration
            entries = []
            for own in (set(ids[at::count]) for at in range(count)):
                with SegmentWriter(target, configuration) as writer:
                    for part in generation.parts:
                        writer.copy(part.segment, part.segment.catalog.hashes().keys() - own)
                    record = writer.close()
                assert record is not None
                entries.append(entry_of(target, record.segment))
        publish(target, configuration, entries)
    return target


def main(arguments: Sequence[str]) -> None:
    """Ingest a file, with fake vectors or real ones, and print the result as JSON."""
    articles, data, models = map(Path, arguments[:3])
    real = LocalEmbedder(models)
    embedder = real if arguments[3] == "real" else fake_embedder(real)
    made = run(Ingest((articles,), data, LANGUAGE), embedder, Progress(quiet=True))
    # Not `getrusage`, which also counts the parent process from before this program was started.
    print(json.dumps({"chunks": made.chunks, "seconds": made.seconds, "peak": memory_of("self", "VmHWM")}))


if __name__ == "__main__":
    main(sys.argv[1:])
