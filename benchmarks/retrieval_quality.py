"""Measure retrieval: nDCG, recall and MRR at 10 of dense, lexical and fused ranking.

usage: python -m benchmarks.retrieval_quality --bench PATH [--work PATH] [--questions N] [--shards N]

Each paragraph of a set is an article; its rank is that of its best chunk. `half and half` is the product's fusion: the
50 best chunks of each side, exact scores of both sides for all of them, each side scaled to [0, 1] within these
candidates. RRF(60) fuses the two rankings of the same candidates by reciprocal ranks. The sweep of weights uses the
SQuAD articles that are not held out; it is informative, the weight of one half was not chosen by it.

`--shards` only measures what a router over N separate indexes would lose: each has the paragraphs of its titles, or in
RGB, whose paragraphs have none, of its questions, so that the weight of a term differs between them as between years.
Merged are the best 50 of each, by the score of each index, or by a new fusion of their dense and lexical scores.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from benchmarks.options import parser, workplace
from benchmarks.sets import RGB, SQUAD_1, Asked, QuestionSet, held_out
from benchmarks.table import Cell, print_table
from benchmarks.trial import Trial, trial
from index.embedding.local import LocalEmbedder
from service.records import Mode, Passage
from service.retrieve import CANDIDATES, fuse

QUESTIONS = 2000
AT = 10
RRF = 60
WEIGHTS = (0.3, 0.4, 0.5, 0.6, 0.7)
MODES: tuple[tuple[str, Mode], ...] = (("dense", "dense"), ("lexical", "lexical"), ("half and half", "hybrid"))
SIDES: tuple[Literal["dense"], Literal["lexical"]] = ("dense", "lexical")

Ranking = list[str]
"""Paragraph ids, best first, each once."""


def main() -> None:
    """Rank, compute the metrics and print them."""
    options = parser(__doc__)
    options.add_argument("--questions", type=int, default=QUESTIONS)
    options.add_argument("--shards", type=int, help="only compare this number of indexes, merged, with one")
    arguments = options.parse_args()
    head = ("", "n", f"nDCG@{AT}", f"recall@{AT}", f"MRR@{AT}")
    with workplace(arguments.work) as work:
        embedder = LocalEmbedder(work / "models")
        squad = QuestionSet.read(arguments.bench, SQUAD_1)
        for questions in (squad, QuestionSet.read(arguments.bench, RGB)):
            asked = questions.sample(arguments.questions)
            with trial(asked.paragraphs, embedder, work) as opened:
                rows = _compared(asked, opened)
                if arguments.shards:
                    rows = [rows[-2], *_sharded(asked, arguments.shards, embedder, work)]
                print_table((asked.name, *head[1:]), rows)
            print()
        if arguments.shards:
            return
        with trial(squad.paragraphs, embedder, work) as opened:
            asked = _to_fit(squad, arguments.bench).sample(arguments.questions)
            rows = [_scored(f"dense weight {weight}", asked, _weighted(opened, weight)) for weight in WEIGHTS]
            print_table(("squad_v1_dev, not held out", *head[1:]), rows)


def _to_fit(squad: QuestionSet, bench: Path) -> QuestionSet:
    """Return the questions about articles that are not held out; the index has all articles."""
    about = squad.about(set(squad.titles()) - held_out(bench), squad.name)
    return replace(squad, questions=about.questions)


def _compared(asked: QuestionSet, opened: Trial) -> list[list[Cell]]:
    rows = [_scored(name, asked, _product(opened, mode)) for name, mode in MODES]
    return [*rows, _scored(f"RRF({RRF})", asked, _reciprocal(opened))]


def _product(opened: Trial, mode: Mode) -> Callable[[Asked], Ranking]:
    def rank(question: Asked) -> Ranking:
        found = opened.retrieve(question, mode=mode, count=CANDIDATES).passages
        return _paragraphs(opened, [passage.chunk.article_id for passage in found])

    return rank


def _weighted(opened: Trial, weight: float) -> Callable[[Asked], Ranking]:
    def rank(question: Asked) -> Ranking:
        found = _candidates(opened, question)
        dense, lexical = (np.array([getattr(passage, side) for passage in found]) for side in SIDES)
        return _paragraphs(opened, _ordered(found, fuse(dense, lexical, weight)))

    return rank


def _reciprocal(opened: Trial) -> Callable[[Asked], Ranking]:
    def rank(question: Asked) -> Ranking:
        found = _candidates(opened, question)
        scores = np.zeros(len(found))
        for side in SIDES:
            best = np.argsort([-getattr(passage, side) for passage in found], kind="stable")[:CANDIDATES]
            scores[best] += 1 / (RRF + 1 + np.arange(len(best)))
        return _paragraphs(opened, _ordered(found, scores))

    return rank


def _sharded(asked: QuestionSet, count: int, embedder: LocalEmbedder, work: Path) -> list[list[Cell]]:
    """Return a row for each way to merge the candidates of `count` indexes, each of which has its own titles."""
    paragraphs = sorted(asked.paragraphs, key=lambda paragraph: paragraph.title or "")
    size = -(-len(paragraphs) // count)
    with ExitStack() as stack:
        shards = [
            stack.enter_context(trial(paragraphs[start : start + size], embedder, work))
            for start in range(0, len(paragraphs), size)
        ]

        def rank(question: Asked, scored: Callable[[list[Passage]], NDArray[np.float64]]) -> Ranking:
            found = [
                (shard.paragraph_id(passage.chunk.article_id), passage)
                for shard in shards
                for passage in shard.retrieve(question, count=CANDIDATES).passages
            ]
            order = np.argsort(-scored([passage for _, passage in found]), kind="stable")
            return list(dict.fromkeys(found[at][0] for at in order))[:AT]

        return [
            _scored(f"{len(shards)} indexes, {name}", asked, partial(rank, scored=scored))
            for name, scored in (("score of each", _own_scores), ("fused again", _fused_again))
        ]


def _own_scores(found: Sequence[Passage]) -> NDArray[np.float64]:
    return np.array([passage.score for passage in found])


def _fused_again(found: Sequence[Passage]) -> NDArray[np.float64]:
    dense, lexical = (np.array([getattr(passage, side) for passage in found]) for side in SIDES)
    return fuse(dense, lexical, 0.5)


def _candidates(opened: Trial, question: Asked) -> list[Passage]:
    """Return the candidates of both sides, each with both scores."""
    sides = (opened.retrieve(question, mode=side, count=CANDIDATES).passages for side in SIDES)
    return list({passage.chunk.chunk_id: passage for found in sides for passage in found}.values())


def _ordered(found: Sequence[Passage], scores: NDArray[np.float64]) -> list[str]:
    """Return the article ids of chunks by descending score."""
    return [found[at].chunk.article_id for at in np.argsort(-scores, kind="stable")]


def _paragraphs(opened: Trial, articles: Sequence[str]) -> Ranking:
    return [opened.paragraph_id(article) for article in dict.fromkeys(articles)][:AT]


def _scored(name: str, asked: QuestionSet, rank: Callable[[Asked], Ranking]) -> list[Cell]:
    measures = np.array([ranking_measures(rank(question), question.relevant) for question in asked.questions])
    return [name, len(measures), *map(float, measures.mean(axis=0))]


def ranking_measures(ranking: Ranking, relevant: frozenset[str], at: int = AT) -> tuple[float, float, float]:
    """Return nDCG, recall and reciprocal rank of the first `at` of a ranking, with binary relevance."""
    places = [place for place, paragraph in enumerate(ranking[:at], 1) if paragraph in relevant]
    gain = sum(1 / np.log2(place + 1) for place in places)
    ideal = sum(1 / np.log2(place + 1) for place in range(1, min(len(relevant), at) + 1))
    return gain / ideal, len(places) / len(relevant), 1 / places[0] if places else 0.0


if __name__ == "__main__":
    main()
