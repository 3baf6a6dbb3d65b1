"""The server: settings → a listening process that ends cleanly on SIGTERM and SIGINT."""

import asyncio
import logging
import signal
import sys
from collections.abc import Generator
from contextlib import contextmanager

import uvicorn
from fastapi import FastAPI

from service.api.app import create_app
from service.api.protocol import GuardedProtocol
from service.api.request_id import RequestIdOfLine
from service.api.service_state import ServiceState
from service.build import build_pipeline
from service.settings import ServiceSettings

GRACE_S = 10
"""Seconds that answers under way have to end once the service is told to stop."""

STREAM_GRACE_S = 5.0
"""Seconds after which a stream that goes on is ended with an error event."""


KEEP_ALIVE_S = 10
"""Seconds for which a connection waits for a further request."""


SWITCH_S = 0.0002
"""Seconds after which a thread that computes lets another go on; with the usual 5 ms refusals wait for questions."""


class _Server(uvicorn.Server):
    """Ends with exit code 0 on a signal, and tells open streams before it waits for them."""

    def __init__(self, config: uvicorn.Config, state: ServiceState) -> None:
        super().__init__(config)
        self._state = state

    @contextmanager
    def capture_signals(self) -> Generator[None, None, None]:
        """Stop on a signal; uvicorn's own way would raise it again at the end."""
        loop = asyncio.get_running_loop()
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(signal_, self._stop, signal_)
        yield
        for signal_ in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(signal_)

    def _stop(self, signal_: signal.Signals) -> None:
        self.handle_exit(signal_, None)
        asyncio.get_running_loop().call_later(STREAM_GRACE_S, self._state.stopping.set)


def run(settings: ServiceSettings) -> None:
    """Serve until a signal; raises ConfigurationError where a setting does not work out."""
    sys.setswitchinterval(SWITCH_S)
    handler = logging.StreamHandler()
    handler.addFilter(RequestIdOfLine())
    form = "%(asctime)s %(levelname)s %(name)s [%(request_id)s]: %(message)s"
    logging.basicConfig(level=logging.INFO, format=form, handlers=[handler])
    for chatty in ("httpx", "httpx2", "httpcore", "chromadb"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    pipeline = build_pipeline(settings)
    app = create_app(settings, pipeline)
    _Server(server_config(app, settings.host, settings.port), app.state.service).run()


def server_config(
    app: FastAPI, host: str, port: int, protocol: type[GuardedProtocol] = GuardedProtocol
) -> uvicorn.Config:
    """Return how uvicorn serves the app: within the limits of the protocol, without a log of its own."""
    return uvicorn.Config(
        app,
        host=host,
        port=port,
        http=protocol,
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_S,
        timeout_keep_alive=KEEP_ALIVE_S,
    )
