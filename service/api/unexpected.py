"""The reply to an error that nobody expected. It is made outside of all middleware, and so adds what that would add."""

import logging

from fastapi import Request
from fastapi.responses import JSONResponse

from service.api.every_reply import SAFE
from service.api.origins import headers_for
from service.api.problems import Problem, problem_body
from service.api.request_id import HEADER, request_id_of

logger = logging.getLogger("dateline")

_INTERNAL = Problem(500, "server_error", "internal")


async def unexpected(request: Request, error: Exception) -> JSONResponse:
    """Log the error whole, and tell the caller nothing of it but where to look."""
    request_id = request_id_of(request)
    logger.error("request %s failed", request_id, exc_info=error)
    body = problem_body(_INTERNAL, "Something went wrong here; the log has more.", request_id)
    return JSONResponse(
        body,
        _INTERNAL.status,
        SAFE | {HEADER: request_id} | headers_for(request, request.app.state.allowed_origins),
    )
