"""`GET /docs`: the API's description to try out, from files that are installed, so that it needs no network."""

from pathlib import Path

from fastapi import APIRouter, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import FileResponse, HTMLResponse

router = APIRouter(include_in_schema=False)


@router.get("/docs")
async def docs(request: Request) -> HTMLResponse:
    """The page."""
    return get_swagger_ui_html(
        openapi_url=request.app.openapi_url or "/openapi.json",
        title="Dateline API",
        swagger_js_url="/docs/swagger-ui-bundle.js",
        swagger_css_url="/docs/swagger-ui.css",
        swagger_favicon_url="/icon.svg",
    )


@router.get("/docs/swagger-ui-bundle.js")
async def script() -> FileResponse:
    """Its script."""
    return FileResponse(_folder() / "swagger-ui-bundle.js", media_type="text/javascript")


@router.get("/docs/swagger-ui.css")
async def style() -> FileResponse:
    """Its style."""
    return FileResponse(_folder() / "swagger-ui.css", media_type="text/css")


def _folder() -> Path:
    from swagger_ui_bundle import swagger_ui_path

    return Path(swagger_ui_path)
