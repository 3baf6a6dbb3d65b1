"""Requests as bytes on a socket, so that a test can send what no HTTP client would."""

import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

WAIT_S = 60.0
"""How long a reply may take; a test that waits this long has failed."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply: its status, 0 where none came; its headers by their names in lower case; its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The error of a refusal, in the one shape."""
        error: dict[str, Any] = json.loads(self.body)["error"]
        assert set(error) == {"type", "code", "message", "param", "request_id"}
        assert self.headers["x-request-id"] == error["request_id"]
        assert self.headers["content-type"] == "application/json"
        return error


@contextmanager
def connected(port: int, receive_buffer: int = 0) -> Iterator[socket.socket]:
    """A connection to the service."""
    with socket.socket() as connection:
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(WAIT_S)
        connection.connect(("127.0.0.1", port))
        yield connection


def head(method: str, path: str, *headers: str, host: str = "127.0.0.1") -> bytes:
    """The head of a request that ends the connection."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]).encode()


def posted(path: str, body: bytes, *headers: str) -> bytes:
    """A request that posts JSON."""
    return head("POST", path, "Content-Type: application/json", f"Content-Length: {len(body)}", *headers) + body


def asked(question: str, **more: object) -> bytes:
    """A request that asks a question."""
    return posted("/v1/ask", json.dumps({"question": question, **more}).encode())


def until_closed(connection: socket.socket) -> bytes:
    """All that comes until the service closes the connection."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def parsed(received: bytes) -> Reply:
    """The one reply in what was received."""
    top, _, body = received.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    status = int(first.split()[1]) if first else 0
    return Reply(status, {name.lower(): value for name, value in headers.items()}, body)


def reply_to(port: int, *pieces: bytes) -> Reply:
    """The reply to a request that is sent piece by piece, as far as the service takes it."""
    with connected(port) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (ConnectionResetError, BrokenPipeError):
            pass
        return parsed(until_closed(connection))


def is_alive(port: int) -> bool:
    """Whether the service answers."""
    return reply_to(port, head("GET", "/healthz")).status == 200
