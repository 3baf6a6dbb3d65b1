"""Fakes: an embedder without a model, and generated articles."""

import hashlib
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import MappingProxyType

import numpy as np

from index.embedding import Embedder, Matrix, Vector
from index.errors import EmbeddingFailed
from index.generation import Generation, open_generation
from index.layout import current_name
from index.lexical import LexicalIndex, LexicalPart, Postings, PostingsWriter, stop_word_list
from index.publishing import SCHEMA_VERSION, entry_of, publish
from index.records import Article, Chunk, Configuration, Manifest, Revision, SegmentEntry, indexed_text
from index.segment import SegmentWriter
from index.text import sentence_spans, words

TOPICS = (
    "ferry harbour crew sailing timetable island pier strike union captain",
    "council budget mayor vote meeting tax spending opposition deficit chamber",
    "match goal striker cup final whistle goalie penalty league coach",
    "storm wind rain flood coast warning gust damage roof river",
    "hospital ward nurse patient surgery clinic doctor waiting list funding",
    "museum painting theft gallery curator guard alarm police portrait reward",
)
NAMES = "Aldane Brisk Corvell Dunmoor Eskrigg Farrow Galt Hesper Inverlea Jessop Kettle Lorimer".split()


class HashedEmbedder:
    """Bags of words: each word has a fixed random direction, so texts with common words are close.

    `batches` counts the calls, `texts` keeps what was embedded. After `fails_after` batches every further one fails.
    """

    def __init__(
        self, name: str = "fake:hashed", graph: str = "exact", dimension: int = 64, fails_after: int | None = None
    ) -> None:
        self.name = name
        self.graph = graph
        self.dimension = dimension
        self.fails_after = fails_after
        self.batches = 0
        self.texts: list[str] = []
        self._directions: dict[str, Vector] = {}

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        if self.batches == self.fails_after:
            raise EmbeddingFailed(f"the fake fails after {self.fails_after} batches")
        self.batches += 1
        self.texts.extend(texts)
        return np.stack([self.embed_query(text) for text in texts]) if texts else np.empty((0, self.dimension), "f4")

    def embed_query(self, text: str) -> Vector:
        total: Vector = sum((self._direction(word) for word in ["", *words(text)]), np.zeros(self.dimension, "f4"))
        return total / np.float32(np.linalg.norm(total))

    def close(self) -> None:
        """Do nothing: there are no resources."""

    def _direction(self, word: str) -> Vector:
        if word not in self._directions:
            seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8])
            drawn = np.random.default_rng(seed).normal(size=self.dimension)
            self._directions[word] = (drawn / np.linalg.norm(drawn)).astype(np.float32)
        return self._directions[word]


def article(article_id: str = "a", body: str = "The ferry left the harbour.", **fields: object) -> Article:
    """Return an article with this id and an origin of the same name."""
    return Article(**{"article_id": article_id, "body": body, "origin": f"/news/{article_id}.txt", **fields})  # type: ignore[arg-type]


def sentence(rng: random.Random, topic: str) -> str:
    """Return a sentence about a topic, unique by its number."""
    about = " ".join(rng.choices(topic.split(), k=rng.randint(6, 12)))
    return f"{rng.choice(NAMES)} said the {about} cost {rng.randrange(10**6):,} crowns."


def newsroom(count: int, *, sentences: int = 6, seed: int = 1) -> list[Article]:
    """Return `count` articles on six topics with unique sentences, reproducible by their numbers."""
    rng = random.Random(seed)
    return [
        article(
            f"news-{number:04}",
            " ".join(sentence(rng, TOPICS[number % len(TOPICS)]) for _ in range(sentences)),
            title=f"{rng.choice(NAMES)} and the {TOPICS[number % len(TOPICS)].split()[0]}",
            source=("Courier", "Echo", None)[number % 3],
            published_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=number) if number % 5 else None,
        )
        for number in range(count)
    ]


def configuration(embedder: Embedder, language: str = "english") -> Configuration:
    """Return the configuration of a generation with this embedder and one chunk per sentence."""
    return Configuration(
        embedding_model=embedder.name,
        embedding_graph=embedder.graph,
        dimension=embedder.dimension,
        chunker="sentence@1",
        language=language,
        stop_words=stop_word_list(language),
        schema=SCHEMA_VERSION,
    )


def sentence_chunks(article: Article) -> list[Chunk]:
    """Return one chunk per sentence of an article."""
    return [
        Chunk(
            f"{article.article_id}#{ordinal}",
            article.article_id,
            ordinal,
            article.body[span.start : span.end],
            span.start,
            span.end,
            len(article.body[span.start : span.end].split()),
        )
        for ordinal, span in enumerate(sentence_spans(article.body))
    ]


def segment_of(
    data: Path,
    articles: Iterable[Article],
    embedder: Embedder | None = None,
    made: Configuration | None = None,
    histories: Mapping[str, Sequence[Revision]] = MappingProxyType({}),
) -> SegmentEntry:
    """Write a segment of these articles, one chunk per sentence; return its entry in a manifest.

    `made` is its configuration, if it must look like that of an ingest; `histories` are those of the articles.
    """
    embedder = embedder or HashedEmbedder()
    with SegmentWriter(data, made or configuration(embedder)) as writer:
        for each in articles:
            chunks = sentence_chunks(each)
            vectors = embedder.embed_texts([indexed_text(each.title, chunk.text) for chunk in chunks])
            writer.add(each, chunks, vectors, histories.get(each.article_id, ()))
        record = writer.close()
    assert record is not None, "a segment has at least one article"
    return entry_of(data, record.segment)


def built(
    data: Path,
    articles: Sequence[Article],
    embedder: Embedder | None = None,
    made: Configuration | None = None,
    *,
    segments: int = 1,
    histories: Mapping[str, Sequence[Revision]] = MappingProxyType({}),
) -> Manifest:
    """Publish a generation of these articles alone, in that many segments."""
    embedder = embedder or HashedEmbedder()
    made = made or configuration(embedder)
    count = -(-len(articles) // segments)
    starts = range(0, len(articles), count) if articles else ()
    entries = [segment_of(data, articles[start : start + count], embedder, made, histories) for start in starts]
    return publish(data, made, entries)


def grown(
    data: Path,
    articles: Sequence[Article] = (),
    removed: Collection[str] = (),
    embedder: Embedder | None = None,
    histories: Mapping[str, Sequence[Revision]] = MappingProxyType({}),
) -> Manifest:
    """Publish the current generation with these articles in one more segment, and without those removed."""
    with opened(data) as generation:
        made = generation.manifest.configuration
        dead = {*removed, *(each.article_id for each in articles)}
        entries = [replace(part.entry, dead=part.dead_with(dead)) for part in generation.parts]
    return publish(
        data, made, [*entries, *([segment_of(data, articles, embedder, made, histories)] if articles else [])]
    )


def lexical_of(folder: Path, texts: Sequence[str], language: str = "english") -> LexicalIndex:
    """Return the lexical index of these texts, written into a new folder."""
    writer = PostingsWriter(language)
    for row, text in enumerate(texts):
        writer.add(row, text)
        writer.count_words(text)
    writer.write(folder)
    return LexicalIndex(language, [LexicalPart(Postings(folder), None)])


def opened(data: Path, name: str | None = None) -> AbstractContextManager[Generation]:
    """Open a generation, the current one if no name is given; it is closed with the block."""
    return closing(open_generation(data, name or current_name(data) or ""))
