"""Chunks → vectors: a step of the pipeline that embeds what `embeddings.db` does not hold yet."""

from collections.abc import Sequence
from typing import Any

from llama_index.core.schema import BaseNode, MetadataMode, TransformComponent
from pydantic import ConfigDict, Field

from index.embedding import Embedder
from index.embeddings import EmbeddingStore, embedding_key
from index.records import indexed_text

BATCH = 128
"""Texts embedded and stored at once: what an ingest that is killed does again at most."""


class StoredEmbedding(TransformComponent):
    """Embeds title and text of each chunk once and for all; the vector's key goes into the node's metadata."""

    model_config = ConfigDict(arbitrary_types_allowed=True)

    embedder: Any = Field(exclude=True, description="An `Embedder`.")
    store: Any = Field(exclude=True, description="An `EmbeddingStore`.")
    embedded: int = Field(default=0, description="How many texts were embedded rather than found.")

    def __call__(self, nodes: Sequence[BaseNode], **_: Any) -> Sequence[BaseNode]:  # noqa: ANN401 - the framework's signature
        """Give every node the key of its vector, which is in the store when this returns."""
        texts: dict[bytes, str] = {}
        for node in nodes:
            text = indexed_text(node.metadata.get("title"), node.get_content(metadata_mode=MetadataMode.NONE))
            key = embedding_key(text)
            texts[key] = text
            node.metadata["embedding_key"] = key
        self._embed(texts)
        return nodes

    def _embed(self, texts: dict[bytes, str]) -> None:
        embedder: Embedder = self.embedder
        store: EmbeddingStore = self.store
        held = store.get(list(texts))
        missing = [key for key in texts if key not in held]
        for start in range(0, len(missing), BATCH):
            batch = missing[start : start + BATCH]
            store.put(batch, embedder.embed_texts([texts[key] for key in batch]))
            self.embedded += len(batch)
