"""A scripted language model on the loopback interface, over real HTTP."""

import json
import re
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

_POLL_S = 0.01
_LONGEST_S = 30.0


@dataclass(frozen=True)
class Pause:
    """A pause of some seconds."""

    seconds: float


@dataclass(frozen=True)
class Hang:
    """Silence until the client disconnects or the server stops."""


@dataclass(frozen=True)
class Until:
    """Silence until an event is set."""

    event: threading.Event


@dataclass(frozen=True)
class Cut:
    """The connection breaks here."""


@dataclass(frozen=True)
class Raw:
    """Raw bytes: a line of the stream, or the complete body of a plain reply."""

    data: bytes


Step = str | Pause | Hang | Until | Cut | Raw


@dataclass(frozen=True)
class Reply:
    """One reply: its text in pieces with other steps between them, and how it ends.

    `usage` are the tokens of input and output, or None for a server that does not count. `finish` None leaves
    the reason out. Without `streams` the reply is complete, also if a stream was asked for. A `status` other than
    200 sends an error with `code`, its `message`, `param` and `headers`, or with this `body`.
    """

    pieces: Sequence[Step] = ()
    finish: str | None = "stop"
    usage: tuple[int, int] | None = (120, 24)
    refusal: str | None = None
    error_event: Mapping[str, object] | None = None
    done: bool = True
    streams: bool = True
    status: int = 200
    code: str | None = None
    param: str | None = None
    message: str = "scripted failure"
    body: Mapping[str, object] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)


Request = dict[str, Any]
Script = Reply | Callable[[Request], Reply]


@dataclass(frozen=True)
class Received:
    """A received request; header names are in lower case."""

    body: Request
    headers: Mapping[str, str]
    path: str


class ScriptedLLM:
    """A server of `/v1/chat/completions`; use it as a context manager.

    `replies` are given in order, one a request; a single Reply or function answers every request. A function is
    called with the request's JSON. A request beyond the script gets a 400 with the code `script_exhausted`.
    """

    def __init__(self, replies: Script | Sequence[Script]) -> None:
        self._every = replies if isinstance(replies, Reply) or callable(replies) else None
        self._script: Iterator[Script] = iter(replies if isinstance(replies, Sequence) else ())
        self._lock = threading.Lock()
        self._left = threading.Event()
        self._stopping = threading.Event()
        self._connections: set[socket.socket] = set()
        self.requests: list[Received] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = False
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": _POLL_S})

    @property
    def url(self) -> str:
        """The address for a client's `base_url`."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    @property
    def open_connections(self) -> int:
        """The number of connections of clients."""
        with self._lock:
            return len(self._connections)

    def wait_for_leaver(self, seconds: float) -> bool:
        """Return whether a client disconnects before the end of a reply, within a timeout in seconds."""
        return self._left.wait(seconds)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._server.shutdown()
        self._thread.join()
        with self._lock:
            for connection in self._connections:
                _break(connection)
        self._server.server_close()

    def next_reply(self, received: Received) -> Reply:
        """Record a request and return its reply from the script."""
        with self._lock:
            self.requests.append(received)
            script = self._every or next(self._script, Reply(status=400, code="script_exhausted"))
        return script if isinstance(script, Reply) else script(received.body)

    def connected(self, connection: socket.socket) -> None:
        """Register an open connection, so that stopping closes it."""
        with self._lock:
            self._connections.add(connection)
        if self._stopping.is_set():
            _break(connection)

    def disconnected(self, connection: socket.socket) -> None:
        """Forget a closed connection."""
        with self._lock:
            self._connections.discard(connection)

    def wait(self, connection: socket.socket, seconds: float) -> bool:
        """Wait; return False as soon as the client disconnects or the server stops."""
        until = time.monotonic() + seconds
        while not self._stopping.is_set():
            if _is_closed(connection):
                self._left.set()
                return False
            remaining = until - time.monotonic()
            if remaining <= 0:
                return True
            time.sleep(min(_POLL_S, remaining))
        return False


def keys_in(request: Request) -> list[str]:
    """Return the keys of the passages in a request, in their order."""
    user = str(request["messages"][-1]["content"])
    fence = re.search(r"</question (\S+)>\s*$", user)
    assert fence, "the request shows no fenced question"
    return re.findall(rf"^<passage {fence[1]} \[(\w+)\]>$", user, re.MULTILINE)


def _handler_for(owner: ScriptedLLM) -> type[BaseHTTPRequestHandler]:
    class Handler(_Handler):
        llm = owner

    return Handler


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    llm: ScriptedLLM

    def setup(self) -> None:
        super().setup()
        self.llm.connected(self.connection)

    def finish(self) -> None:
        self.llm.disconnected(self.connection)
        super().finish()

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            self.llm.wait(self.connection, 0)

    def do_POST(self) -> None:
        body: Request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        reply = self.llm.next_reply(
            Received(body, {name.lower(): value for name, value in self.headers.items()}, self.path)
        )
        if reply.status != 200:
            self._send_error(reply)
        elif body.get("stream") and reply.streams:
            self._send_stream(reply, counts=bool(body.get("stream_options", {}).get("include_usage")))
        else:
            self._send_whole(reply)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name that http.server gives
        """Do not log."""

    def _send_error(self, reply: Reply) -> None:
        error = {"message": reply.message, "type": "scripted", "code": reply.code, "param": reply.param}
        self._send_json(reply.status, json.dumps(reply.body or {"error": error}).encode(), reply.headers)

    def _send_whole(self, reply: Reply) -> None:
        body: bytes | None = None
        for step in reply.pieces:
            if isinstance(step, Raw):
                body = step.data
            elif not isinstance(step, str) and not self._waited(step):
                return
        text = "".join(step for step in reply.pieces if isinstance(step, str))
        message = {"role": "assistant", "content": text, "refusal": reply.refusal}
        choice = {"index": 0, "message": message, "finish_reason": reply.finish}
        whole = {"id": "scripted", "object": "chat.completion", "choices": [choice], **_usage(reply)}
        self._send_json(200, body or json.dumps(whole).encode(), reply.headers)

    def _send_json(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(body)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _send_stream(self, reply: Reply, *, counts: bool) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/event-stream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self._send_event(_chunk({"role": "assistant", "content": ""}))
        for step in reply.pieces:
            if isinstance(step, str):
                self._send_event(_chunk({"content": step}))
            elif isinstance(step, Raw):
                self._send_part(step.data)
            elif not self._waited(step):
                return
            if not self.llm.wait(self.connection, 0):
                self.close_connection = True
                return
        self._send_end(reply, counts=counts)

    def _send_end(self, reply: Reply, *, counts: bool) -> None:
        if reply.refusal is not None:
            self._send_event(_chunk({"refusal": reply.refusal}))
        if reply.error_event is not None:
            self._send_event({"error": dict(reply.error_event)})
        if reply.finish is not None:
            self._send_event(_chunk({}, reply.finish))
        if counts and reply.usage is not None:
            self._send_event({"id": "scripted", "object": "chat.completion.chunk", "choices": [], **_usage(reply)})
        if reply.done:
            self._send_part(b"data: [DONE]\n\n")
        self.wfile.write(b"0\r\n\r\n")

    def _waited(self, step: Pause | Hang | Until | Cut) -> bool:
        """Run a step without text; return False if it ends the reply."""
        if isinstance(step, Until):
            return step.event.wait(_LONGEST_S)
        if isinstance(step, Cut):
            self.wfile.flush()
            _break(self.connection)
        elif self.llm.wait(self.connection, step.seconds if isinstance(step, Pause) else _LONGEST_S):
            return True
        self.close_connection = True
        return False

    def _send_event(self, data: Mapping[str, object]) -> None:
        self._send_part(b"data: " + json.dumps(data).encode() + b"\n\n")

    def _send_part(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")


def _chunk(delta: Mapping[str, object], finish: str | None = None) -> dict[str, object]:
    choice = {"index": 0, "delta": dict(delta), "finish_reason": finish}
    return {"id": "scripted", "object": "chat.completion.chunk", "choices": [choice]}


def _usage(reply: Reply) -> dict[str, object]:
    if reply.usage is None:
        return {}
    given, gave = reply.usage
    return {"usage": {"prompt_tokens": given, "completion_tokens": gave, "total_tokens": given + gave}}


def _is_closed(connection: socket.socket) -> bool:
    readable, _, _ = select.select([connection], [], [], 0)
    try:
        return bool(readable) and connection.recv(1, socket.MSG_PEEK) == b""
    except OSError:
        return True


def _break(connection: socket.socket) -> None:
    try:
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
