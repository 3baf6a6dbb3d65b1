"""The errors for clients of OpenAI's API: the native shape, with the statuses and headers that they understand."""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from index.errors import DatelineError
from service.api.errors import INVALID, Problem, error_reply, invalid_request, problem_of, problem_reply

SHOULD_RETRY = "x-should-retry"
"""The header by which a service tells OpenAI's clients whether to retry; without it they retry every 5xx."""

_LASTING = frozenset({"index_unavailable", "misconfigured", "feedback_full"})
"""Codes of errors that the next second does not change."""


class Refusal(Exception):
    """A refused request of a client of OpenAI's API; `param` names the field to fix."""

    def __init__(self, code: str, message: str, param: str | None = None, status: int = 400) -> None:
        super().__init__(message)
        self.problem = Problem(status, INVALID, code, message)
        self.param = param


class CompatRoute(APIRoute):
    """A route for clients of OpenAI's API: an invalid request is a 400, and a lasting error is not retried."""

    def get_route_handler(self) -> Callable[[Request], Awaitable[Response]]:  # type: ignore[override]
        """Return the handler of a request."""
        handle = super().get_route_handler()

        async def reply(request: Request) -> Response:
            try:
                return await handle(request)
            except Refusal as refusal:
                return problem_reply(refusal.problem, param=refusal.param)
            except RequestValidationError as error:
                return _as_bad_request(await invalid_request(request, error))
            except DatelineError as error:
                made = _as_bad_request(await error_reply(request, error))
                if problem_of(error).code in _LASTING:
                    made.headers[SHOULD_RETRY] = "false"
                return made

        return reply


def _as_bad_request(reply: Response) -> Response:
    """Return a reply with 400 in place of 422, which these clients do not expect."""
    if reply.status_code == 422:
        reply.status_code = 400
    return reply
