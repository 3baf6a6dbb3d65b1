"""The reply to an error that nobody expected. It is made outside of all middleware, and so adds what that would add."""

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from service.api.error_page import error_page
from service.api.every_reply import SAFE
from service.api.origins import headers_for
from service.api.problems import INTERNAL, error_body
from service.api.request_id import HEADER, request_id_of


async def unexpected(request: Request, error: Exception) -> Response:
    """Log the error with its traceback, and reply with the request id alone."""
    request_id = request_id_of(request)
    body = error_body(error, request_id)
    added = SAFE | {HEADER: request_id} | headers_for(request, request.app.state.allowed_origins)
    if shown := error_page(request, INTERNAL.status):
        for name, value in added.items():
            shown.headers.setdefault(name, value)
        return shown
    return JSONResponse(body, INTERNAL.status, added)
