"""A minimal search service on LlamaIndex and Chroma, which `services` runs in a separate environment to compare.

It is a script with four arguments: a file of JSON Lines with the chunks (`id`, `text`, `title`, `article_id`,
`vector`), a folder for Chroma, a port of loopback, and the folder of the embedding model. `POST /search` answers with
the nodes of a `VectorIndexRetriever`, as the documentation of both shows it. With the argument `--ours` questions are
embedded by Dateline's runtime of the same model; else the script imports nothing of Dateline.
"""

import json
import sys
from pathlib import Path
from typing import Any

import chromadb
import uvicorn
from fastapi import FastAPI
from llama_index.core import VectorStoreIndex
from llama_index.core.base.embeddings.base import BaseEmbedding
from llama_index.core.schema import TextNode
from llama_index.vector_stores.chroma import ChromaVectorStore  # type: ignore[import-not-found, import-untyped, unused-ignore]
from pydantic import BaseModel, PrivateAttr

BATCH = 500


class Search(BaseModel):
    """A question and the number of nodes."""

    question: str
    top_k: int = 8


class OurRuntime(BaseEmbedding):
    """Dateline's runtime of the embedding model as one of LlamaIndex."""

    _model: Any = PrivateAttr()

    def __init__(self, models: Path) -> None:
        from index.embedding.local import LocalEmbedder

        super().__init__(model_name="local")
        self._model = LocalEmbedder(models)

    def _get_text_embedding(self, text: str) -> list[float]:
        return self._get_query_embedding(text)

    def _get_query_embedding(self, query: str) -> list[float]:
        vector: list[float] = self._model.embed_query(query).tolist()
        return vector

    async def _aget_query_embedding(self, query: str) -> list[float]:
        return self._get_query_embedding(query)


def embedding_of(model: Path, *, is_ours: bool) -> BaseEmbedding:
    """Return the embedding model: LlamaIndex's own class for it, or Dateline's runtime."""
    if is_ours:
        return OurRuntime(model)
    from llama_index.embeddings.huggingface import HuggingFaceEmbedding  # type: ignore[import-not-found, import-untyped, unused-ignore]

    made: BaseEmbedding = HuggingFaceEmbedding(model_name=str(model))
    return made


def stored(chunks: Path, folder: Path) -> Any:  # noqa: ANN401 - the stock package is not installed here
    """Return a vector store with the chunks and their vectors."""
    client = chromadb.PersistentClient(str(folder))
    rows = [json.loads(line) for line in chunks.read_text(encoding="utf-8").splitlines()]
    collection = client.get_or_create_collection("chunks")
    if collection.count() >= len(rows):
        return ChromaVectorStore(chroma_collection=collection)
    client.delete_collection("chunks")  # a killed run left a part of it
    store = ChromaVectorStore(chroma_collection=client.create_collection("chunks"))
    for start in range(0, len(rows), BATCH):
        store.add([_node(row) for row in rows[start : start + BATCH]])
    return store


def _node(row: dict[str, Any]) -> TextNode:
    metadata = {"title": row["title"], "article_id": row["article_id"]}
    return TextNode(id_=row["id"], text=row["text"], metadata=metadata, embedding=row["vector"])


def service(store: object, embedding: BaseEmbedding) -> FastAPI:
    """Return the application."""
    app = FastAPI()
    index = VectorStoreIndex.from_vector_store(store, embed_model=embedding)  # type: ignore[arg-type]

    @app.post("/search")
    def search(body: Search) -> dict[str, Any]:
        nodes = index.as_retriever(similarity_top_k=body.top_k).retrieve(body.question)
        sources = [
            {"id": each.node.node_id, "text": each.node.get_content(), "score": each.score, **each.node.metadata}
            for each in nodes
        ]
        return {"sources": sources}

    return app


if __name__ == "__main__":
    _, given, place, at, of, *more = sys.argv
    app = service(stored(Path(given), Path(place)), embedding_of(Path(of), is_ours=more == ["--ours"]))
    uvicorn.run(app, host="127.0.0.1", port=int(at), log_level="warning", access_log=False)
