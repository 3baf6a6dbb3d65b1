"""`dateline serve`: the HTTP service."""

from typing import Annotated

import typer

from dateline.options import Data
from dateline.trouble import settings_of


def serve(
    data: Data = None,
    host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option("--port", help="Port to listen on; 0 takes a free one.")] = None,
) -> None:
    """Serve questions over HTTP, with a page to ask at / and the API's description at /docs."""
    from service.api.server import run
    from service.settings import ServiceSettings

    run(settings_of(ServiceSettings, data=data, host=host, port=port))
