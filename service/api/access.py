"""Access to the service: who may send which request."""

import hmac
import re
from typing import Annotated

from fastapi import Depends, Request
from pydantic import SecretStr
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.errors import Problem, problem_reply
from service.caller import ANONYMOUS, Caller

PUSH_OFF = Problem(403, "permission_error", "push_off", "Articles cannot be pushed to this service.")
NO_SECRET = Problem(401, "authentication_error", "unauthorized", "The push secret is missing or wrong.")

_PUSH = re.compile(
    r"(?:PUT|DELETE) /v1/articles/.*|POST /v1/articles:batch/?|[A-Z]+ /v1/articles/[^/]*/push/?", re.DOTALL
)


def _caller(request: Request) -> Caller:
    caller: Caller = getattr(request.state, "caller", ANONYMOUS)
    return caller


CallerOf = Annotated[Caller, Depends(_caller)]
"""The sender of a request, as a parameter of a route."""


def is_push(method: str, path: str) -> bool:
    """Return whether a request needs the push secret."""
    return _PUSH.fullmatch(f"{method} {path}") is not None


class PushAccess:
    """Refuses pushes without the push secret, before their bodies are read."""

    def __init__(self, app: ASGIApp, secret: SecretStr | None) -> None:
        self._app = app
        self._secret = secret

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http" or not is_push(scope["method"], scope["path"]):
            await self._app(scope, receive, send)
        elif self._secret is None:
            await problem_reply(PUSH_OFF, {"Connection": "close"})(scope, receive, send)
        elif not self._is_right(Headers(scope=scope).get("Authorization", "")):
            headers = {"WWW-Authenticate": "Bearer", "Connection": "close"}
            await problem_reply(NO_SECRET, headers)(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _is_right(self, given: str) -> bool:
        kind, _, token = given.partition(" ")
        wanted = self._secret.get_secret_value() if self._secret else ""
        # Comparing takes as long for every token of the same length.
        return kind.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), wanted.encode())
