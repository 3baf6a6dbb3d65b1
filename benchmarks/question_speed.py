"""A question against 10,000 chunks, step by step, and a whole offline answer: p50, p95 and p99 in milliseconds.

usage: python -m benchmarks.question_speed --bench PATH [--work PATH] [--chunks N] [--questions N] [--rounds N]

Questions are SQuAD's, one thread asks. Beside each other, in alternating rounds: candidates from Chroma, as the
product takes them; from all vectors exactly, with numpy; and from LlamaIndex's default, a `VectorIndexRetriever` on a
`SimpleVectorStore`. `retrieve, whole` is what the product does from the question's text to ranked chunks.

Then whole answers, from `Pipeline.ask`, over the held-out half of SQuAD 2.0, embedded really: with the vectors of
sentences remembered, as the product does, and with none remembered, so that every sentence is embedded for every
question. `first pass` is the product on questions that nobody has asked before.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import numpy as np

from benchmarks.large_index import large_index, stock_retriever
from benchmarks.options import parser, workplace
from benchmarks.sets import SQUAD_1, QuestionSet, squad_2
from benchmarks.stopwatch import milliseconds_of, percentiles
from benchmarks.table import print_table
from benchmarks.trial import TOP_K, trial
from index.embedding import Embedder
from index.embedding.local import LocalEmbedder
from index.generation import Generation
from index.records import Filters
from service.build import build_pipeline
from service.pipeline import Pipeline
from service.readers.evidence import SentenceScorer
from service.records import Question
from service.retrieve import CANDIDATES, fuse, retrieve
from service.settings import ServiceSettings

WARM_UP = 20
HEAD = ("n", "p50", "p95", "p99")

Steps = Mapping[str, Callable[[str], object]]
"""What is timed, by name: each takes a question's text."""


def main() -> None:
    """Measure retrieval, then answers."""
    options = parser((__doc__ or "").splitlines()[0])
    options.add_argument("--chunks", type=int, default=10_000)
    options.add_argument("--questions", type=int, default=200)
    options.add_argument("--rounds", type=int, default=3)
    arguments = options.parse_args()
    with workplace(arguments.work) as work:
        embedder = LocalEmbedder(work / "models")
        asked = _texts(QuestionSet.read(arguments.bench, SQUAD_1), arguments.questions)
        with large_index(arguments.bench, work, arguments.chunks, embedder) as generation:
            steps = retrieval_steps(generation, embedder, asked)
            print_times(f"{generation.manifest.chunk_count:,} chunks, ms", alternate(steps, asked, arguments.rounds))
        _, held_out = squad_2(arguments.bench)
        with trial(held_out.paragraphs, embedder, work) as opened:
            data = opened.generation.folder.parents[1]
        asked = _texts(held_out, arguments.questions)
        print_times("offline answer, ms", answer_times(data, work / "models", asked, arguments.rounds))


def alternate(steps: Steps, asked: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """The milliseconds of each step for every question, the steps taking turns."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for step in steps.values():
        milliseconds_of(step, asked[:WARM_UP])
    for _ in range(rounds):
        for name, step in steps.items():
            times[name] += milliseconds_of(step, asked)
    return times


def retrieval_steps(generation: Generation, embedder: Embedder, asked: Sequence[str]) -> Steps:
    """The steps of retrieval by themselves, the alternatives for the dense one, and the whole."""
    from llama_index.core import QueryBundle

    vectors = {text: embedder.embed_query(text) for text in asked}
    rows = {text: generation.dense.nearest(vector, 2 * CANDIDATES, None) for text, vector in vectors.items()}
    dense = {text: generation.dense.scores(vectors[text], rows[text]) for text in asked}
    lexical = {text: generation.lexical.scores(text)[rows[text]] for text in asked}
    stock = stock_retriever(generation, CANDIDATES)

    def exact(text: str) -> object:
        return np.argpartition(-(generation.dense.vectors @ vectors[text]), CANDIDATES)[:CANDIDATES]

    return {
        "embed the question": embedder.embed_query,
        "dense, Chroma": lambda text: generation.dense.nearest(vectors[text], CANDIDATES, None),
        "dense, exact numpy": exact,
        "dense, LlamaIndex's default": lambda text: stock.retrieve(QueryBundle(text, embedding=vectors[text].tolist())),
        "lexical": generation.lexical.scores,
        "exact scores and fusion": lambda text: (
            generation.dense.scores(vectors[text], rows[text]),
            fuse(dense[text], lexical[text], 0.5),
        ),
        "candidates from the catalogue": lambda text: generation.catalog.chunks(rows[text].tolist()),
        "retrieve, whole": lambda text: retrieve(
            generation, embedder, text, filters=Filters(), mode="hybrid", count=TOP_K
        ),
    }


def answer_times(data: Path, models: Path, asked: Sequence[str], rounds: int) -> dict[str, list[float]]:
    """The milliseconds of whole answers: for the first time, with and without the vectors of sentences remembered."""
    given = {"data": data, "models": models, "llm_model": None, "openai_api_key": None, "embedding_model": "local"}
    pipeline = build_pipeline(cast("Any", ServiceSettings)(_env_file=None, **given))
    with asyncio.Runner() as runner:
        try:
            runner.run(pipeline.ask(Question(asked[-1])))
            times = {"first pass": milliseconds_of(lambda text: runner.run(pipeline.ask(Question(text))), asked)}
            steps: Steps = {
                "remembered": lambda text: runner.run(pipeline.ask(Question(text))),
                "not remembered": lambda text: runner.run(_forgetful(pipeline).ask(Question(text))),
            }
            return {**times, **alternate(steps, asked, rounds)}
        finally:
            pipeline.library.close()


def _forgetful(pipeline: Pipeline) -> Pipeline:
    return replace(pipeline, scorer=SentenceScorer(pipeline.embedder))


def print_times(title: str, times: Mapping[str, Sequence[float]]) -> None:
    """The percentiles of each step."""
    print_table((title, *HEAD), [[name, len(taken), *percentiles(taken)] for name, taken in times.items()], digits=2)
    print()


def _texts(questions: QuestionSet, count: int) -> list[str]:
    return [question.text for question in questions.sample(count).questions]


if __name__ == "__main__":
    main()
