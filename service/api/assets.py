"""Files that pages load: sent zipped, and kept by caches for good under their digest."""

import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from fastapi import Request
from fastapi.responses import Response

FOLDER = Path(__file__).parent / "page"

FOR_GOOD = "public, max-age=31536000, immutable"
FOR_NOW = "public, max-age=600, stale-while-revalidate=86400"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_ZIPPED = re.compile(r"gzip\s*(?:;\s*q=(?:1(?:\.0*)?|0\.0*[1-9]\d*))?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is sent; `digest` is the start of the SHA-256 of its bytes."""

    plain: bytes
    gzipped: bytes
    digest: str
    media_type: str


def asset_of(plain: bytes, suffix: str) -> Asset:
    """Return bytes as an asset of the type that a file's suffix says."""
    return Asset(plain, gzip.compress(plain, mtime=0), digest_of(plain), _TYPES[suffix])


@cache
def page_asset(name: str) -> Asset:
    """Return a file of the pages' folder."""
    file = FOLDER / name
    return asset_of(file.read_bytes(), file.suffix)


def asset_address(name: str) -> str:
    """Return the address under which a file of the pages' folder is kept for good."""
    return f"/{name}?v={page_asset(name).digest}"


def digest_of(content: bytes) -> str:
    """Return the digest that names a content."""
    return hashlib.sha256(content).hexdigest()[:16]


def send(request: Request, asset: Asset, version: str, headers: dict[str, str]) -> Response:
    """Reply with an asset, zipped for those who take it, or with 304; `version` is the digest that was asked for."""
    accepted = request.headers.get("Accept-Encoding", "").split(",")
    zipped = any(_ZIPPED.fullmatch(each.strip()) for each in accepted)
    headers = headers | {
        "Cache-Control": FOR_GOOD if version == asset.digest else FOR_NOW,
        "ETag": f'"{asset.digest}{"-gz" if zipped else ""}"',
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    headers |= {"Content-Encoding": "gzip"} if zipped else {}
    body = asset.gzipped if zipped else asset.plain
    return unless_known(request, Response(body, headers=headers, media_type=asset.media_type))


def unless_known(request: Request, reply: Response) -> Response:
    """Return a reply, or 304 where the caller has it already by its tag."""
    known = [tag.strip().removeprefix("W/") for tag in request.headers.get("If-None-Match", "").split(",")]
    if reply.headers.get("ETag") not in known:
        return reply
    kept = {name: value for name, value in reply.headers.items() if name not in ("content-length", "content-type")}
    return Response(status_code=304, headers=kept)
