"""A service on loopback: the real application, with scripted replies to some questions."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse
from starlette.types import Message, Receive, Scope, Send

from service.answer import Event, event_data
from service.api.access import Access, AccessRules
from service.api.app import create_app
from service.api.middleware import SharedPaths
from service.keys import Grant, KeyStore
from tests.samples import pipeline_of, settings_for


@dataclass(frozen=True, slots=True)
class Refused:
    """A reply that is an error."""

    status: int
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Streamed:
    """A reply in pieces. After `held` pieces it waits for the test, then continues or breaks off."""

    pieces: Sequence[bytes]
    held: int | None = None
    breaks: bool = False


Scripted = Refused | Streamed


def encoded(events: Sequence[Event]) -> list[bytes]:
    """Return the bytes of events, one piece for each."""
    return [
        f"id: {number}\nevent: {event.type}\ndata: {json.dumps(event_data(event), ensure_ascii=False)}\n\n".encode()
        for number, event in enumerate(events)
    ]


@dataclass(slots=True)
class ScriptedService:
    """The application with scripted replies, and pages of other hosts under `/host/`."""

    app: FastAPI
    key: str = ""
    scripts: dict[str, Scripted] = field(default_factory=dict)
    pages: dict[str, tuple[str, dict[str, str]]] = field(default_factory=dict)
    asked: list[dict[str, Any]] = field(default_factory=list)
    left: threading.Event = field(default_factory=threading.Event)
    go_on: threading.Event = field(default_factory=threading.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a scripted question or a host's page; pass everything else to the application."""
        if scope["type"] == "http" and scope["path"] in self.pages:
            text, headers = self.pages[scope["path"]]
            await HTMLResponse(text, headers=headers)(scope, receive, send)
        elif scope["type"] == "http" and (scope["method"], scope["path"]) == ("POST", "/v1/ask"):
            rules: AccessRules = self.app.state.service.access
            await SharedPaths(Access(self._answer, rules), rules.allowed_origins)(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        body = await Request(scope, receive).body()
        self.asked.append(json.loads(body))
        script = self.scripts.get(self.asked[-1]["question"])
        if isinstance(script, Streamed):
            await self._stream(script, receive, send)
        elif isinstance(script, Refused):
            error = {"type": "t", "code": script.code, "message": script.message, "param": None, "request_id": "r"}
            await JSONResponse({"error": error}, script.status)(scope, receive, send)
        else:
            await self.app(scope, _again(body, receive), send)

    async def _stream(self, script: Streamed, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        leaving = asyncio.create_task(_left(receive))
        for number, piece in enumerate(script.pieces):
            if number == script.held and not await self._waited(leaving):
                self.left.set()
                return
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        leaving.cancel()
        if script.breaks:
            raise ConnectionAbortedError("the test breaks the connection")
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _waited(self, leaving: "asyncio.Task[None]") -> bool:
        """Wait for the test; return False if the client disconnects first."""
        while not self.go_on.is_set():
            if leaving.done():
                return False
            await asyncio.sleep(0.01)
        return True


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _again(body: bytes, receive: Receive) -> Receive:
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return messages.pop() if messages else await receive()

    return again


def service_on(data: Path, models: Path, port: int, *, with_keys: bool = False) -> ScriptedService:
    """Return the service on an index; pages of `localhost` may ask.

    With keys, they need that of the service's own pages; other requests are refused.
    """
    key, origin = "", f"http://localhost:{port}"
    if with_keys:
        key, _ = KeyStore(data).create(Grant("pages", frozenset({"ask"}), kind="publishable", origins=(origin,)))
    settings = settings_for(data, models, **{"pages_key": key} if key else {"allowed_origins": origin})
    return ScriptedService(create_app(settings, pipeline_of(settings)), key)


@contextmanager
def running(build: Callable[[int], ScriptedService]) -> Iterator[tuple[ScriptedService, int]]:
    """Serve on a free loopback port in another thread; `build` gets the port."""
    listening = socket.socket()
    listening.bind(("127.0.0.1", 0))
    listening.listen()  # now: a client may connect before the server runs
    port: int = listening.getsockname()[1]
    service = build(port)
    server = uvicorn.Server(uvicorn.Config(service, log_config=None, access_log=False, timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]})
    thread.start()
    try:
        yield service, port
    finally:
        server.should_exit = True
        thread.join()
        listening.close()
