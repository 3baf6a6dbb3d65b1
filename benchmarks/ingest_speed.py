"""Compare an ingest with the stock LlamaIndex pipeline: from articles to stored vectors, chunks per second.

usage: python -m benchmarks.ingest_speed [--bench PATH] [--work PATH] [--articles N] [--rounds N] [--json PATH]

Stock is `IngestionPipeline[SentenceSplitter(256, 32), HuggingFaceEmbedding]` with a `ChromaVectorStore`, as in its
documentation, with the same model from the same files. It runs in a separate process and environment, which the
benchmark creates in the work folder, so torch does not become a dependency. Dateline runs its real ingest job.

- `pipeline only` has the stages of stock: chunk, embed, store in Chroma.
- `complete job` adds reading and cleaning the file, the catalogue, the lexical index, verification and publishing.

Both models are loaded before the clock starts. Rounds alternate; figures are medians. An article is a join of RGB
passages with about 2,000 characters; without `--bench`, articles are invented. Chunks differ in length between the
sides, so there are two ratios: chunks per second, and articles per second, which is independent of that length.
"""

import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.figures import Figure, Run
from benchmarks.options import parser, workplace
from benchmarks.sets import RGB, QuestionSet, news_articles
from benchmarks.stock import STOCK_NAME, Ingested, stock_environment, stock_ingest
from benchmarks.stopwatch import middle
from benchmarks.synthetic import bodies
from index.embedding import Matrix
from index.embedding.local import LocalEmbedder, count_pieces
from index.records import Article, indexed_text
from index.text import chunks_of
from index.vectors import build_collection
from ingest.job import ARTICLES_AT_ONCE, Ingest, run
from ingest.load import LoadedArticle, Loader, find
from ingest.report import Progress

OURS = ("pipeline only", "complete job")
COMMAND = "python -m benchmarks.ingest_speed"
LENGTH = 2000


def main() -> None:
    """Alternate both sides and print medians and ratios."""
    options = parser(__doc__, bench=None, figures=True)
    options.add_argument("--articles", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        python = stock_environment(work)
        Run.of(compare(arguments.bench, work, python, arguments.articles, arguments.rounds)).report(arguments.json)


def compare(bench: Path | None, work: Path, python: Path | None, count: int, rounds: int) -> Iterator[Figure]:
    """Alternate both sides, or ours alone without a stock environment, and yield the figures."""
    articles, embedder = write_articles(bench, work, count), LocalEmbedder(work / "models")
    done: dict[str, list[Ingested]] = {}
    with ExitStack() as stack:
        child = stack.enter_context(stock_ingest(python)) if python else None
        for _ in range(rounds):
            if child:
                done.setdefault(STOCK_NAME, []).append(child.ingest(articles))
            for name, ingested in zip(OURS, ingest(articles, embedder), strict=True):
                done.setdefault(name, []).append(ingested)
    yield from figures_of(done, count)


def write_articles(bench: Path | None, work: Path, count: int) -> Path:
    """Write the articles as JSON Lines and return the file."""
    texts = news_articles(QuestionSet.read(bench, RGB).paragraphs, count, LENGTH) if bench else bodies(count)
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


def figures_of(rounds: Mapping[str, Sequence[Ingested]], articles: int) -> Iterator[Figure]:
    """Yield the median rates of each side of Dateline beside those of stock."""
    seconds = {name: middle([each.seconds for each in done]) for name, done in rounds.items()}
    for name, done in rounds.items():
        if name == STOCK_NAME:
            continue
        stock_done = rounds.get(STOCK_NAME)
        others: tuple[float | None, float | None] = (None, None)
        if stock_done:
            others = (stock_done[0].chunks / seconds[STOCK_NAME], articles / seconds[STOCK_NAME])
        rates = (done[0].chunks / seconds[name], articles / seconds[name])
        for measure, rate, other in zip(("", ", articles"), rates, others, strict=True):
            unit = "articles/s" if measure else "chunks/s"
            yield Figure(f"ingest, {name}{measure}", rate, unit, other=other, instead=STOCK_NAME, command=COMMAND)


if __name__ == "__main__":
    main()
