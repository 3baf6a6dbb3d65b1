"""Measure a new generation of 100,000 chunks without embedding: seconds by phase, and memory.

usage: python -m benchmarks.rebuild [--work PATH] [--chunks N] [--stock-rows N] [--rounds N]

Every publish builds a complete generation, so this is the cost of the smallest change. Articles of invented words are
ingested with synthetic clustered vectors. Then one article is removed, and a separate process runs the real ingest
job again: read, reuse, number, vectors, Chroma, lexical index, manifest, verification in a child, publishing. Its
embedder raises an error for any text.

A second table compares two ways to fill Chroma with the same vectors: the stock `collection.add` with texts, metadata
and the default `sync_threshold`, and Dateline's (ids and vectors, persisted once). Rounds alternate; figures are
medians.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np

from benchmarks.options import parser, workplace
from benchmarks.stopwatch import TimedProgress, middle, seconds_of
from benchmarks.synthetic import NoEmbedder, SyntheticEmbedder, bodies, random_centres, write_articles
from benchmarks.table import Cell, print_table
from index.catalog import Catalog
from index.dense import build_dense
from index.embedding import Matrix
from index.embedding.local import count_pieces
from index.generation import read_manifest
from index.layout import CATALOG, CURRENT, VECTORS, current_name, generation_folder
from index.lexical import build_lexical
from ingest.chunk import chunk_spans
from ingest.job import Ingest, run
from ingest.progress import Progress

if TYPE_CHECKING:
    from chromadb.api.client import Client

DIMENSION = 384
CENTRES = 1500
LANGUAGE = "english"
MEASURED = 50
"""Articles that are chunked to compute the number of articles."""


def main() -> None:
    """Prepare, rebuild in a child, compare."""
    options = parser((__doc__ or "").splitlines()[0], bench=False)
    options.add_argument("--chunks", type=int, default=100_000)
    options.add_argument("--stock-rows", type=int, default=20_000)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--only", type=Path, help=argparse.SUPPRESS)
    arguments = options.parse_args()
    if arguments.only:
        print(json.dumps(rebuild(arguments.only)))
        return
    with workplace(arguments.work) as work:
        data = prepare(work / f"rebuild-{arguments.chunks}", arguments.chunks)
        child = [sys.executable, "-m", "benchmarks.rebuild", "--only", str(data)]
        done = subprocess.run(child, check=True, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[1])
        print_phases(json.loads(done.stdout), data)
        print_stock(data, arguments.stock_rows, arguments.rounds)


def prepare(data: Path, chunks: int) -> Path:
    """Return a data folder with about `chunks` chunks; reuse that of an earlier run."""
    articles = data / "articles.jsonl"
    if not (data / CURRENT).exists():
        data.mkdir(parents=True, exist_ok=True)
        write_articles(articles, round(chunks / _chunks_per_article()))
        embedder = SyntheticEmbedder(random_centres(CENTRES, DIMENSION))
        run(Ingest((articles,), data, LANGUAGE), embedder, Progress())
    return data


def _chunks_per_article() -> float:
    return sum(len(chunk_spans(body, count_pieces)) for body in bodies(MEASURED)) / MEASURED


def rebuild(data: Path) -> dict[str, float]:
    """Remove the last article and publish; return the seconds of each phase and the peaks of memory."""
    articles = data / "articles.jsonl"
    lines = articles.read_text(encoding="utf-8").splitlines(keepends=True)
    articles.write_text("".join(lines[:-1]), encoding="utf-8")
    del lines
    progress = TimedProgress()
    done = run(Ingest((articles,), data, LANGUAGE, prune=True), NoEmbedder(DIMENSION), progress)
    own, child = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    phases = {f"{name}, s": seconds for name, seconds in {"complete job": done.seconds, **progress.seconds}.items()}
    return {**phases, "peak RSS, MB": own, "peak RSS of verification, MB": child}


def print_phases(measured: dict[str, float], data: Path) -> None:
    """Print the phases of the rebuild; repeat its two largest parts to time them separately."""
    folder = generation_folder(data, current_name(data) or "")
    manifest = read_manifest(folder)
    print(f"{manifest.article_count:,} articles, {manifest.chunk_count:,} chunks")
    vectors = np.load(folder / VECTORS, mmap_mode="r")
    catalog = Catalog(folder / CATALOG)
    with tempfile.TemporaryDirectory() as temporary:
        again = {
            "  of building: Chroma, s": seconds_of(lambda: build_dense(Path(temporary) / "chroma", vectors)),
            "  of building: lexical, s": seconds_of(
                lambda: build_lexical(Path(temporary) / "lexical", catalog.titles_and_texts(), LANGUAGE)
            ),
        }
    catalog.close()
    rows: list[list[Cell]] = [[name, value] for name, value in {**measured, **again}.items()]
    print_table(("rebuild", ""), rows, digits=1)
    print()


def print_stock(data: Path, count: int, rounds: int) -> None:
    """Print the rows per second into Chroma, of Dateline and of stock."""
    folder = generation_folder(data, current_name(data) or "")
    vectors = np.array(np.load(folder / VECTORS, mmap_mode="r")[:count])
    catalog = Catalog(folder / CATALOG)
    texts = [(title or "", text) for title, text in islice(catalog.titles_and_texts(), count)]
    catalog.close()
    taken: dict[str, list[float]] = {"stock collection.add": [], "Dateline": []}
    sizes: dict[str, float] = {}
    for _ in range(rounds):
        for name, seconds in taken.items():
            with tempfile.TemporaryDirectory() as temporary:
                chroma = Path(temporary) / "chroma"
                if name == "Dateline":
                    seconds.append(seconds_of(lambda: build_dense(chroma, vectors)))  # noqa: B023 - called at once
                else:
                    seconds.append(seconds_of(lambda: _stock_add(chroma, vectors, texts)))  # noqa: B023
                sizes[name] = sum(file.stat().st_size for file in chroma.rglob("*") if file.is_file()) / 1e6
    rates = {name: len(vectors) / middle(seconds) for name, seconds in taken.items()}
    base = rates["stock collection.add"]
    rows: list[list[Cell]] = [[name, len(vectors), rate, rate / base, sizes[name]] for name, rate in rates.items()]
    print_table(("into Chroma", "rows", "rows/s", "ratio", "MB on disk"), rows, digits=1)


def _stock_add(folder: Path, vectors: Matrix, texts: list[tuple[str, str]]) -> None:
    import chromadb
    from chromadb.config import Settings

    client = cast("Client", chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False)))
    collection = client.create_collection("stock", embedding_function=None)
    page = client.get_max_batch_size()
    for start in range(0, len(vectors), page):
        part = range(start, min(start + page, len(vectors)))
        collection.add(
            ids=[str(row) for row in part],
            embeddings=vectors[part.start : part.stop],
            documents=[texts[row][1] for row in part],
            metadatas=[{"title": texts[row][0], "row": row} for row in part],
        )
    client.close()


if __name__ == "__main__":
    main()
