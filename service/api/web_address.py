"""Which addresses of articles a browser may follow."""

from urllib.parse import urlsplit


def web_address(url: str | None) -> str | None:
    """The address if a browser may follow it: http or https, with a host."""
    if url is None:
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in ("http", "https") and parts.netloc else None
