"""An index of ten thousand chunks of real sentences, with synthetic vectors so that it is built quickly.

The sentences are those of SQuAD and RGB, shuffled and repeated if there are too few. The vectors are clustered: noisy
mixtures of the vectors of a thousand real paragraphs.
"""

import json
import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from statistics import mean
from typing import TYPE_CHECKING

from benchmarks.sets import RGB, SEED, SQUAD_1, QuestionSet
from benchmarks.synthetic import SyntheticEmbedder
from benchmarks.trial import LANGUAGE
from index.embedding import Embedder
from index.embedding.local import count_pieces
from index.generation import Generation, open_generation
from index.layout import current_name
from index.text import chunk_spans, sentence_spans
from ingest.job import Ingest, run
from ingest.report import Progress

if TYPE_CHECKING:
    from llama_index.core.retrievers import VectorIndexRetriever

CENTRES = 1000
ARTICLE_SENTENCES = 24
MEASURED = slice(0, 2000, 20)
"""Articles that are chunked to compute the number of articles."""


@contextmanager
def large_index(bench: Path, work: Path, chunks: int, embedder: Embedder) -> Iterator[Generation]:
    """Open an index of about `chunks` chunks; run the real ingest job if it is missing."""
    data = work / f"large-{chunks}"
    if current_name(data) is None:
        paragraphs = [paragraph for name in (SQUAD_1, RGB) for paragraph in QuestionSet.read(bench, name).paragraphs]
        centres = random.Random(SEED).sample(paragraphs, CENTRES)
        data.mkdir(parents=True, exist_ok=True)
        write_articles(data / "articles.jsonl", [paragraph.text for paragraph in paragraphs], chunks)
        synthetic = SyntheticEmbedder(embedder.embed_texts([paragraph.text for paragraph in centres]))
        run(Ingest((data / "articles.jsonl",), data, LANGUAGE), synthetic, Progress(quiet=True))
    generation = open_generation(data, current_name(data) or "")
    try:
        yield generation
    finally:
        generation.close()


def write_articles(file: Path, texts: Sequence[str], chunks: int) -> None:
    """Write articles with about that many chunks, made of the sentences of texts."""
    measured = islice(_bodies(texts), MEASURED.start, MEASURED.stop, MEASURED.step)
    per_article = mean(len(chunk_spans(body, count_pieces)) for body in measured)
    with file.open("w", encoding="utf-8") as lines:
        for number, body in enumerate(islice(_bodies(texts), round(chunks / per_article))):
            lines.write(json.dumps({"id": f"a{number}", "title": f"Article {number}", "body": body}) + "\n")


def _bodies(texts: Sequence[str]) -> Iterator[str]:
    """Yield articles without end: the sentences in their order, then shuffled."""
    sentences = [text[span.start : span.end] for text in texts for span in sentence_spans(text)]
    shuffled = random.Random(SEED)
    while True:
        for start in range(0, len(sentences), ARTICLE_SENTENCES):
            yield " ".join(sentences[start : start + ARTICLE_SENTENCES])
        shuffled.shuffle(sentences)


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
