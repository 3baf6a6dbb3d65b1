"""`dateline serve`: the HTTP service."""

import os
from typing import Annotated

import typer

from dateline.memory import share_arenas
from dateline.options import Data
from dateline.trouble import settings_of


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve questions over HTTP, with a page to ask at / and the API's description at /docs."""
    # Read when numpy loads. Questions have a thread each; a product that is split among more of them waits for the
    # last of these, which on a busy machine takes a hundred times as long as the product.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

    share_arenas()

    from service.api.app import run
    from service.settings import ServiceSettings

    run(settings_of(ServiceSettings, data=data, host=host, port=port))
