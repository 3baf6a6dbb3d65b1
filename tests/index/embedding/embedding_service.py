"""A scripted embedding service on the loopback interface."""

import json
from collections.abc import Callable, Sequence

from tests.http_service import HttpService, Posted, Reply

Answer = Callable[[list[str]], Reply]


def embeddings(vectors: Sequence[Sequence[float]], indexes: Sequence[int] | None = None) -> Reply:
    """Return the reply with these vectors and indexes; the default indexes count from 0."""
    numbered = zip(range(len(vectors)) if indexes is None else indexes, vectors, strict=True)
    data = [{"object": "embedding", "index": index, "embedding": list(vector)} for index, vector in numbered]
    return Reply(body=json.dumps({"object": "list", "data": data, "model": "m"}).encode())


def letters(texts: list[str]) -> Reply:
    """Return different vectors for different texts: the number of characters, the number of e, and 1."""
    return embeddings([[len(text), text.count("e"), 1.0] for text in texts])


class EmbeddingService(HttpService):
    """The service: `answer` returns the reply to texts; `requests` and `keys` are what it received."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(self._reply)
        self.answer = answer

    @property
    def address(self) -> str:
        return f"{self.url}/v1"

    @property
    def requests(self) -> list[list[str]]:
        return [posted.body["input"] for posted in self.posted]

    @property
    def keys(self) -> list[str | None]:
        return [posted.headers.get("authorization") for posted in self.posted]

    def _reply(self, posted: Posted) -> Reply:
        known = posted.path == "/v1/embeddings" and posted.body["encoding_format"] == "float"
        return self.answer(posted.body["input"]) if known else Reply(404)
