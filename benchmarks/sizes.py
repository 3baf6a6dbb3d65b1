"""Measure indexes of several sizes: disk, first ingest, a question by step, a publish, start and memory of a service.

usage: OMP_NUM_THREADS=1 python -m benchmarks.sizes [--work PATH] [--articles N ...] [--json PATH]

The articles are invented, of six chunks, with fake vectors; a question takes the time of a real vector. Questions have
eight words, but none of the hundred most frequent ones. `lexical` has scores for all chunks, `dense` the 50 best
chunks, `retrieve` is the complete step of the product. `memory` is VmRSS after 50 questions over HTTP, `without files`
RssAnon of it: the pages of files can be dropped and read again. A publish is that of a running writer.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from benchmarks.figures import Figure, Run
from benchmarks.made_index import Made, copy_of, fake_embedder, made_index
from benchmarks.options import parser, workplace
from benchmarks.publish import in_writer
from benchmarks.servers import dateline
from benchmarks.stopwatch import alternate, middle, milliseconds_of
from benchmarks.synthetic import TimedEmbedder, bodies, questions
from index.embedding.local import LocalEmbedder
from index.generation import open_generation
from index.layout import CATALOG, CHROMA, LEXICAL, VECTORS, current_name, segment_folder
from index.publishing import read_manifest
from index.records import Filters
from service.retrieve import CANDIDATES, retrieve

ARTICLES = (1_700, 17_000)
FILES = {"catalogue": CATALOG, "vectors": VECTORS, "Chroma": CHROMA, "postings": LEXICAL}
QUESTIONS = 100
ASKED = 50
PUBLISHES = 10
ROUNDS = 3
COMMAND = "python -m benchmarks.sizes"
TOP_K = 8
SEED = 7
"""Seed of the questions: the index has others."""


def main() -> None:
    """Measure each size, print, and write the figures if asked."""
    options = parser(__doc__, bench=False, figures=True)
    options.add_argument("--articles", type=int, nargs="*", default=ARTICLES, help="articles in the index")
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        indexes = (made_index(work, count) for count in sorted(arguments.articles))
        Run.of(each for made in indexes for each in measured(made, work)).report(arguments.json)


def measured(made: Made, work: Path) -> Iterator[Figure]:
    """Yield all figures of one index."""
    for name, value, unit in (*_ingest(made), *_disk(made), *_question(made, work), *_service(made, work)):
        yield Figure(name, value, unit, made.chunks, command=COMMAND)
    data, embedder = copy_of(made.data, work / "copy"), LocalEmbedder(work / "models")
    for figure in in_writer(data, made.chunks, embedder, list(bodies(PUBLISHES, SEED))):
        yield replace(figure, command=COMMAND)


def _ingest(made: Made) -> Iterator[tuple[str, float, str]]:
    yield "articles", made.count, ""
    yield "first ingest, without vectors", made.seconds, "s"
    yield "first ingest, peak memory", made.peak, "MB"


def _disk(made: Made) -> Iterator[tuple[str, float, str]]:
    bytes_of: Counter[str] = Counter()
    entries = read_manifest(made.data, current_name(made.data) or "").segments
    for folder in (segment_folder(made.data, entry.segment) for entry in entries):
        for kind, name in FILES.items():
            files = (folder / name).rglob("*") if (folder / name).is_dir() else [folder / name]
            bytes_of[kind] += sum(file.stat().st_size for file in files if file.is_file())
    yield "segments", len(entries), ""
    for kind, total in bytes_of.items():
        yield f"disk, {kind}", total / made.chunks, "B/chunk"
    yield "disk, all", bytes_of.total() / made.chunks, "B/chunk"


def _question(made: Made, work: Path) -> Iterator[tuple[str, float, str]]:
    real = LocalEmbedder(work / "models")
    embedder = TimedEmbedder(fake_embedder(real), real)
    asked = list(questions(QUESTIONS, SEED))
    with closing(open_generation(made.data, current_name(made.data) or "")) as generation:
        vectors = {text: embedder.embed_query(text) for text in asked}
        steps = {
            "dense": lambda text: generation.nearest(vectors[text], CANDIDATES, None),
            "lexical": generation.lexical.scores,
            "retrieve": lambda t: retrieve(generation, embedder, t, filters=Filters(), mode="hybrid", count=TOP_K),
        }
        for name, times in alternate(steps, asked, ROUNDS).items():
            yield f"question, {name}, p50", middle(times), "ms"


def _service(made: Made, work: Path) -> Iterator[tuple[str, float, str]]:
    asked = list(questions(ASKED, SEED))
    with dateline(made.data, work / "models") as server:
        yield "service, until ready", server.seconds, "s"
        for path in ("/v1/search", "/v1/ask"):
            times = milliseconds_of(lambda text: server.request("POST", path, {"question": text}), asked)  # noqa: B023
            yield f"POST {path}, p50", middle(times), "ms"
        memory = server.memory()
    yield "service, memory", memory["VmRSS"], "MB"
    yield "service, memory without files", memory["RssAnon"], "MB"


if __name__ == "__main__":
    main()
