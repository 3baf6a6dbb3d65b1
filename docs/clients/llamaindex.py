"""Use Dateline from LlamaIndex: a retriever for its passages, and a query engine for its cited answers.

Needs llama-index-core, which brings httpx.
"""

from dataclasses import dataclass, field
from typing import Any

import httpx
from llama_index.core.base.response.schema import Response
from llama_index.core.callbacks import CallbackManager
from llama_index.core.query_engine import CustomQueryEngine
from llama_index.core.retrievers import BaseRetriever
from llama_index.core.schema import NodeWithScore, QueryBundle, TextNode


@dataclass(frozen=True)
class Dateline:
    """A service: its address, a key if it needs one, and the articles that may answer (`filters` of the API)."""

    base_url: str = "http://127.0.0.1:8000"
    key: str | None = None
    filters: dict[str, Any] = field(default_factory=dict)
    timeout_s: float = 60.0

    def post(self, path: str, **body: object) -> dict[str, Any]:
        """Return the reply to a request; raises httpx.HTTPError."""
        with httpx.Client(**self._options) as client:
            return _json(client.post(path, json={"filters": self.filters, **body}))

    async def apost(self, path: str, **body: object) -> dict[str, Any]:
        """Return the reply to a request; raises httpx.HTTPError."""
        async with httpx.AsyncClient(**self._options) as client:
            return _json(await client.post(path, json={"filters": self.filters, **body}))

    @property
    def _options(self) -> dict[str, Any]:
        headers = {"Authorization": f"Bearer {self.key}"} if self.key else {}
        return {"base_url": self.base_url, "headers": headers, "timeout": self.timeout_s}


class DatelineRetriever(BaseRetriever):
    """Retrieves passages of articles, each with its complete text and its place in the body."""

    def __init__(
        self,
        service: Dateline,
        *,
        top_k: int = 8,
        mode: str = "hybrid",
        callback_manager: CallbackManager | None = None,
    ) -> None:
        self._service = service
        self._body = {"top_k": top_k, "mode": mode, "include": ["text"]}
        super().__init__(callback_manager=callback_manager)

    def _retrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = self._service.post("/v1/search", question=query_bundle.query_str, **self._body)
        return [node_of(source) for source in found["sources"]]

    async def _aretrieve(self, query_bundle: QueryBundle) -> list[NodeWithScore]:
        found = await self._service.apost("/v1/search", question=query_bundle.query_str, **self._body)
        return [node_of(source) for source in found["sources"]]


class DatelineQueryEngine(CustomQueryEngine):
    """Answers questions with citations that Dateline has checked; no language model of your own is called.

    `[n]` in the answer is `source_nodes[n - 1]`. The metadata has status, verdict, citations and warnings.
    """

    service: Dateline

    def custom_query(self, query_str: str) -> Response:
        """Return the answer to a question."""
        return response_of(self.service.post("/v1/ask", question=query_str, include=["text"]))

    async def acustom_query(self, query_str: str) -> Response:
        """Return the answer to a question."""
        return response_of(await self.service.apost("/v1/ask", question=query_str, include=["text"]))


def node_of(source: dict[str, Any]) -> NodeWithScore:
    """Return a source of a reply as a node; its score ranks within one reply."""
    names = ("article_id", "title", "url", "source", "published_at", "language")
    node = TextNode(
        id_=source["chunk_id"],
        text=source["text"],
        start_char_idx=source["start_char_index"],
        end_char_idx=source["end_char_index"],
        metadata={name: source[name] for name in names},
    )
    return NodeWithScore(node=node, score=source["score"])


def response_of(reply: dict[str, Any]) -> Response:
    """Return a reply of the API as a response; cited sources come first, in the order of their markers."""
    ranked = sorted(reply["sources"], key=lambda source: source["marker"] or len(reply["sources"]) + 1)
    names = (
        "id",
        "status",
        "status_reason",
        "verdict",
        "citations",
        "conflicts",
        "corrections",
        "warnings",
        "permalink",
    )
    return Response(
        response=reply["answer"],
        source_nodes=[node_of(source) for source in ranked],
        metadata={name: reply[name] for name in names},
    )


def _json(reply: httpx.Response) -> dict[str, Any]:
    """Return the body of a reply; the text of an error has the service's message."""
    if reply.is_error:
        raise httpx.HTTPStatusError(reply.text, request=reply.request, response=reply)
    body: dict[str, Any] = reply.json()
    return body
