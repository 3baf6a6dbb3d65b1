"""A scripted embedding service on the loopback interface."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


@dataclass(frozen=True)
class Reply:
    """A reply: status, body and additional headers."""

    status: int = 200
    body: bytes = b"{}"
    headers: Mapping[str, str] = field(default_factory=dict)


Answer = Callable[[list[str]], Reply]


def embeddings(vectors: Sequence[Sequence[float]], indexes: Sequence[int] | None = None) -> Reply:
    """Return the reply with these vectors and indexes; the default indexes count from 0."""
    numbered = zip(range(len(vectors)) if indexes is None else indexes, vectors, strict=True)
    data = [{"object": "embedding", "index": index, "embedding": list(vector)} for index, vector in numbered]
    return Reply(body=json.dumps({"object": "list", "data": data, "model": "m"}).encode())


def letters(texts: list[str]) -> Reply:
    """Return different vectors for different texts: the number of characters, the number of e, and 1."""
    return embeddings([[len(text), text.count("e"), 1.0] for text in texts])


class EmbeddingService:
    """The service: `answer` returns the reply to texts; `requests` and `keys` record what it received."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[list[str]] = []
        self.keys: list[str | None] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._thread = Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}/v1"

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        service = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                service.requests.append(asked["input"])
                service.keys.append(self.headers["Authorization"])
                known = self.path == "/v1/embeddings" and asked["encoding_format"] == "float"
                reply = service.answer(asked["input"]) if known else Reply(404)
                self.send_response(reply.status)
                for name, value in {"Content-Type": "application/json", **reply.headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                self.wfile.write(reply.body)

            def log_message(self, *args: object) -> None:
                """Do not log."""

        return Handler
