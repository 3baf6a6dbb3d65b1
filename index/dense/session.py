"""Chroma's HTTP client, given what it lacks: deadlines, and a plain error for every reply that is none of Chroma's.

Not `chromadb.HttpClient`: its constructor asks the server three times on a session without any timeout, which nothing
can set before, and keeps a second such session. The API object beneath it asks nothing until it is used.
"""

import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx
    from chromadb.api import ServerAPI

SHORTEST_S = 0.001
CONNECTIONS = 32


class Deadline(threading.local):
    """When the call that this thread is making must have ended, by the monotonic clock."""

    ends = 0.0

    def bound(self, request: "httpx.Request") -> None:
        """Let no step of a request take longer than is left of its call."""
        left = max(self.ends - time.monotonic(), SHORTEST_S)
        request.extensions["timeout"] = {"connect": left, "read": left, "write": left, "pool": left}


@dataclass(slots=True)
class Line:
    """Chroma's API over connections of its own; `waiting` counts the callers that wait for a reply over them."""

    api: "ServerAPI"
    transport: "httpx.BaseTransport"
    waiting: int = 0

    @classmethod
    def to(cls, url: str, deadline: Deadline) -> "Line":
        """A line to the server at a URL; it connects when it is used."""
        import httpx

        # A transport of our own: one made by the session would go through the proxies of the environment.
        transport = httpx.HTTPTransport(limits=httpx.Limits(max_connections=CONNECTIONS))
        return cls(connected(url, transport, deadline), transport)


def connected(url: str, transport: "httpx.BaseTransport", deadline: Deadline) -> "ServerAPI":
    """Chroma's API at a URL, over a transport; it makes no request before it is used."""
    import httpx
    from chromadb.api.fastapi import FastAPI
    from chromadb.config import Settings, System

    address = httpx.URL(url)
    settings = Settings(
        chroma_server_host=url,
        chroma_server_http_port=address.port or (443 if address.scheme == "https" else 80),
        chroma_server_ssl_enabled=address.scheme == "https",
        anonymized_telemetry=False,
    )
    api = System(settings).instance(FastAPI)
    # The one place for a timeout: Chroma makes its session with none, and has no setting for it.
    api._session.close()  # noqa: SLF001
    api._session = httpx.Client(  # noqa: SLF001
        headers=dict(api.get_request_headers()),
        transport=transport,
        event_hooks={"request": [deadline.bound], "response": [_raise_for_stranger]},
    )
    return api


def _raise_for_stranger(response: "httpx.Response") -> None:
    """Raise HTTPStatusError for what is no answer of Chroma's: its client would raise a bare Exception."""
    import httpx
    from chromadb.errors import error_types

    if response.is_success:
        return
    response.read()
    if response.is_client_error and _error_name(response) in error_types:
        return
    said = " ".join(response.text.split())[:200]
    raise httpx.HTTPStatusError(f"status {response.status_code}: {said}", request=response.request, response=response)


def _error_name(response: "httpx.Response") -> object:
    try:
        reply = response.json()
    except ValueError:
        return None
    return reply.get("error") if isinstance(reply, dict) else None
