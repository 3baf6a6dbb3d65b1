"""Measure what a publish costs at several sizes of the index, and what segments cost a question.

usage: OMP_NUM_THREADS=1 python -m benchmarks.publish [--work PATH] [--articles N ...] [--publishes N] [--commands N]
    [--changed N] [--json PATH]

The index has invented articles of six chunks with fake vectors; those that are published have real ones. Every
measurement begins with a copy of the index.

On a busy machine read the processor time, which is what a quiet one needs, but for the disk.

- `publish, running writer`: the ingest job of one new article in this process, whose model is loaded. A publish that
  also merges is counted apart; the merge comes after the article is served.
- `publish, cold` and `unchanged file, cold`: `dateline ingest` with one new article, and with a known one.
- `change 1 %`: the job of a file in which one article of a hundred has changed, as a share of the first ingest of that
  file. Fake vectors take no time; `real vectors` adds the time of real ones to both.
- `swap`: a service's library opens a generation with one article more, in a process of its own; memory is VmRSS.
- `question`: retrieval over the same articles in one segment and in eight, in alternating rounds, with the model's
  time but fake vectors. `recall@10` is that of the one segment's Chroma collection, as the product uses it: the best 50
  candidates, ranked by their exact cosines.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import chain
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Run
from benchmarks.made_index import LANGUAGE, Made, copy_of, fake_embedder, in_segments, made_index
from benchmarks.options import parser, workplace
from benchmarks.stock import STOCK_NAME, collection_of, stock_ingest
from benchmarks.stopwatch import alternate, memory_of, middle, milliseconds_of, percentiles, seconds_of
from benchmarks.synthetic import TimedEmbedder, bodies, clustered, questions
from benchmarks.trial import TOP_K
from index.embedding import Embedder, Matrix
from index.embedding.local import LocalEmbedder, count_pieces
from index.generation import Generation, open_generation
from index.layout import CHROMA, current_name
from index.library import Library
from index.publishing import read_manifest
from index.records import Filters
from index.text import chunk_spans
from index.vectors import Collection, nearest
from ingest.job import Ingest, run
from ingest.report import Progress
from service.retrieve import CANDIDATES, retrieve

ARTICLES = (150, 1_500, 17_000)
CHANGED = 20_000
SEGMENTS = 8
QUESTIONS = 100
ROUNDS = 3
SWAPS = 20
UNCHANGED = 10
AT = 10
SEED = 7
"""Seed of the bodies that are published: the index has others."""

COMMAND = "python -m benchmarks.publish"
MEDIAN, WORST = "publish, running writer, median", "publish, running writer, worst"


def main() -> None:
    """Measure and print."""
    options = parser(__doc__, bench=False, figures=True)
    options.add_argument("--articles", type=int, nargs="*", default=ARTICLES, help="articles in the index")
    options.add_argument("--publishes", type=int, default=200)
    options.add_argument("--commands", type=int, default=5)
    options.add_argument("--changed", type=int, default=CHANGED, help="articles of which 1 %% change; 0: none")
    options.add_argument("--serve", type=Path, help="open a data folder again for every line on stdin")
    arguments = options.parse_args()
    if arguments.serve:
        serve(arguments.serve)
        return
    with workplace(arguments.work) as work:
        embedder = LocalEmbedder(work / "models")
        figures = measured(work, embedder, sorted(arguments.articles), arguments.publishes, arguments.commands)
        if arguments.changed:
            figures = chain(figures, change(made_index(work, arguments.changed), work, embedder))
        run = Run.of(replace(each, command=COMMAND) for each in figures)
    run.report(arguments.json)


def measured(work: Path, embedder: Embedder, sizes: Sequence[int], publishes: int, commands: int) -> Iterator[Figure]:
    """Yield what is measured at every size, and swap and questions at the largest."""
    texts = bodies(len(sizes) * (publishes + commands) + SWAPS, SEED)
    medians: list[float] = []
    for made in (made_index(work, count) for count in sizes):
        yield Figure("first ingest, fake vectors", made.seconds, "s", made.chunks)
        yield Figure("first ingest, peak memory", made.peak, "MB", made.chunks, "≤ 500 MB")
        data = copy_of(made.data, work / "copy")
        in_process = list(in_writer(data, made.chunks, embedder, [next(texts) for _ in range(publishes)]))
        medians.append(in_process[0].value)
        yield from in_process
        yield from in_commands(data, made.chunks, work / "models", [next(texts) for _ in range(commands)])
    yield Figure("publish, largest against smallest index", medians[-1] / medians[0], "", made.chunks, "≤ 2")
    yield from swap(made, work, embedder, list(texts))
    yield from segments(made, work, embedder)


def in_writer(data: Path, chunks: int, embedder: Embedder, texts: Sequence[str]) -> Iterator[Figure]:
    """Publish articles one by one in this process."""
    alone: list[float] = []
    merged: list[float] = []
    used: list[float] = []
    for number, text in enumerate(texts):
        file = article(data.parent, f"new-{number}", text)
        before = _segments(data)
        began = _processor_time()
        seconds = seconds_of(lambda: ingest(file, data, embedder))  # noqa: B023 - called at once
        if _segments(data) == before + 1:
            alone.append(seconds)
            used.append(_processor_time() - began)
        else:
            merged.append(seconds)
    yield Figure(MEDIAN, middle(alone), "s", chunks, "≤ 1 s")
    yield Figure(WORST, max(alone), "s", chunks)
    yield Figure("publish, running writer, processor time", middle(used), "s", chunks)
    if merged:
        yield Figure("publish with a merge, how many", len(merged), f"of {len(texts)}", chunks)
        yield Figure("publish with a merge, median", middle(merged), "s", chunks)
        yield Figure("publish with a merge, worst", max(merged), "s", chunks)
    unchanged = [seconds_of(lambda: ingest(file, data, embedder)) for _ in range(UNCHANGED)]
    yield Figure("unchanged file, running writer, median", middle(unchanged), "s", chunks)


def beside_stock(made: Made, work: Path, python: Path | None, publishes: int) -> Iterator[Figure]:
    """Publish articles in this process, and insert as many into the minimal service's collection of the same chunks."""
    embedder, texts = LocalEmbedder(work / "models"), list(bodies(publishes, SEED))
    ours = {each.name: each for each in in_writer(copy_of(made.data, work / "copy"), made.chunks, embedder, texts)}
    inserted: list[float] = []
    if python:
        with stock_ingest(python) as child:
            for number, text in enumerate(texts):
                file = work / "inserted.jsonl"
                file.write_text(json.dumps({"id": f"new-{number}", "text": text}) + "\n", encoding="utf-8")
                inserted.append(child.ingest(file, collection_of(made.data)).seconds)
    others = {MEDIAN: middle(inserted), WORST: max(inserted)} if inserted else {}
    for name in (MEDIAN, WORST):
        yield replace(ours[name], other=others.get(name), instead=STOCK_NAME, command=COMMAND)


def in_commands(data: Path, chunks: int, models: Path, texts: Sequence[str]) -> Iterator[Figure]:
    """Publish articles with a command each, and ingest each again."""
    published: list[tuple[float, float]] = []
    unchanged: list[tuple[float, float]] = []
    environment = {**os.environ, "DATELINE_MODELS": str(models)}
    for number, text in enumerate(texts):
        file = article(data.parent, f"cold-{number}", text)
        command = [sys.executable, "-m", "dateline", "ingest", str(file), "--data", str(data)]
        for taken in (published, unchanged):
            began, used = time.perf_counter(), _processor_time()
            subprocess.run(command, check=True, capture_output=True, env=environment)
            taken.append((time.perf_counter() - began, _processor_time() - used))
    for name, taken, goal in (("publish", published, "≤ 3 s"), ("unchanged file", unchanged, "≤ 1.5 s")):
        seconds, processor = zip(*taken, strict=True)
        yield Figure(f"{name}, cold command, median", middle(seconds), "s", chunks, goal)
        yield Figure(f"{name}, cold command, worst", max(seconds), "s", chunks)
        yield Figure(f"{name}, cold command, processor time", middle(processor), "s", chunks)


def change(made: Made, work: Path, embedder: Embedder) -> Iterator[Figure]:
    """Change one article of a hundred and ingest the file again."""
    data, file = copy_of(made.data, work / "copy"), work / "changed.jsonl"
    lines = made.articles.read_text(encoding="utf-8").splitlines()
    for at in range(0, len(lines), 100):
        row = json.loads(lines[at])
        lines[at] = json.dumps({**row, "body": f"This sentence is new. {row['body']}"})
    file.write_text("\n".join(lines) + "\n", encoding="utf-8")
    done = run(Ingest((file,), data, LANGUAGE), fake_embedder(embedder), Progress(quiet=True))
    name, each = f"change 1 % of {made.count:,} articles", _seconds_of_a_vector(embedder)
    yield Figure(name, done.seconds, "s", made.chunks)
    yield Figure(f"{name}, fake vectors, share of first", 100 * done.seconds / made.seconds, "%", made.chunks)
    first, second = made.seconds + each * made.chunks, done.seconds + each * done.embedded
    yield Figure(f"{name}, real vectors, share of first", 100 * second / first, "%", made.chunks, "≤ 5 %")


def _seconds_of_a_vector(embedder: Embedder) -> float:
    """Return the seconds that the real embedder takes for a chunk of an invented article."""
    chunks = [body[span.start : span.end] for body in bodies(20, SEED) for span in chunk_spans(body, count_pieces)]
    return seconds_of(lambda: embedder.embed_texts(chunks)) / len(chunks)


def swap(made: Made, work: Path, embedder: Embedder, texts: Sequence[str]) -> Iterator[Figure]:
    """Publish articles beside a service's library, which opens the generation of each."""
    data = copy_of(made.data, work / "copy")
    command = [sys.executable, "-m", "benchmarks.publish", "--serve", str(data)]
    opened: list[tuple[float, float]] = []
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        _, before = json.loads(child.stdout.readline())
        for number, text in enumerate(texts):
            ingest(article(work, f"swap-{number}", text), data, embedder)
            child.stdin.write("\n")
            child.stdin.flush()
            opened.append(json.loads(child.stdout.readline()))
        child.stdin.close()
    gained = np.diff([before, *(memory for _, memory in opened)])
    seconds = [seconds for seconds, _ in opened]
    yield Figure("swap, median", middle(seconds), "s", made.chunks, "≤ 0.5 s")
    yield Figure("swap, worst", max(seconds), "s", made.chunks)
    yield Figure("swap, extra memory, worst", float(gained.max()), "MB", made.chunks, "≤ 30 MB")
    yield Figure(f"swap, extra memory of {len(texts)}", float(gained.sum()), "MB", made.chunks)


def serve(data: Path) -> None:
    """Open the current generation, and again for each line on stdin; print the seconds and the memory after it."""
    library = Library(data, LocalEmbedder.name)
    vector, text = clustered(1, LocalEmbedder.dimension)[0], next(bodies(1, SEED))[:100]
    while True:
        seconds = seconds_of(library.refresh)
        with library.pinned() as generation:
            generation.nearest(vector, CANDIDATES, generation.allowed_rows(Filters()))
            generation.lexical.scores(text)
        print(json.dumps([seconds, memory_of("self", "VmRSS")]), flush=True)
        if not sys.stdin.readline():
            return


def segments(made: Made, work: Path, embedder: Embedder) -> Iterator[Figure]:
    """Compare retrieval over one segment with that over several; measure the recall of the one segment."""
    fake = TimedEmbedder(fake_embedder(embedder), embedder)
    asked = list(questions(QUESTIONS, SEED))
    with ExitStack() as stack:
        opened: list[Generation] = []
        for count in (1, SEGMENTS):
            data = in_segments(made.data, work / f"made-{made.count}" / f"segments-{count}", count)
            opened.append(stack.enter_context(closing(open_generation(data, current_name(data) or ""))))
        steps = {str(len(generation.parts)): _retrieval(generation, fake) for generation in opened}
        one, several = (percentiles(times)[0] for times in alternate(steps, asked, ROUNDS).values())
        yield Figure("question, one segment, p50", one, "ms", made.chunks)
        yield Figure(f"question, {SEGMENTS} segments, p50", several, "ms", made.chunks)
        yield Figure(f"question, {SEGMENTS} segments against one", several / one, "", made.chunks, "≤ 1.5")
        used: list[float] = []
        for step in steps.values():
            began = time.process_time()
            milliseconds_of(step, asked)
            used.append(1000 * (time.process_time() - began) / len(asked))
        yield Figure("question, one segment, processor time", used[0], "ms", made.chunks)
        yield Figure(f"question, {SEGMENTS} segments, processor time", used[1], "ms", made.chunks)
        found = recall(opened[0], np.stack([fake.embed_query(text) for text in asked]))
        yield Figure(f"recall@{AT} through Chroma, one segment", found, "", made.chunks, "≥ .98")


def recall(generation: Generation, asked: Matrix) -> float:
    """Return the share of the exact nearest rows that are in the best of Chroma's candidates."""
    (segment,) = (part.segment for part in generation.parts)
    shares: list[float] = []
    with closing(Collection(segment.folder / CHROMA)) as collection:
        for vector in asked:
            exact, _ = nearest(segment.vectors, vector, AT)
            rows = collection.nearest(vector, CANDIDATES)
            best = rows[np.argsort(-(segment.vectors[rows] @ vector))[:AT]]
            shares.append(len(np.intersect1d(exact, best)) / AT)
    return float(np.mean(shares))


def _retrieval(generation: Generation, embedder: Embedder) -> Callable[[str], object]:
    return lambda text: retrieve(generation, embedder, text, filters=Filters(), mode="hybrid", count=TOP_K)


def article(folder: Path, article_id: str, body: str) -> Path:
    """Write an article as Markdown and return its file."""
    file = folder / "published.md"
    file.write_text(f"---\nid: {article_id}\ntitle: Article {article_id}\n---\n{body}\n", encoding="utf-8")
    return file


def ingest(file: Path, data: Path, embedder: Embedder) -> None:
    """Run the ingest job of one file."""
    run(Ingest((file,), data, LANGUAGE), embedder, Progress(quiet=True))


def _processor_time() -> float:
    """Return the processor time of this process and its children that have ended, in seconds."""
    return sum(os.times()[:4])


def _segments(data: Path) -> int:
    return len(read_manifest(data, current_name(data) or "").segments)


if __name__ == "__main__":
    main()
