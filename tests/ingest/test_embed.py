from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import numpy as np
import pytest
from llama_index.core import Document
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.schema import BaseNode, TextNode

from index.embeddings import EmbeddingStore, embedding_key
from index.errors import EmbeddingFailed
from ingest.chunk import SentenceChunker
from ingest.embed import BATCH, StoredEmbedding
from tests.fakes import HashedEmbedder


@pytest.fixture
def store(tmp_path: Path) -> Iterator[EmbeddingStore]:
    with closing(EmbeddingStore(tmp_path / "embeddings.db", "fake")) as opened:
        yield opened


def nodes(*texts: str, title: str | None = None) -> list[BaseNode]:
    return [TextNode(text=text, metadata={"title": title, "secret": "never embedded"}) for text in texts]


def test_title_and_text_are_embedded_and_nothing_else(store: EmbeddingStore) -> None:
    """Of a chunk its article's title and its own text are embedded; the rest of its metadata is not."""
    embedder = HashedEmbedder()
    StoredEmbedding(embedder=embedder, store=store)([*nodes("Crews left.", title="Strike"), *nodes("They came back.")])
    assert embedder.texts == ["Strike\nCrews left.", "They came back."]


def test_a_chunk_carries_the_key_of_its_vector(store: EmbeddingStore) -> None:
    """Each node gets a key under which the store holds the vector of its text."""
    embedder = HashedEmbedder()
    (node,) = StoredEmbedding(embedder=embedder, store=store)(nodes("Crews left.", title="Strike"))
    key = node.metadata["embedding_key"]
    assert key == embedding_key("Strike\nCrews left.")
    assert np.array_equal(np.frombuffer(store.get([key])[key], "f4"), embedder.embed_query("Strike\nCrews left."))


def test_a_text_is_embedded_once(store: EmbeddingStore) -> None:
    """A text met twice, in one call or in two, is embedded once and counted once."""
    embedder = HashedEmbedder()
    step = StoredEmbedding(embedder=embedder, store=store)
    first = step(nodes("Crews left.", "Crews left.", "They came back."))
    assert (embedder.batches, step.embedded) == (1, 2)
    assert first[0].metadata["embedding_key"] == first[1].metadata["embedding_key"]
    step(nodes("They came back.", "It rained."))
    assert embedder.texts == ["Crews left.", "They came back.", "It rained."]
    assert step.embedded == 3


def test_nothing_new_embeds_nothing(store: EmbeddingStore) -> None:
    """Where every text is held already, or there is none, the embedder is not called."""
    StoredEmbedding(embedder=HashedEmbedder(), store=store)(nodes("Crews left."))
    embedder = HashedEmbedder()
    step = StoredEmbedding(embedder=embedder, store=store)
    assert step([]) == []
    step(nodes("Crews left."))
    assert (embedder.batches, step.embedded) == (0, 0)


def test_batches_that_are_done_are_kept_when_a_later_one_fails(store: EmbeddingStore) -> None:
    """A failure costs the batch that it came in; the next try embeds the rest."""
    texts = [f"Sentence {number}." for number in range(2 * BATCH + 10)]
    failing = StoredEmbedding(embedder=HashedEmbedder(fails_after=2), store=store)
    with pytest.raises(EmbeddingFailed, match="fails after 2"):
        failing(nodes(*texts))
    assert failing.embedded == 2 * BATCH
    again = StoredEmbedding(embedder=HashedEmbedder(), store=store)
    again(nodes(*texts))
    assert again.embedded == 10


def test_it_is_a_step_of_a_pipeline_after_the_chunker(store: EmbeddingStore) -> None:
    """Behind the chunker in a LlamaIndex pipeline, each chunk of an article is embedded with the article's title."""
    embedder = HashedEmbedder()
    chunker = SentenceChunker(count=lambda texts: [150] * len(texts))
    embedding = StoredEmbedding(embedder=embedder, store=store)
    pipeline = IngestionPipeline(transformations=[chunker, embedding], disable_cache=True)
    article = Document(id_="a", text="Crews left. They came back.", metadata={"title": "Strike"})
    made = pipeline.run(documents=[article])
    assert embedder.texts == ["Strike\nCrews left.", "Strike\nThey came back."]
    assert [node.metadata["ordinal"] for node in made] == [0, 1]
