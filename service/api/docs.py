"""`GET /docs`: the API's description to try out, from files that are installed, so that it needs no network."""

import base64
import hashlib
import re
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs() -> HTMLResponse:
    """The page."""
    shown = get_swagger_ui_html(
        openapi_url="/docs/openapi.json",
        title="Dateline API",
        swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css",
        swagger_favicon_url="/icon.svg",
    )
    shown.headers["Content-Security-Policy"] = _policy(bytes(shown.body).decode())
    return shown


@router.get("/docs/openapi.json")
async def description(request: Request) -> JSONResponse:
    """The description in the older version that the page can show; `/openapi.json` is the one for programs."""
    return JSONResponse(_older(request.app.openapi()) | {"openapi": "3.0.3"})


@router.get("/docs/swagger-ui-bundle.js")
async def script() -> FileResponse:
    """Its script."""
    return FileResponse(_folder() / "swagger-ui-bundle.js", media_type="text/javascript")


@router.get("/docs/swagger-ui.css")
async def style() -> FileResponse:
    """Its style."""
    return FileResponse(_folder() / "swagger-ui.css", media_type="text/css")


def _policy(text: str) -> str:
    """A policy for that page: its one inline script by its hash, and the styles and pictures that it makes itself."""
    inline = re.findall(r"<script>(.*?)</script>", text, re.DOTALL)
    digests = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in inline]
    directives = (
        "default-src 'none'",
        " ".join(["script-src 'self'", *(f"'sha256-{digest}'" for digest in digests)]),
        "style-src 'self' 'unsafe-inline'",
        "connect-src 'self'",
        "img-src 'self' data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    )
    return "; ".join(directives)


def _older(part: Any) -> Any:  # noqa: ANN401 - any part of a JSON document
    """A part of the description as OpenAPI 3.0 has it: what may be null says so beside its type."""
    if isinstance(part, list):
        return [_older(each) for each in part]
    if not isinstance(part, dict):
        return part
    older = {name: _older(held) for name, held in part.items()}
    kinds = older.get("anyOf", [])
    if {"type": "null"} in kinds:
        rest = [kind for kind in kinds if kind != {"type": "null"}]
        del older["anyOf"]
        older |= {"nullable": True} | (rest[0] if len(rest) == 1 else {"anyOf": rest})
    return older


def _folder() -> Path:
    from swagger_ui_bundle import swagger_ui_path

    return Path(swagger_ui_path)
