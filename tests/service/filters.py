"""Retrieval with each kind of filter, compared with an independent exact search.

The exact search uses the original articles and not the index: it filters them one by one, embeds their chunks and
computes the cosines. It knows no limit of passages of one article or source, so retrieval has none here.
"""

import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from index.embedding import Embedder, Matrix, Vector
from index.generation import Generation
from index.records import Article, Filters, indexed_text
from service.records import Mode
from service.retrieve import retrieve
from tests.fakes import TOPICS, article, built, opened, sentence, sentence_chunks

TOP = 10
DAY_0 = datetime(2026, 1, 1, tzinfo=UTC)
DIGITS = 5
"""Chunks whose scores agree so far are as good as each other."""

Lets = Callable[[Article], bool]
EACH_KIND: Mapping[str, tuple[Filters, Lets]] = {
    "none": (Filters(), lambda _: True),
    "sources": (Filters(sources=("courier", "Gazette")), lambda a: a.source in ("Courier", "Gazette")),
    "exclude_sources": (Filters(exclude_sources=("ECHO",)), lambda a: a.source != "Echo"),
    "authors": (
        Filters(authors=("Ida Farrow", "Øystein Galt")),
        lambda a: bool({"Ida Farrow", "Øystein Galt"} & {*a.authors}),
    ),
    "sections": (Filters(sections=("Sport",)), lambda a: a.section == "Sport"),
    "languages": (Filters(languages=("de", "fr")), lambda a: a.language in ("de", "fr")),
    "tags": (Filters(tags=("election", "ÅRET")), lambda a: bool({"election", "året"} & {*a.tags})),
    "article_ids": (
        Filters(article_ids=tuple(f"news-{number:05}" for number in range(0, 60, 3))),
        lambda a: int(a.article_id[5:]) in range(0, 60, 3),
    ),
    "published_after": (
        Filters(published_after=DAY_0 + timedelta(days=200)),
        lambda a: a.published_at is not None and a.published_at >= DAY_0 + timedelta(days=200),
    ),
    "a week": (
        Filters(published_after=DAY_0 + timedelta(days=30), published_before=DAY_0 + timedelta(days=37)),
        lambda a: a.published_at is not None and 30 <= (a.published_at - DAY_0) / timedelta(days=1) < 37,
    ),
    "a source's section since": (
        Filters(sources=("Echo",), sections=("News",), published_after=DAY_0 + timedelta(days=100)),
        lambda a: (
            (a.source, a.section) == ("Echo", "News")
            and a.published_at is not None
            and a.published_at >= DAY_0 + timedelta(days=100)
        ),
    ),
    "tags of an author but for a source": (
        Filters(tags=("budget",), authors=("Ida Farrow",), exclude_sources=("Gazette",)),
        lambda a: "budget" in a.tags and "Ida Farrow" in a.authors and a.source != "Gazette",
    ),
}


@dataclass(frozen=True, slots=True)
class Kind:
    """Retrieval with one kind of filter: recall@10, rows outside the filter, share of allowed chunks, p50."""

    recall: float
    outside: int
    share: float
    milliseconds: float

    def __str__(self) -> str:
        return f"{self.recall:.4f}  {self.outside:7}  {self.share:6.1%}  {self.milliseconds:6.1f}"


class Oracle:
    """Every chunk of some articles with its vector: an exact search without the index."""

    def __init__(self, articles: Sequence[Article], embedder: Embedder) -> None:
        pairs = [(chunk.chunk_id, at) for at, each in enumerate(articles) for chunk in sentence_chunks(each)]
        texts = [indexed_text(each.title, chunk.text) for each in articles for chunk in sentence_chunks(each)]
        self.ids = [id_ for id_, _ in pairs]
        self._article_of: NDArray[np.int64] = np.array([at for _, at in pairs])
        self._articles = articles
        self._vectors: Matrix = embedder.embed_texts(texts)

    def allowed(self, lets: Lets) -> NDArray[np.bool_]:
        """Return which chunks are of an allowed article."""
        mask: NDArray[np.bool_] = np.array([lets(each) for each in self._articles])[self._article_of]
        return mask

    def best(self, question: Vector, allowed: NDArray[np.bool_]) -> tuple[set[str], int]:
        """Return the ids of the allowed chunks with at least the score of the tenth, and how many should be found."""
        scores = np.where(allowed, (self._vectors @ question).round(DIGITS), -np.inf)
        count = min(TOP, int(allowed.sum()))
        tenth = np.partition(scores, len(scores) - count)[len(scores) - count]
        return {self.ids[row] for row in np.flatnonzero(scores >= tenth)}, count


def labelled(count: int, sentences: int, seed: int = 1) -> list[Article]:
    """Return articles on six topics with every kind of metadata, some without."""
    rng = random.Random(seed)
    return [_labelled(rng, number, sentences) for number in range(count)]


def _labelled(rng: random.Random, number: int, sentences: int) -> Article:
    topic = TOPICS[number % len(TOPICS)]
    return article(
        f"news-{number:05}",
        " ".join(sentence(rng, topic) for _ in range(sentences)),
        title=f"The {topic.split()[rng.randrange(10)]} and the {topic.split()[rng.randrange(10)]}",
        source=rng.choice(("Courier", "Echo", "Gazette", None)),
        authors=tuple(rng.sample(("Ida Farrow", "Øystein Galt", "Per Jessop", "Una Lorimer"), rng.randrange(3))),
        section=rng.choice(("News", "Sport", "Opinion", None)),
        language=rng.choice(("en", "en", "en", "de", "fr", None)),
        tags=tuple(rng.sample(("election", "budget", "året", "weather", "transfer"), rng.randrange(3))),
        published_at=DAY_0 + timedelta(hours=rng.randrange(365 * 24)) if rng.random() < 0.9 else None,
    )


def measured(generation: Generation, embedder: Embedder, oracle: Oracle, questions: Sequence[str]) -> dict[str, Kind]:
    """Ask every question with every kind of filter, and compare the result with the exact search."""
    return {
        name: _kind(generation, embedder, oracle, questions, filters, oracle.allowed(lets))
        for name, (filters, lets) in EACH_KIND.items()
    }


def _kind(
    generation: Generation,
    embedder: Embedder,
    oracle: Oracle,
    questions: Sequence[str],
    filters: Filters,
    allowed: NDArray[np.bool_],
) -> Kind:
    inside = {id_ for id_, lets in zip(oracle.ids, allowed, strict=True) if lets}
    hits = wanted = outside = 0
    waits = []
    for question in questions:
        best, count = oracle.best(embedder.embed_query(question), allowed)
        began = time.perf_counter()
        dense = _found(generation, embedder, question, filters, "dense")
        waits.append(time.perf_counter() - began)
        hybrid = _found(generation, embedder, question, filters, "hybrid")
        hits += min(count, len(best & set(dense)))
        wanted += count
        outside += len({*dense, *hybrid} - inside)
    return Kind(hits / wanted, outside, float(allowed.mean()), float(np.median(waits)) * 1000)


def _found(generation: Generation, embedder: Embedder, question: str, filters: Filters, mode: Mode) -> list[str]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("service.retrieve.spread", lambda scores, *_: range(min(TOP, len(scores))))
        found = retrieve(generation, embedder, question, filters=filters, mode=mode, count=TOP)
    return [passage.chunk.chunk_id for passage in found.passages]


def questions_on(articles: Sequence[Article], count: int, seed: int = 2) -> list[str]:
    """Return questions: half with the words of a chunk, half on a topic."""
    rng = random.Random(seed)
    said = [f"Who {' '.join(rng.choice(articles).body.split()[1:9])}?" for _ in range(count // 2)]
    return said + [f"What of {' '.join(rng.sample(rng.choice(TOPICS).split(), 3))}?" for _ in range(count - count // 2)]


def compared(data: Path, articles: Sequence[Article], embedder: Embedder, questions: int) -> dict[str, Kind]:
    """Build a generation of three segments, one chunk per sentence, and compare retrieval with the exact search."""
    oracle = Oracle(articles, embedder)
    assert built(data, articles, embedder, segments=3).chunk_count == len(oracle.ids)
    with opened(data) as generation:
        return measured(generation, embedder, oracle, questions_on(articles, questions))
