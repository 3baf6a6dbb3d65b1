"""A trial: an index of a set's paragraphs, built by the real ingest job, with the real steps of a question."""

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.sets import Asked, Paragraph
from index.embedding import Embedder
from index.generation import Generation
from index.layout import current_name, generation_folder
from index.records import Filters
from ingest.job import Ingest, run
from ingest.progress import Progress
from service.readers.evidence import PASSAGES_SCORED, Evidence, SentenceScorer
from service.records import Mode, Passage
from service.retrieve import Retrieved, retrieve
from service.search_text import search_text

LANGUAGE = "english"
TOP_K = 8
"""Passages of a question, the product's default."""


class Trial:
    """An open generation in which each paragraph of a set is an article, with its retriever and scorer."""

    def __init__(
        self, generation: Generation, embedder: Embedder, scorer: SentenceScorer, paragraphs: Sequence[Paragraph]
    ) -> None:
        self.generation = generation
        self._embedder = embedder
        self._scorer = scorer
        self._ids = {article_id(number): paragraph.id for number, paragraph in enumerate(paragraphs)}

    def retrieve(self, question: Asked, *, mode: Mode = "hybrid", count: int = TOP_K) -> Retrieved:
        """Return the product's retrieval for a question."""
        text = search_text(question.text, self.generation.lexical)
        return retrieve(self.generation, self._embedder, text, filters=Filters(), mode=mode, count=count)

    def score(self, question: Asked) -> tuple[tuple[Passage, ...], Evidence]:
        """Return the passages of a question and their evidence, as in the pipeline."""
        found, lexical = self.retrieve(question), self.generation.lexical
        text = search_text(question.text, lexical)
        return found.passages, self._scorer.score(text, found.vector, found.passages, lexical)

    def paragraph_id(self, article: str) -> str:
        """Return the set's id of an article."""
        return self._ids[article]


@contextmanager
def trial(
    paragraphs: Sequence[Paragraph], embedder: Embedder, work: Path, *, passages_scored: int = PASSAGES_SCORED
) -> Iterator[Trial]:
    """Index paragraphs in a folder under `work`, which keeps their vectors, and open the generation."""
    data = work / _digest(paragraphs)
    articles = data / "articles.jsonl"
    data.mkdir(parents=True, exist_ok=True)
    with articles.open("w", encoding="utf-8") as file:
        for number, paragraph in enumerate(paragraphs):
            row = {"id": article_id(number), "title": paragraph.title, "text": paragraph.text}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    # Rebuild, because the chunker may have changed since the last run; cached vectors are reused.
    run(Ingest((articles,), data, LANGUAGE, rebuild=True), embedder, Progress(quiet=True))
    generation = Generation(generation_folder(data, current_name(data) or ""))
    try:
        yield Trial(generation, embedder, SentenceScorer(embedder, passages_scored=passages_scored), paragraphs)
    finally:
        generation.close()


def article_id(number: int) -> str:
    """Return the article id of the n-th paragraph: a set's ids have characters that article ids cannot have."""
    return f"p{number}"


def _digest(paragraphs: Sequence[Paragraph]) -> str:
    digest = hashlib.sha256()
    for paragraph in paragraphs:
        digest.update(f"{paragraph.id}\n{paragraph.title}\n{paragraph.text}\n".encode())
    return digest.hexdigest()[:16]
