"""Time a question by step, and a complete offline answer: the median in milliseconds.

usage: OMP_NUM_THREADS=1 python -m benchmarks.question_speed [--bench PATH] [--work PATH] [--articles N]
    [--questions N] [--rounds N] [--json PATH] [--exact]

`--exact` only compares the exact search of a segment with Chroma's, by the number of its rows: `EXACT_ROWS` in
`index/vectors.py` is where Chroma becomes faster.

One thread asks. Alternating rounds compare the dense candidates of the product with those of LlamaIndex's default, a
`VectorIndexRetriever` on a `SimpleVectorStore` with the same vectors, which are fake. `retrieve` is the complete step
of the product, from the question's text to ranked chunks.

Then `Pipeline.ask` answers questions, once with the product's cache of sentence vectors, once without it; `first pass`
is the product with an empty cache. With `--bench` they are those of the held-out half of SQuAD 2.0, with real vectors.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.figures import Figure, Run
from benchmarks.made_index import Made, fake_embedder, made_index
from benchmarks.options import parser, workplace
from benchmarks.sets import squad_2
from benchmarks.stopwatch import alternate, middle, milliseconds_of, percentiles
from benchmarks.synthetic import TimedEmbedder, clustered
from benchmarks.table import Cell, print_table
from benchmarks.texts import Texts, texts_of
from benchmarks.trial import TOP_K, Asker, indexed
from index.embedding import Embedder, Vector
from index.embedding.local import LocalEmbedder
from index.generation import Generation, open_generation
from index.layout import current_name
from index.records import Filters
from index.vectors import Collection, build_collection, nearest
from service.retrieve import CANDIDATES, fuse, retrieve

if TYPE_CHECKING:
    from llama_index.core.retrievers import VectorIndexRetriever

COMMAND = "python -m benchmarks.question_speed"
ARTICLES = 1_700
SEED = 7
ROWS = (2_000, 5_000, 10_000, 20_000, 30_000, 50_000, 100_000)
QUERIES = 200
DIMENSION = 384
DEFAULT = "LlamaIndex's default retriever"
DENSE, STOCK = "dense", f"dense, {DEFAULT}"

Steps = Mapping[str, Callable[[str], object]]
"""The functions to time, by name; each takes a question's text."""

Searches = Mapping[str, Callable[[Vector], object]]


def main() -> None:
    """Measure retrieval, then answers."""
    options = parser(__doc__, bench=None, figures=True)
    options.add_argument("--articles", type=int, default=ARTICLES, help="articles in the index, of six chunks each")
    options.add_argument("--questions", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    options.add_argument("--exact", action="store_true", help="only compare the exact search with Chroma's")
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        if arguments.exact:
            exact_against_chroma(work, arguments.rounds)
            return
        texts = texts_of(arguments.bench)
        made = made_index(work, arguments.articles, texts)
        figures = compare(made, texts, work, arguments.bench, (arguments.questions, arguments.rounds))
        Run.of(figures).report(arguments.json)


def compare(made: Made, texts: Texts, work: Path, bench: Path | None, size: tuple[int, int]) -> Iterator[Figure]:
    """Yield the median of each step and of complete answers; `size` is the number of questions and of rounds."""
    count, rounds = size
    asked = list(texts.questions(count, SEED))
    real = LocalEmbedder(work / "models")
    with closing(open_generation(made.data, current_name(made.data) or "")) as generation:
        steps = retrieval_steps(generation, TimedEmbedder(fake_embedder(real), real), asked)
        medians = {name: middle(times) for name, times in alternate(steps, asked, rounds).items()}
    stock = medians.pop(STOCK)
    for name, value in medians.items():
        figure = Figure(f"question: {name}", value, "ms", made.chunks, command=COMMAND)
        yield replace(figure, other=stock, instead=DEFAULT) if name == DENSE else figure
    data = made.data
    if bench:
        _, held_out = squad_2(bench)
        data = indexed(held_out.paragraphs, real, work)
        asked = [question.text for question in held_out.sample(-(-count // 2)).questions]
    for name, times in answer_times(data, work / "models", asked, rounds).items():
        yield Figure(f"answer: {name}", middle(times), "ms", None if bench else made.chunks, command=COMMAND)


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
        DENSE: lambda text: generation.nearest(vectors[text], CANDIDATES, None),
        STOCK: lambda text: stock.retrieve(QueryBundle(text, embedding=vectors[text].tolist())),
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


def stock_retriever(generation: Generation, count: int) -> "VectorIndexRetriever":
    """Return LlamaIndex's default for the same vectors: a `VectorIndexRetriever` on a `SimpleVectorStore`."""
    from llama_index.core import MockEmbedding, VectorStoreIndex
    from llama_index.core.retrievers import VectorIndexRetriever
    from llama_index.core.schema import TextNode

    nodes = [
        TextNode(id_=chunk.chunk_id, text=chunk.text, embedding=vector.tolist())
        for part in generation.parts
        for (chunk, _), vector in zip(part.segment.catalog.all_chunks(), part.segment.vectors, strict=True)
    ]
    index = VectorStoreIndex(nodes, embed_model=MockEmbedding(embed_dim=generation.manifest.configuration.dimension))
    return VectorIndexRetriever(index=index, similarity_top_k=count)


if __name__ == "__main__":
    main()
