"""`GET /`: a plain page to ask at, and to see each citation in its article."""

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse

router = APIRouter(include_in_schema=False)

FOLDER = Path(__file__).parent / "page"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; base-uri 'none';"
    " form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS = {"Content-Security-Policy": POLICY, "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer"}


@router.get("/")
async def page() -> FileResponse:
    """The page."""
    return FileResponse(FOLDER / "page.html", media_type="text/html; charset=utf-8", headers=HEADERS)


@router.get("/page.js")
async def script() -> FileResponse:
    """The page's script."""
    return FileResponse(FOLDER / "page.js", media_type="text/javascript; charset=utf-8", headers=HEADERS)


@router.get("/page.css")
async def style() -> FileResponse:
    """The page's style."""
    return FileResponse(FOLDER / "page.css", media_type="text/css; charset=utf-8", headers=HEADERS)


@router.get("/icon.svg")
async def icon() -> FileResponse:
    """The page's icon."""
    return FileResponse(FOLDER / "icon.svg", media_type="image/svg+xml", headers=HEADERS)
