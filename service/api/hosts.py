"""Which names the service answers to. Any other `Host` may be a page that had its own name point here."""

import ipaddress
import logging
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from service.api.problems import Problem, problem_body
from service.api.request_id import request_id_of
from service.settings import LOOPBACK, ServiceSettings

NOT_ALLOWED = Problem(
    421, "invalid_request_error", "host_not_allowed", "The service does not answer to this host name."
)
FOR_MONITORS = ("/healthz", "/readyz")
"""Paths that answer to any name: a monitor knows an address."""

_HOST = re.compile(r"(?P<name>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?")
_ABSOLUTE = re.compile(r"https?://", re.IGNORECASE)

logger = logging.getLogger("dateline")


class Hosts:
    """Answers only requests whose `Host` is an allowed name, or an address where the service listens on all of them."""

    def __init__(self, app: ASGIApp, allowed: frozenset[str], *, any_address: bool) -> None:
        self._app = app
        self._allowed = allowed
        self._any_address = any_address

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 421."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope, hosts = _asked(scope)
        if scope["path"] in FOR_MONITORS or (len(hosts) == 1 and self._is_allowed(hosts[0])):
            await self._app(scope, receive, send)
            return
        request_id = request_id_of(HTTPConnection(scope))
        logger.info("Host %.200r is not in DATELINE_ALLOWED_HOSTS", hosts[:1])
        await JSONResponse(problem_body(NOT_ALLOWED, request_id), NOT_ALLOWED.status)(scope, receive, send)

    def _is_allowed(self, host: str) -> bool:
        found = _HOST.fullmatch(host)
        if not found:
            return False
        name = found["name"].strip("[]").lower().removesuffix(".")
        return name in self._allowed or (self._any_address and _is_address(name))


def allowed_hosts(settings: ServiceSettings) -> frozenset[str]:
    """Return the names that a service of these settings answers to, in lower case and without ports."""
    public = urlsplit(settings.public_url).hostname if settings.public_url else None
    bound = settings.host.strip("[]")
    return frozenset(name.lower() for name in (*LOOPBACK, bound, public, *settings.allowed_hosts) if name)


def listens_everywhere(settings: ServiceSettings) -> bool:
    """Return whether the service listens on every address of its machine."""
    return _is_address(settings.host) and ipaddress.ip_address(settings.host).is_unspecified


def _asked(scope: Scope) -> tuple[Scope, list[str]]:
    """Return the hosts that a request names; one with a whole URL in its first line names that URL's alone."""
    if not _ABSOLUTE.match(scope["path"]):
        return scope, Headers(scope=scope).getlist("host")
    url = urlsplit(scope["path"])
    headers = [(name, value) for name, value in scope["headers"] if name != b"host"]
    host = [(b"host", url.netloc.encode())]
    path = url.path or "/"
    return {**scope, "path": path, "raw_path": path.encode(), "headers": host + headers}, [url.netloc]


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
