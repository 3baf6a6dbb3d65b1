"""Measure what the one-sentence overlap of chunks gains, and how many chunks it costs.

usage: python -m benchmarks.overlap --bench PATH [--work PATH] [--questions N]

The paragraphs of the public sets are too short for an overlap, so those of SQuAD 1.1 are joined to articles of news
length. A chunk is relevant if it contains an answer in the paragraph of the question; nDCG@10 then has one relevant
chunk. RGB is measured as it is. Differences are paired, with a 95 % bootstrap interval.
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.hits import figure_of
from benchmarks.options import parser, workplace
from benchmarks.retrieval_quality import AT, ranking_measures
from benchmarks.sets import RGB, SQUAD_1, Asked, Paragraph, QuestionSet
from benchmarks.table import Cell, print_table
from benchmarks.trial import TOP_K, Trial, trial
from index import text
from index.embedding import Embedder
from index.embedding.local import LocalEmbedder
from index.records import Span
from service.retrieve import CANDIDATES

QUESTIONS = 2000
LENGTH = 4_000
"""Characters from which on an article takes no further paragraph."""

Places = dict[str, tuple[str, Span]]
"""The article that a paragraph became a part of, and its span there, by the paragraph's id."""

Measures = dict[str, list[float]]
"""The values of each measure, one for each question."""


def main() -> None:
    """Rank with and without the overlap and print both."""
    options = parser(__doc__)
    options.add_argument("--questions", type=int, default=QUESTIONS)
    arguments = options.parse_args()
    squad = QuestionSet.read(arguments.bench, SQUAD_1)
    articles, places = joined(squad)
    rgb = QuestionSet.read(arguments.bench, RGB).sample(arguments.questions)
    rows: list[list[Cell]] = []
    with workplace(arguments.work) as work:
        embedder = LocalEmbedder(work / "models")
        for asked, where in ((replace(squad.sample(arguments.questions), paragraphs=articles), places), (rgb, {})):
            with_overlap = measured(asked, where, embedder, work)
            with patch.object(text, "_packed", packed_without_overlap):
                without = measured(asked, where, embedder, work)
            for name, values in with_overlap.items():
                rows.append([f"{asked.name}: {name}", *_compared(values, without[name])])
    print_table(("", "n", "with", "without", "difference", "95 %"), rows, digits=4)


def joined(questions: QuestionSet) -> tuple[tuple[Paragraph, ...], Places]:
    """Join the paragraphs of each title, in their order, to articles; return them and where each paragraph is."""
    articles: list[Paragraph] = []
    places: Places = {}
    for title, paragraphs in groupby(questions.paragraphs, key=lambda paragraph: paragraph.title):
        text, article = "", ""
        for paragraph in paragraphs:
            if not text or len(text) >= LENGTH:
                text, article = "", f"article {len(articles)}"
                articles.append(Paragraph(article, title, ""))
            start = len(text) + 2 if text else 0
            text += "\n\n" * bool(text) + paragraph.text.strip()
            places[paragraph.id] = article, Span(start, len(text))
            articles[-1] = Paragraph(article, title, text)
    return tuple(articles), places


def packed_without_overlap(section: Sequence[text._Piece], budget: int) -> Iterator[text.ChunkSpan]:
    """Pack the sentences of a section as the chunker does, each into one chunk."""
    first = 0
    for at, piece in enumerate(section):
        following = section[at + 1 : at + 2]
        tokens = sum(each.tokens for each in section[first : at + 1])
        if not following or tokens + following[0].tokens > budget:
            yield text.ChunkSpan(section[first].start, piece.end, tokens)
            first = at + 1


def measured(asked: QuestionSet, places: Places, embedder: Embedder, work: Path) -> Measures:
    """Return the measures of each question; those of chunks only where `places` tells where paragraphs are."""
    found: Measures = {}
    with trial(asked.paragraphs, embedder, work) as opened:
        found["chunks in all"] = [float(opened.generation.manifest.chunk_count)]
        bodies = {paragraph.id: paragraph.text.casefold() for paragraph in asked.paragraphs}
        for question in asked.questions:
            for name, value in _measures(question, places, bodies, opened):
                found.setdefault(name, []).append(value)
    return found


def _measures(question: Asked, places: Places, bodies: dict[str, str], opened: Trial) -> Iterator[tuple[str, float]]:
    passages = opened.retrieve(question, count=CANDIDATES).passages
    ids = [opened.paragraph_id(passage.chunk.article_id) for passage in passages]
    relevant = frozenset(places[paragraph][0] if places else paragraph for paragraph in question.relevant)
    yield f"articles, nDCG@{AT}", ranking_measures(list(dict.fromkeys(ids))[:AT], relevant)[0]
    if not places:
        return
    article, span = places[min(question.relevant)]
    answers = list(_occurrences(question.answers, bodies[article], span))
    ranks = (
        rank
        for rank, (at, passage) in enumerate(zip(ids, passages, strict=True), 1)
        if at == article
        and any(passage.chunk.start_char <= start and end <= passage.chunk.end_char for start, end in answers)
    )
    rank = next(ranks, CANDIDATES + 1)
    yield f"chunks, nDCG@{AT}", 1 / np.log2(rank + 1) if rank <= AT else 0.0
    yield f"chunks, one of {TOP_K}", float(rank <= TOP_K)


def _occurrences(answers: Sequence[str], body: str, span: Span) -> Iterator[Span]:
    for answer in {answer.casefold() for answer in answers}:
        start = body.find(answer, *span)
        while start >= 0:
            yield Span(start, start + len(answer))
            start = body.find(answer, start + 1, span.end)


def _compared(values: Sequence[float], others: Sequence[float]) -> list[Cell]:
    change = figure_of([other - value for value, other in zip(values, others, strict=True)])
    cells: list[Cell] = [len(values), float(np.mean(values)), float(np.mean(others))]
    if change is None or change.n == 1:
        return [*cells, None, None]
    return [*cells, change.value, f"{change.low:+.4f} to {change.high:+.4f}"]


if __name__ == "__main__":
    main()
