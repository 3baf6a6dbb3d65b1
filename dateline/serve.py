"""`dateline serve`: run the HTTP service."""

import os
from typing import Annotated

import typer

from dateline.options import Data, settings_of


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; 0: any free port.")] = None,
) -> None:
    """Serve the API and the page to ask on.

    The page is at /, the description of the API at /docs.
    """
    # Numpy reads this when it loads. Each question has a thread; a matrix product split among more threads waits for
    # the slowest, which on a busy machine takes a hundred times as long as the product.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    from service.api.app import run
    from service.settings import ServiceSettings

    run(settings_of(ServiceSettings, data=data, host=host, port=port))
