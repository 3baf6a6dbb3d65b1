"""A trial: an index of a set's paragraphs, built by the real ingest job, with the real steps of a question.

`Trial` has single steps of a question; `Asker` has the complete offline pipeline and the evidence that it used.
"""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, cast

from benchmarks.sets import Asked, Paragraph
from index.embedding import Embedder
from index.errors import IndexMismatch
from index.generation import Generation, open_generation
from index.layout import current_name
from index.records import Filters
from ingest.job import Ingest, run
from ingest.report import Progress
from service.answer import Answer
from service.build import build_pipeline
from service.questions import search_text
from service.readers.answerability import Calibration, Judgement
from service.readers.evidence import PASSAGES_SCORED, Evidence, SentenceScorer
from service.records import Mode, Passage, Question
from service.retrieve import Retrieved, retrieve
from service.settings import ServiceSettings

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

    def retrieve(
        self, question: Asked, *, mode: Mode = "hybrid", count: int = TOP_K, filters: Filters | None = None
    ) -> Retrieved:
        """Return the product's retrieval for a question."""
        text = search_text(question.text, self.generation.lexical)
        return retrieve(self.generation, self._embedder, text, filters=filters or Filters(), mode=mode, count=count)

    def score(self, question: Asked) -> tuple[tuple[Passage, ...], Evidence]:
        """Return the passages of a question and their evidence, as in the pipeline."""
        found, lexical = self.retrieve(question), self.generation.lexical
        text = search_text(question.text, lexical)
        return found.passages, self._scorer.score(text, found.vector, found.passages, lexical)

    def paragraph_id(self, article: str) -> str:
        """Return the set's id of an article."""
        return self._ids[article]


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to a question, the evidence that decided it, and the milliseconds that it took."""

    answer: Answer
    evidence: Evidence
    milliseconds: float


class Asker:
    """Asks the product's offline pipeline about one index; a context manager."""

    def __init__(
        self, data: Path, models: Path, *, span_reader: bool = True, calibration: Calibration | None = None
    ) -> None:
        """Build the pipeline without a language model; `calibration` replaces the shipped one."""
        given = {"data": data, "models": models, "llm_model": None, "openai_api_key": None, "embedding_model": "local"}
        built = build_pipeline(cast("Any", ServiceSettings)(_env_file=None, span_reader=span_reader, **given))
        self._recorder = _Recorder(**asdict(calibration or built.calibration))
        self.pipeline = replace(built, calibration=self._recorder)
        self._runner = asyncio.Runner()

    def __enter__(self) -> "Asker":
        return self

    def __exit__(self, *_: object) -> None:
        self._runner.run(self.pipeline.close())
        self._runner.close()

    def ask(self, text: str, *, top_k: int = TOP_K) -> Reply:
        """Return the reply to a question."""
        began = time.perf_counter()
        answer = self._runner.run(self.pipeline.ask(Question(text, top_k=top_k)))
        return Reply(answer, self._recorder.seen[0], 1000 * (time.perf_counter() - began))


@dataclass(frozen=True, slots=True)
class _Recorder(Calibration):
    """A calibration that keeps the last evidence that it was asked about."""

    seen: list[Evidence] = field(default_factory=list)

    def judge(self, question: str, evidence: Evidence) -> Judgement:
        self.seen[:] = [evidence]
        return Calibration.judge(self, question, evidence)


@contextmanager
def trial(
    paragraphs: Sequence[Paragraph], embedder: Embedder, work: Path, *, passages_scored: int = PASSAGES_SCORED
) -> Iterator[Trial]:
    """Index paragraphs in a folder under `work` and open the generation."""
    data = indexed(paragraphs, embedder, work)
    generation = open_generation(data, current_name(data) or "")
    try:
        yield Trial(generation, embedder, SentenceScorer(embedder, passages_scored=passages_scored), paragraphs)
    finally:
        generation.close()


def indexed(paragraphs: Sequence[Paragraph], embedder: Embedder, work: Path) -> Path:
    """Index paragraphs and return the data folder under `work`, which keeps their vectors."""
    data = work / _digest(paragraphs)
    data.mkdir(parents=True, exist_ok=True)
    articles = data / "articles.jsonl"
    with articles.open("w", encoding="utf-8") as file:
        for number, paragraph in enumerate(paragraphs):
            row = {"id": article_id(number), "title": paragraph.title, "text": paragraph.text}
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
    ingest((articles,), data, embedder)
    return data


def ingest(paths: tuple[Path, ...], data: Path, embedder: Embedder) -> None:
    """Index files in a data folder; build the index again if it has another chunker or model."""
    try:
        run(Ingest(paths, data, LANGUAGE), embedder, Progress(quiet=True))
    except IndexMismatch:
        run(Ingest(paths, data, LANGUAGE, rebuild=True), embedder, Progress(quiet=True))


def article_id(number: int) -> str:
    """Return the article id of the n-th paragraph: a set's ids have characters that article ids cannot have."""
    return f"p{number}"


def _digest(paragraphs: Sequence[Paragraph]) -> str:
    digest = hashlib.sha256()
    for paragraph in paragraphs:
        digest.update(f"{paragraph.id}\n{paragraph.title}\n{paragraph.text}\n".encode())
    return digest.hexdigest()[:16]
