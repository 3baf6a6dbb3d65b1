"""The chunker as a LlamaIndex NodeParser, for pipelines of LlamaIndex; Dateline's own ingest does without its nodes.

It sets offsets and source itself, because LlamaIndex would search for the text of a chunk, and find the first of
several equal texts.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llama_index.core.node_parser import NodeParser
from llama_index.core.schema import BaseNode, Document, NodeRelationship, TextNode
from pydantic import Field

from index.text import chunk_spans


class SentenceChunker(NodeParser):
    """The chunker as a LlamaIndex NodeParser; `ordinal` and `token_count` are in the metadata of each node."""

    count: Callable[..., Any] = Field(exclude=True, description="Texts to their numbers of WordPieces.")

    def get_nodes_from_documents(
        self,
        documents: Sequence[Document],
        show_progress: bool = False,  # noqa: FBT001, FBT002, ARG002 - the framework's signature
        **_: Any,  # noqa: ANN401 - the framework's signature
    ) -> list[BaseNode]:
        """Split documents into nodes with offsets and source."""
        return [node for document in documents for node in self._nodes(document)]

    def _nodes(self, document: Document) -> Iterator[TextNode]:
        body = document.text
        for ordinal, span in enumerate(chunk_spans(body, self.count)):
            yield TextNode(
                id_=f"{document.node_id}#{ordinal}",
                text=body[span.start : span.end],
                start_char_idx=span.start,
                end_char_idx=span.end,
                metadata={**document.metadata, "ordinal": ordinal, "token_count": span.tokens},
                relationships={NodeRelationship.SOURCE: document.as_related_node_info()},
            )

    def _parse_nodes(self, nodes: Sequence[BaseNode], show_progress: bool = False, **_: Any) -> list[BaseNode]:  # noqa: FBT001, FBT002, ANN401, ARG002
        return self.get_nodes_from_documents([node for node in nodes if isinstance(node, Document)])
