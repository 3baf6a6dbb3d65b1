"""Time a question on 10,000 chunks by step, and a complete offline answer: p50, p95 and p99 in milliseconds.

usage: OMP_NUM_THREADS=1 python -m benchmarks.question_speed --bench PATH [--work PATH] [--chunks N] [--questions N]
    [--rounds N] [--exact]

`--exact` only compares the exact search of a segment with Chroma's, by the number of its rows: `EXACT_ROWS` in
`index/vectors.py` is where Chroma becomes faster.

The questions are SQuAD's, asked by one thread. Alternating rounds compare the dense candidates of the product with
those of LlamaIndex's default, a `VectorIndexRetriever` on a `SimpleVectorStore`. `retrieve` is the complete step of the
product, from the question's text to ranked chunks.

Then `Pipeline.ask` answers questions on the held-out half of SQuAD 2.0, with real vectors: once with the product's
cache of sentence vectors, once without it. `first pass` is the product with an empty cache.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import closing
from pathlib import Path

from benchmarks.large_index import large_index, stock_retriever
from benchmarks.options import parser, workplace
from benchmarks.sets import SQUAD_1, QuestionSet, squad_2
from benchmarks.stopwatch import alternate, milliseconds_of, percentiles
from benchmarks.synthetic import clustered
from benchmarks.table import Cell, print_table
from benchmarks.trial import TOP_K, Asker, indexed
from index.embedding import Embedder, Vector
from index.embedding.local import LocalEmbedder
from index.generation import Generation
from index.records import Filters
from index.vectors import Collection, build_collection, nearest
from service.retrieve import CANDIDATES, fuse, retrieve

HEAD = ("n", "p50", "p95", "p99")
ROWS = (2_000, 5_000, 10_000, 20_000, 30_000, 50_000, 100_000)
QUERIES = 200
DIMENSION = 384

Steps = Mapping[str, Callable[[str], object]]
"""The functions to time, by name; each takes a question's text."""

Searches = Mapping[str, Callable[[Vector], object]]


def main() -> None:
    """Measure retrieval, then answers."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--chunks", type=int, default=10_000)
    options.add_argument("--questions", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--exact", action="store_true", help="only compare the exact search with Chroma's")
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        if arguments.exact:
            exact_against_chroma(work, arguments.rounds)
            return
        embedder = LocalEmbedder(work / "models")
        asked = _texts(QuestionSet.read(arguments.bench, SQUAD_1), arguments.questions)
        with large_index(arguments.bench, work, arguments.chunks, embedder) as generation:
            steps = retrieval_steps(generation, embedder, asked)
            print_times(f"{generation.manifest.chunk_count:,} chunks, ms", alternate(steps, asked, arguments.rounds))
        _, held_out = squad_2(arguments.bench)
        data = indexed(held_out.paragraphs, embedder, work)
        asked = _texts(held_out, arguments.questions)
        print_times("offline answer, ms", answer_times(data, work / "models", asked, arguments.rounds))


def retrieval_steps(generation: Generation, embedder: Embedder, asked: Sequence[str]) -> Steps:
    """Return the single steps of retrieval, the alternatives for dense search, and the complete retrieval."""
    from llama_index.core import QueryBundle

    vectors = {text: embedder.embed_query(text) for text in asked}
    rows = {text: generation.nearest(vector, 2 * CANDIDATES, None) for text, vector in vectors.items()}
    dense = {text: generation.cosines(vectors[text], rows[text]) for text in asked}
    lexical = {text: generation.lexical.scores(text)[rows[text]] for text in asked}
    stock = stock_retriever(generation, CANDIDATES)
    return {
        "embed the question": embedder.embed_query,
        "dense": lambda text: generation.nearest(vectors[text], CANDIDATES, None),
        "dense, LlamaIndex's default": lambda text: stock.retrieve(QueryBundle(text, embedding=vectors[text].tolist())),
        "lexical": generation.lexical.scores,
        "exact scores and fusion": lambda text: (
            generation.cosines(vectors[text], rows[text]),
            fuse(dense[text], lexical[text], 0.5),
        ),
        "chunks that are shown": lambda text: generation.chunks(rows[text][:TOP_K]),
        "retrieve": lambda text: retrieve(generation, embedder, text, filters=Filters(), mode="hybrid", count=TOP_K),
    }


def exact_against_chroma(work: Path, rounds: int) -> None:
    """Print the milliseconds of both searches of one segment by its rows, for `EXACT_ROWS`."""
    vectors = clustered(max(ROWS), DIMENSION)
    rows: list[list[Cell]] = []
    for count in ROWS:
        kept, asked = vectors[:count], vectors[:: len(vectors) // QUERIES][:QUERIES]
        folder = work / f"chroma-{count}"
        if not folder.exists():
            build_collection(folder, kept)
        with closing(Collection(folder)) as collection:
            searches: Searches = {
                "exact": lambda vector: nearest(kept, vector, CANDIDATES),  # noqa: B023 - called in this round
                "Chroma": lambda vector: collection.nearest(vector, CANDIDATES),
            }
            times = alternate(searches, list(asked), rounds)
        rows.append([f"{count:,}", *(percentiles(times[name])[0] for name in searches)])
    print_table(("rows in a segment, p50 in ms", *searches), rows, digits=2)
    print()


def answer_times(data: Path, models: Path, asked: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """Return the milliseconds of complete answers: first pass, with and without cached sentence vectors."""
    with Asker(data, models) as asker, Asker(data, models) as uncached:
        uncached.pipeline.scorer.cache_only(frozenset())
        asker.ask(asked[-1])
        times = {"first pass": milliseconds_of(asker.ask, asked)}
        return {**times, **alternate({"cached": asker.ask, "not cached": uncached.ask}, asked, rounds)}


def print_times(title: str, times: Mapping[str, Sequence[float]]) -> None:
    """Print the percentiles of each step."""
    print_table((title, *HEAD), [[name, len(taken), *percentiles(taken)] for name, taken in times.items()], digits=2)
    print()


def _texts(questions: QuestionSet, count: int) -> list[str]:
    return [question.text for question in questions.sample(count).questions]


if __name__ == "__main__":
    main()
