"""Compare an ingest with the stock LlamaIndex pipeline: from articles to stored vectors, chunks per second.

usage: python -m benchmarks.ingest_speed --bench PATH [--work PATH] [--articles N] [--rounds N]

Stock is `IngestionPipeline[SentenceSplitter(256, 32), HuggingFaceEmbedding]` with a `ChromaVectorStore`, as in its
documentation, with the same model from the same files. It runs in a separate process and environment, which the
benchmark creates in the work folder, so torch does not become a dependency. Dateline runs its real ingest job.

- `pipeline only` has the stages of stock: chunk, embed, store in Chroma.
- `complete job` adds reading and cleaning the file, the catalogue, the lexical index, verification and publishing.

Both models are loaded before the clock starts. Rounds alternate; figures are medians. An article is a join of RGB
passages with about 2,000 characters. Chunks differ in length between the sides, so there are two ratios: chunks per
second, and articles per second, which is independent of the chunk length.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import IO

import numpy as np

from benchmarks.options import parser, workplace
from benchmarks.sets import RGB, QuestionSet, news_articles
from benchmarks.stopwatch import middle
from benchmarks.table import Cell, print_table
from index.embedding import Matrix
from index.embedding.local import WEIGHTS, LocalEmbedder, count_pieces, model_file
from index.records import Article, indexed_text
from index.text import chunks_of
from index.vectors import build_collection
from ingest.job import ARTICLES_AT_ONCE, Ingest, run
from ingest.load import LoadedArticle, Loader, find
from ingest.report import Progress

TORCH = "2.13.0"
"""Installed first with this version: the other packages would install gigabytes of CUDA."""

STOCK = ("llama-index-embeddings-huggingface==0.8.0", "llama-index-vector-stores-chroma==0.6.0")
SAME_AS_OURS = ("llama-index-core", "chromadb", "fastapi", "uvicorn")
STOCK_NAME = "stock LlamaIndex"
LENGTH = 2000
OFFLINE = {"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1", "ANONYMIZED_TELEMETRY": "False", "TQDM_DISABLE": "1"}


@dataclass(frozen=True, slots=True)
class Ingested:
    """The result of one round of one side."""

    chunks: int
    characters: int
    seconds: float


def main() -> None:
    """Alternate both sides and print medians and ratios."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--articles", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        articles = write_articles(arguments.bench, work, arguments.articles)
        embedder = LocalEmbedder(work / "models")
        rounds: dict[str, list[Ingested]] = {STOCK_NAME: [], "pipeline only": [], "complete job": []}
        with stock(stock_environment(work)) as child:
            for _ in range(arguments.rounds):
                rounds[STOCK_NAME].append(child.ingest(articles))
                pipeline, whole = ingest(articles, embedder)
                rounds["pipeline only"].append(pipeline)
                rounds["complete job"].append(whole)
    report(rounds, arguments.articles)


def write_articles(bench: Path, work: Path, count: int) -> Path:
    """Write the articles as JSON Lines and return the file."""
    texts = news_articles(QuestionSet.read(bench, RGB).paragraphs, count, LENGTH)
    file = work / f"news-{count}.jsonl"
    rows = (json.dumps({"id": f"n{number}", "text": text}, ensure_ascii=False) for number, text in enumerate(texts))
    file.write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    return file


def ingest(articles: Path, embedder: LocalEmbedder) -> tuple[Ingested, Ingested]:
    """Run one round of Dateline in new folders; return the stages of stock and the complete job."""
    with tempfile.TemporaryDirectory() as folder:
        pipeline = _pipeline(_loaded(articles), Path(folder) / "chroma", embedder)
        made = run(Ingest((articles,), Path(folder) / "data", "english"), embedder, Progress(quiet=True))
    return pipeline, Ingested(made.chunks, pipeline.characters, made.seconds)


def _loaded(articles: Path) -> list[Article]:
    with Loader() as loader:
        items = [item for file in find((articles,), follow_links=False) for item in loader.load(file)]
    return [item.article for item in items if isinstance(item, LoadedArticle)]


def _pipeline(articles: Sequence[Article], chroma: Path, embedder: LocalEmbedder) -> Ingested:
    """Chunk and embed articles and store the vectors in a new Chroma folder."""
    began = time.perf_counter()
    vectors: list[Matrix] = []
    characters = 0
    for start in range(0, len(articles), ARTICLES_AT_ONCE):
        batch = articles[start : start + ARTICLES_AT_ONCE]
        chunked = [(article, chunk) for article in batch for chunk in chunks_of(article, count_pieces)]
        vectors.append(embedder.embed_texts([indexed_text(article.title, chunk.text) for article, chunk in chunked]))
        characters += sum(len(chunk.text) for _, chunk in chunked)
    build_collection(chroma, np.concatenate(vectors))
    return Ingested(sum(map(len, vectors)), characters, time.perf_counter() - began)


def stock_environment(work: Path) -> Path:
    """Return the interpreter of the stock environment; create the environment if it is missing."""
    folder = work / "stock-environment"
    python, done = folder / "bin" / "python", folder / "installed"
    if not done.exists():
        print(f"installing the stock pipeline into {folder}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        same = [f"{name}=={metadata.version(name)}" for name in SAME_AS_OURS]
        for wanted in ([f"torch=={TORCH}"], [*STOCK, *same, "sentence-transformers"]):
            subprocess.run([python, "-m", "pip", "install", "--quiet", *wanted], check=True, stdout=sys.stderr)
        done.touch()
    return python


def stock_command(python: Path) -> list[str]:
    """Return the command that starts the stock side."""
    return [str(python), str(Path(__file__).with_name("stock_ingest.py")), str(model_file(WEIGHTS).parent)]


class Stock:
    """The stock pipeline in a separate process."""

    def __init__(self, orders: IO[str], reports: IO[str]) -> None:
        self._orders = orders
        self._reports = reports
        self._report()

    def ingest(self, articles: Path) -> Ingested:
        """Run one round in a new folder."""
        with tempfile.TemporaryDirectory() as folder:
            self._orders.write(json.dumps({"articles": str(articles), "folder": folder}) + "\n")
            self._orders.flush()
            done = self._report()
        return Ingested(int(done["chunks"]), int(done["characters"]), done["seconds"])

    def _report(self) -> dict[str, float]:
        line = self._reports.readline()
        if not line:
            raise RuntimeError("the stock process has ended; see its messages on stderr")
        report: dict[str, float] = json.loads(line)
        return report


@contextmanager
def stock(python: Path) -> Iterator[Stock]:
    """Start the stock side with its model loaded, and stop it at the end of the block."""
    with subprocess.Popen(
        stock_command(python), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env={**os.environ, **OFFLINE}
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        yield Stock(child.stdin, child.stdout)
        child.stdin.close()


def report(rounds: Mapping[str, Sequence[Ingested]], articles: int) -> None:
    """Print the median of each side and its ratio to stock."""
    seconds = {name: middle([each.seconds for each in done]) for name, done in rounds.items()}
    stock_done = rounds[STOCK_NAME][0]
    rows: list[list[Cell]] = []
    for name, done in rounds.items():
        chunks, length = done[0].chunks, round(done[0].characters / done[0].chunks)
        faster = seconds[STOCK_NAME] / seconds[name]
        rates = (chunks / seconds[name], faster * chunks / stock_done.chunks, articles / seconds[name], faster)
        rows.append([name, chunks, length, seconds[name], *rates])
    print_table(
        ("", "chunks", "characters/chunk", "seconds", "chunks/s", "ratio", "articles/s", "ratio"), rows, digits=2
    )


if __name__ == "__main__":
    main()
