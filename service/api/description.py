"""The description of the API: which statuses each operation answers with, and whether it needs a key.

The framework describes paths, parameters, bodies and the reply of a success; the rest follows from rules that hold for
every route, so that a new route is described without a word in it.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fastapi import FastAPI

from service.api.access import READ, AccessRules, need_of
from service.api.errors import ErrorReply
from service.api.middleware import FOR_MONITORS

FOR_OPENAI = "OpenAI clients"
"""The tag of operations that refuse an invalid request with 400, as the clients of OpenAI expect."""

MEANINGS: Mapping[int, str] = {
    400: "The body is not JSON, or a client of OpenAI's API sent an invalid request.",
    401: "A valid key is needed.",
    403: "The key does not permit this request, or not on this page.",
    404: "There is nothing of this id or name.",
    413: "The body is too large.",
    415: "The body is not `application/json`, or it is compressed.",
    421: "The service does not answer to this host name.",
    422: "A field is missing, unknown or not valid; `param` names it.",
    429: "Too much was sent in a short time.",
    500: "Internal error.",
    503: "The articles cannot be searched, or too many requests are being answered.",
    507: "No more feedback can be stored.",
}
"""The meaning of each status of an error."""

_RETRY_AFTER = {"Retry-After": {"description": "Seconds until a retry.", "schema": {"type": "integer"}}}
_HEADERS: Mapping[int, Mapping[str, Any]] = {
    401: {"WWW-Authenticate": {"description": "`Bearer`", "schema": {"type": "string"}}},
    429: _RETRY_AFTER,
    503: _RETRY_AFTER,
}


class DescribedApi(FastAPI):
    """An application whose description has every status, and asks for keys where they are needed."""

    def openapi(self) -> dict[str, Any]:
        """Return the description; once the first key is created, it asks for keys."""
        described = super().openapi()
        rules: AccessRules = self.state.service.access
        is_new = "responses" not in described["components"]
        if is_new:
            described["components"]["responses"] = {str(status): _error(status) for status in MEANINGS}
        for method, path, operation in _operations(described):
            if is_new:
                found = {str(each): _reference(each) for each in _statuses(method, path, operation)}
                operation["responses"] = dict(sorted((operation["responses"] | found).items()))
            if "security" in operation:
                needs_key = rules.needs_keys or _needs_key_always(method, path)
                operation["security"] = operation["security"][:1] + ([] if needs_key else [{}])
        return described


def _operations(described: Mapping[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def _needs_key_always(method: str, path: str) -> bool:
    need = need_of(method, path)
    return isinstance(need, frozenset) and need.isdisjoint(READ)


def _statuses(method: str, path: str, operation: Mapping[str, Any]) -> Iterator[int]:
    """Yield the statuses of the errors of an operation; any connection may get others, such as 431."""
    is_for_openai, has_body = FOR_OPENAI in operation["tags"], "requestBody" in operation
    yield 500
    if path not in FOR_MONITORS:
        yield 421
    if need_of(method, path) != "public":
        yield from (401, 403)
    if path != "/healthz":
        yield 503
    if has_body:
        yield from (400, 413, 415)
    if not is_for_openai and (has_body or "parameters" in operation):
        yield 422
    if (method == "GET" and "{" in path) or (is_for_openai and has_body):
        yield 404
    if method == "POST" and not _needs_key_always(method, path):
        yield 429
    if path == "/v1/feedback":
        yield 507


def _reference(status: int) -> dict[str, str]:
    return {"$ref": f"#/components/responses/{status}"}


def _error(status: int) -> dict[str, Any]:
    content = {"application/json": {"schema": {"$ref": f"#/components/schemas/{ErrorReply.__name__}"}}}
    described = {"description": MEANINGS[status], "content": content}
    return described | ({"headers": _HEADERS[status]} if status in _HEADERS else {})
