"""An application that is served on loopback, for clients that speak HTTP."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI

from service.api.app import server_config
from service.api.state import ServiceState


@dataclass(slots=True)
class Live:
    """A served application; `call` runs a function in the thread of its event loop."""

    app: FastAPI
    port: int
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)

    @property
    def url(self) -> str:
        """The address of the service, without a path."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def state(self) -> ServiceState:
        """The state of the service."""
        state: ServiceState = self.app.state.service
        return state

    def call(self, function: Callable[[], object]) -> None:
        """Run a function in the event loop."""
        self.loop.call_soon_threadsafe(function)


@contextmanager
def served(app: FastAPI) -> Iterator[Live]:
    """Serve on a free loopback port in another thread until the block ends."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        # Connections wait until the server is up.
        listening.listen()
        live = Live(app, listening.getsockname()[1])
        server = uvicorn.Server(server_config(app, "127.0.0.1", live.port))
        thread = threading.Thread(target=lambda: live.loop.run_until_complete(server.serve([listening])))
        thread.start()
        try:
            yield live
        finally:
            server.should_exit = True
            thread.join()
            live.loop.close()
