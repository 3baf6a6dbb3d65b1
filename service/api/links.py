"""The addresses of our own pages in replies."""

from urllib.parse import quote

from fastapi import Request

from index.records import Span
from service.api.state import ServiceState


def base_address(request: Request, state: ServiceState) -> str:
    """Return the address at which users reach the service, without a slash at its end."""
    return str(state.public_url or request.base_url).rstrip("/")


def article_path(article_id: str, span: Span | None = None) -> str:
    """Return the path of an article's page, which marks a span of its body if one is given."""
    place = f"?start={span.start}&end={span.end}#quote" if span else ""
    return f"/articles/{quote(article_id)}{place}"
