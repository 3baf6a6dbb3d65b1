"""The stock LlamaIndex ingest, which `ingest_speed` runs in a separate environment to compare with Dateline.

It is a script with one argument, the folder of the embedding model. Each line on stdin is a JSON object with `articles`
(a file of JSON Lines) and `folder` (that of Chroma, which may have chunks); each line on stdout has `chunks`,
`characters` and `seconds`. The model is loaded once, before the first line is read. The script imports nothing of
Dateline.
"""

import json
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import chromadb
from llama_index.core import Document
from llama_index.core.ingestion import IngestionPipeline
from llama_index.core.node_parser import SentenceSplitter
from llama_index.core.schema import BaseNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding  # type: ignore[import-not-found, import-untyped, unused-ignore]
from llama_index.vector_stores.chroma import ChromaVectorStore  # type: ignore[import-not-found, import-untyped, unused-ignore]

CHUNK_TOKENS = 256
OVERLAP_TOKENS = 32


def main() -> None:
    """Ingest once for each line on stdin."""
    embedding = HuggingFaceEmbedding(model_name=sys.argv[1])
    embedding.get_text_embedding_batch(["Load the model."])
    print(json.dumps({"ready": True}), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        rows = [json.loads(row) for row in Path(request["articles"]).read_text(encoding="utf-8").splitlines()]
        documents = [Document(id_=row["id"], text=row["text"]) for row in rows]
        began = time.perf_counter()
        nodes = _ingest(documents, embedding, request["folder"])
        seconds = time.perf_counter() - began
        characters = sum(len(node.get_content()) for node in nodes)
        print(json.dumps({"chunks": len(nodes), "characters": characters, "seconds": seconds}), flush=True)


def _ingest(documents: list[Document], embedding: HuggingFaceEmbedding, folder: str) -> Sequence[BaseNode]:
    collection = chromadb.PersistentClient(folder).get_or_create_collection("chunks")
    pipeline = IngestionPipeline(
        transformations=[SentenceSplitter(chunk_size=CHUNK_TOKENS, chunk_overlap=OVERLAP_TOKENS), embedding],
        vector_store=ChromaVectorStore(chroma_collection=collection),
    )
    return pipeline.run(documents=documents)


if __name__ == "__main__":
    main()
