"""Vectors without a model, for commands in separate processes."""

from collections.abc import Mapping

from llama_index.core.base.embeddings.base import BaseEmbedding
from pydantic import PrivateAttr

from index.embedding.llama import LlamaIndexEmbedder
from tests.fakes import HashedEmbedder

CLASS_PATH = "tests.faults.vectors.WordVectors"
"""The value of `DATELINE_EMBEDDING_MODEL`."""

DIMENSION = 32


class WordVectors(BaseEmbedding):
    """Bags of words as a LlamaIndex embedding: texts with common words are close; `dimension` is an option."""

    model_name: str = "word-vectors"
    dimension: int = DIMENSION
    _words: HashedEmbedder = PrivateAttr()

    def model_post_init(self, context: object, /) -> None:
        """Make the bags of words with these options."""
        super().model_post_init(context)
        self._words = HashedEmbedder(dimension=self.dimension)

    def _get_text_embedding(self, text: str) -> list[float]:
        return [float(number) for number in self._words.embed_query(text)]

    def _get_query_embedding(self, query: str) -> list[float]:
        return self._get_text_embedding(query)

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def embedder(options: Mapping[str, object] | None = None) -> LlamaIndexEmbedder:
    """Return the embedder of commands with these options."""
    return LlamaIndexEmbedder(CLASS_PATH, dict(options or {}))
