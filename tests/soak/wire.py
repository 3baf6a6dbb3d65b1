"""Requests as bytes on a socket, for requests that an HTTP client would not send."""

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
    """A reply: its status, 0 without a reply; its headers by lower-case name; its body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """Return the error of a refused request."""
        error: dict[str, Any] = json.loads(self.body)["error"]
        assert set(error) == {"type", "code", "message", "param", "request_id"}
        assert self.headers["x-request-id"] == error["request_id"]
        assert self.headers["content-type"] == "application/json"
        return error


@contextmanager
def connected(port: int, receive_buffer: int = 0) -> Iterator[socket.socket]:
    """Open a connection to the service."""
    with socket.socket() as connection:
        if receive_buffer:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        connection.settimeout(WAIT_S)
        connection.connect(("127.0.0.1", port))
        yield connection


def head(method: str, path: str, *headers: str, host: str = "127.0.0.1") -> bytes:
    """Return the head of a request that closes the connection."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", f"Host: {host}", "Connection: close", *headers, "", ""]).encode()


def posted(path: str, body: bytes, *headers: str) -> bytes:
    """Return a request that posts JSON."""
    return head("POST", path, "Content-Type: application/json", f"Content-Length: {len(body)}", *headers) + body


def asked(question: str, **more: object) -> bytes:
    """Return a request with a question."""
    return posted("/v1/ask", json.dumps({"question": question, **more}).encode())


def until_closed(connection: socket.socket) -> bytes:
    """Receive everything until the service closes the connection."""
    received = b""
    try:
        while piece := connection.recv(65536):
            received += piece
    except ConnectionResetError:
        pass
    return received


def parsed(received: bytes) -> Reply:
    """Parse the single reply in the received bytes."""
    top, _, body = received.partition(b"\r\n\r\n")
    first, *lines = top.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines)
    status = int(first.split()[1]) if first else 0
    return Reply(status, {name.lower(): value for name, value in headers.items()}, body)


def reply_to(port: int, *pieces: bytes) -> Reply:
    """Send a request piece by piece until the service stops reading; return the reply."""
    with connected(port) as connection:
        try:
            for piece in pieces:
                connection.sendall(piece)
        except (ConnectionResetError, BrokenPipeError):
            pass
        return parsed(until_closed(connection))


def is_alive(port: int) -> bool:
    """Return whether the service answers."""
    return reply_to(port, head("GET", "/healthz")).status == 200


def is_ready(port: int) -> bool:
    """Return whether the service can answer questions; this opens the index."""
    return reply_to(port, head("GET", "/readyz")).status == 200
