"""Access to the service: which request needs which scope, and who sends it."""

import hmac
import logging
from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from starlette.datastructures import Headers
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Send
from starlette.types import Scope as Connection

from index.errors import ConfigurationError
from service.api.errors import error_reply
from service.caller import ANONYMOUS, Caller, Scope
from service.errors import KeyForbidden, KeyInvalid, KeysUnavailable, OriginForbidden, PushOff
from service.keys import PREFIXES, Key, KeyRing, digest_of, id_of
from service.settings import LOOPBACK, ServiceSettings

logger = logging.getLogger("dateline")

Need = frozenset[Scope] | Literal["public", "page"]

ASK, SEARCH, INGEST, METRICS = (frozenset[Scope]((scope,)) for scope in ("ask", "search", "ingest", "metrics"))
READ = ASK | SEARCH

NEEDS: Mapping[str, Need] = {
    "POST /v1/ask": ASK,
    "POST /v1/chat/completions": ASK,
    "POST /v1/responses": ASK,
    "POST /v1/feedback": ASK,
    "GET /mcp": ASK,
    "POST /mcp": ASK,
    "DELETE /mcp": ASK,
    "POST /openwebui/v1/chat/completions": ASK,
    "GET /openwebui/v1/models": READ,
    "GET /openwebui/v1/models/{id}": READ,
    "GET /v1/suggestions": READ,
    "GET /v1/models": READ,
    "GET /v1/models/{id}": READ,
    "GET /v1/articles/{id}": READ,
    "GET /v1/articles": SEARCH,
    "POST /v1/search": SEARCH,
    "PUT /v1/articles/{id}": INGEST,
    "DELETE /v1/articles/{id}": INGEST,
    "POST /v1/articles:batch": INGEST,
    "GET /v1/articles/{id}/push": INGEST,
    "GET /metrics": METRICS,
    "GET /": "page",
    "GET /embed": "page",
    "GET /articles": "page",
    "GET /articles/{id}": "page",
    "GET /a/{token:path}": "page",
    "GET /developers": "public",
    "GET /docs": "public",
    "GET /openapi.json": "public",
    "GET /widget.js": "public",
    "GET /page.js": "public",
    "GET /explanation.js": "public",
    "GET /page.css": "public",
    "GET /icon.svg": "public",
    "GET /favicon.ico": "public",
    "GET /robots.txt": "public",
    "GET /healthz": "public",
    "GET /readyz": "public",
}
"""The need of each route: a key with one of these scopes, the key of the pages, or nothing.

Any other request needs a key as well, and then finds no route.
"""

BEARER = Depends(HTTPBearer(auto_error=False, description="A key of this service."))
"""Describes keys in the API's description, for routers; `Access` checks them."""

_ROUTES = [(path.partition(" ")[0], compile_path(path.partition(" ")[2])[0], need) for path, need in NEEDS.items()]
_TEMPLATES = {template: compile_path(template)[0] for template in dict.fromkeys(each.split(" ")[1] for each in NEEDS)}
_NOBODY = Caller()
_PUSHER = Caller("push_secret", INGEST)


async def _caller(request: Request) -> Caller:
    caller: Caller = request.state.caller
    return caller


CallerOf = Annotated[Caller, Depends(_caller)]
"""The sender of a request, as a parameter of a route."""


def need_of(method: str, path: str) -> Need | None:
    """Return what a request needs, or None if no route takes it."""
    return next((need for each, pattern, need in _ROUTES if each == method and pattern.match(path)), None)


def template_of(path: str) -> str | None:
    """Return the template of a path, such as `/v1/articles/{id}`, or None if no route has it."""
    return next((template for template, pattern in _TEMPLATES.items() if pattern.match(path)), None)


def methods_of(path: str) -> tuple[str, ...]:
    """Return the methods that a path takes, in their order; HEAD is answered like GET."""
    found = {method for method, pattern, _ in _ROUTES if pattern.match(path)}
    return tuple(sorted(found | ({"HEAD"} if "GET" in found else set())))


def is_push(method: str, path: str) -> bool:
    """Return whether a request pushes articles."""
    return need_of(method, path) == INGEST


def own_origins(public_url: str | None, host: str) -> tuple[str, ...]:
    """Return the origins of our own pages, for a request with this header `Host`."""
    public = (public_url.rstrip("/").lower(),) if public_url else ()
    return (f"http://{host}", f"https://{host}", *public)


class AccessRules:
    """Tells who sends a request and whether that caller may send it.

    Without a key a caller is anonymous, if `DATELINE_ALLOW_ANONYMOUS` says so, or on loopback until the first key is
    created. A valid key permits what it says in any case.
    """

    def __init__(self, settings: ServiceSettings, keys: KeyRing) -> None:
        self._settings = settings
        self._keys = keys
        secret, pages_key = settings.push_secret, settings.pages_key
        self._push_digest = digest_of(secret.get_secret_value()) if secret else None
        self.pages_key = pages_key.get_secret_value() if pages_key else None

    @property
    def needs_keys(self) -> bool:
        """Whether a question needs a key."""
        return not self._settings.allow_anonymous and (self._settings.host not in LOOPBACK or self._keys.is_used)

    def check_address(self) -> None:
        """Raise ConfigurationError if the service would listen beyond loopback, but no caller could ever be known."""
        is_used = self._keys.is_used
        if self.needs_keys and not is_used:
            raise ConfigurationError(
                f"DATELINE_HOST is {self._settings.host!r}, which other machines reach, and no key was created",
                "Create one with `dateline keys create --name NAME`, listen on 127.0.0.1, or set"
                " DATELINE_ALLOW_ANONYMOUS=1 to answer everybody.",
            )
        logger.info("questions need %s", "a key" if self.needs_keys else "no key")
        if self.pages_key and not self._keys.find(self.pages_key):
            logger.warning("DATELINE_PAGES_KEY is not a live key: the pages ask for a key")

    def allowed_origins(self) -> tuple[str, ...]:
        """Return the origins whose pages may ask: those of the setting and of live publishable keys."""
        try:
            of_keys = self._keys.origins()
        except KeysUnavailable:
            of_keys = ()
        return tuple(dict.fromkeys((*self._settings.allowed_origins, *of_keys)))

    def caller(self, method: str, path: str, headers: Headers) -> Caller:
        """Return who sends a request.

        Raises KeyInvalid, KeyForbidden, OriginForbidden or PushOff if that caller may not send it, KeysUnavailable if
        it cannot be known.
        """
        need = need_of(method, path)
        if need == "public":
            return _NOBODY
        caller = self._sender(method, headers, is_page=need == "page")
        if need is None or not caller.scopes.isdisjoint(READ if need == "page" else need):
            return caller
        if need == INGEST and self._push_digest is None and not self._keys.is_used:
            raise PushOff("a push arrived, but neither DATELINE_PUSH_SECRET nor a key is set")
        if caller.key_id is None:
            raise KeyInvalid(f"{method} {path[:100]!r} needs a key")
        raise KeyForbidden(f"the key {caller.key_id} has the scopes {', '.join(sorted(caller.scopes))}")

    def _sender(self, method: str, headers: Headers, *, is_page: bool) -> Caller:
        kind, _, token = headers.get("Authorization", "").partition(" ")
        token = token.strip() if kind.lower() == "bearer" else ""
        if token and self._push_digest and hmac.compare_digest(digest_of(token), self._push_digest):
            return _PUSHER
        if token.startswith(PREFIXES):
            return self._sender_of(token, method, headers)
        if is_page and self.pages_key:
            return self._sender_of(self.pages_key, method, headers)
        # Clients send keys of other services where none is needed.
        if not self.needs_keys:
            return ANONYMOUS
        raise KeyInvalid("a request without a key")

    def _sender_of(self, token: str, method: str, headers: Headers) -> Caller:
        key = self._keys.find(token)
        if key is None:
            raise KeyInvalid(f"the key {id_of(token)} is unknown, revoked or expired")
        if key.grant.kind == "publishable":
            self._check_origin(key, method, headers)
        return key.caller

    def _check_origin(self, key: Key, method: str, headers: Headers) -> None:
        """Raise OriginForbidden unless a page of the key's origins or of this service sends the request.

        Browsers send no origin when they open a page, or get a file for a page of the same origin.
        """
        origin = headers.get("Origin")
        if origin is None and method == "GET":
            return
        ours = own_origins(self._settings.public_url, headers.get("Host", ""))
        if origin is None or origin not in (*ours, *key.grant.origins):
            raise OriginForbidden(f"the publishable key {key.id} was sent from {(origin or 'no origin')[:200]!r}")


class Access:
    """Refuses requests that their callers may not send, before their bodies are read; routes get `CallerOf`."""

    def __init__(self, app: ASGIApp, rules: AccessRules) -> None:
        self._app = app
        self._rules = rules

    async def __call__(self, scope: Connection, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        try:
            caller = self._rules.caller(scope["method"], scope["path"], Headers(scope=scope))
        except (KeyInvalid, KeyForbidden, OriginForbidden, PushOff, KeysUnavailable) as error:
            logger.info("refused: %s", error)
            reply = await error_reply(Request(scope), error)
            if isinstance(error, KeyInvalid):
                reply.headers["WWW-Authenticate"] = "Bearer"
            if scope["method"] != "GET":
                # The body is still to come.
                reply.headers["Connection"] = "close"
            await reply(scope, receive, send)
            return
        scope.setdefault("state", {})["caller"] = caller
        await self._app(scope, receive, send)
