"""The service on a socket, in a thread of this process, so that tests can set its limits."""

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Queue
from socket import socket

import uvicorn
from fastapi import FastAPI

from service.api.app import create_app, server_config
from service.api.protocol import ConnectionLimits, GuardedProtocol
from service.build import build_pipeline
from tests.fakes import HashedEmbedder, built, newsroom
from tests.samples import settings_for


@dataclass(frozen=True, slots=True)
class Served:
    """A running service; `lost` gets an item for every connection that ends."""

    app: FastAPI
    port: int
    loop: asyncio.AbstractEventLoop
    lost: "Queue[None]" = field(default_factory=Queue)

    def forget_lost(self) -> None:
        """Forget the connections that ended so far."""
        while not self.lost.empty():
            self.lost.get()


class _Server(uvicorn.Server):
    """A server that puts its event loop into `listens` once it accepts connections."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listens: Queue[asyncio.AbstractEventLoop] = Queue()

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        self.listens.put(asyncio.get_running_loop())


def app_on(folder: Path, articles: int = 60, **settings: object) -> FastAPI:
    """Return the application on an index of invented articles."""
    embedder = HashedEmbedder()
    built(folder, newsroom(articles), embedder)
    given = settings_for(folder, folder / "models", **settings)
    return create_app(given, build_pipeline(given, embedder))


@contextmanager
def served(app: FastAPI, limits: ConnectionLimits) -> Iterator[Served]:
    """Run the application on a free port until the block ends."""
    given, lost = limits, Queue[None]()

    class Protocol(GuardedProtocol):
        limits = given

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.put(None)

    with socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        server = _Server(server_config(app, "127.0.0.1", port, Protocol))
        thread = threading.Thread(target=lambda: asyncio.run(server.serve([listening])))
        thread.start()
        try:
            yield Served(app, port, server.listens.get(timeout=60), lost)
        finally:
            server.should_exit = True
            thread.join()
