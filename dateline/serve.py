"""`dateline serve`: run the HTTP service."""

import logging
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from threading import Event, Thread
from typing import Annotated

import typer

from dateline.options import Data, settings_of
from index.errors import ConfigurationError

STEADY_S = 60.0
"""How long a writer runs before the pause after its end is short again, in seconds."""

LONGEST_WAIT_S = 60.0

logger = logging.getLogger("dateline")


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; 0: any free port.")] = None,
    with_writer: Annotated[
        bool, typer.Option("--with-writer", help="Also run the process that publishes pushed articles.")
    ] = False,
) -> None:
    """Serve the API and the page to ask on.

    The page is at /, the description of the API at /docs.
    """
    # Numpy reads this when it loads. Each question has a thread; a matrix product split among more threads waits for
    # the slowest, which on a busy machine takes a hundred times as long as the product.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    from index.layout import refuse_replica
    from service.api.app import run
    from service.keys import KeyStore
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings, data=data, host=host, port=port)
    if with_writer:
        refuse_replica(settings.data)
    if with_writer and settings.push_secret is None and not KeyStore(settings.data).can("ingest"):
        raise ConfigurationError(
            "--with-writer publishes pushed articles, but no live key has the scope ingest",
            "Create one with `dateline keys create --name NAME --scope ingest`, set DATELINE_PUSH_SECRET, or leave"
            " --with-writer out.",
        )
    writer = [sys.executable, "-m", "dateline", "ingest", "--watch", "--while-stdin", "--data", str(settings.data)]
    with kept_alive(writer) if with_writer else nullcontext():
        run(settings)


@contextmanager
def kept_alive(command: list[str]) -> Iterator[None]:
    """Run the writer as a process of its own until the block ends, and start it again if it ends before.

    A native crash of it does not end the service. It ends with this process, because its standard input then ends.
    """
    stopping = Event()

    def keep_alive() -> None:
        wait_s = 1.0
        while not stopping.is_set():
            started = time.monotonic()
            with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # noqa: S603 - our own interpreter
                while process.poll() is None and not stopping.wait(0.2):
                    pass
                process.terminate()
            if stopping.is_set():
                return
            wait_s = 1.0 if time.monotonic() - started > STEADY_S else min(2 * wait_s, LONGEST_WAIT_S)
            logger.warning("the writer ended with %s; it is started again in %.0f s", process.returncode, wait_s)
            stopping.wait(wait_s)

    thread = Thread(target=keep_alive)
    thread.start()
    try:
        yield
    finally:
        stopping.set()
        thread.join()
