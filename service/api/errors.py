"""Errors of the API: the status, code and public sentence of each class, as JSON or as a page."""

import logging
import re
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, Response
from starlette.exceptions import HTTPException

from index.errors import (
    ConfigurationError,
    DatelineError,
    EmbeddingFailed,
    IndexNotFound,
    IndexUnavailable,
    IngestRunning,
    NoWriter,
    PublishFailed,
    SpoolFull,
)
from service.api.request_log import note_error
from service.api.templates import NOT_NOW, accepts, page, user_notice
from service.errors import (
    ArticleNotFound,
    FeedbackFull,
    FeedbackUnavailable,
    KeyForbidden,
    KeyInvalid,
    KeysUnavailable,
    LinkInvalid,
    NoLanguageModel,
    OriginForbidden,
    Overloaded,
    PushNotFound,
    PushOff,
    QuestionRefused,
    RateLimited,
    ReaderFailed,
)
from service.records import request_id as current_id

logger = logging.getLogger("dateline")


class Problem(NamedTuple):
    """The reply to an error; `message` is for users and names no path, setting, command or vendor."""

    status: int
    type: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class ErrorDetail:
    """An error: `code` is for programs, `message` for people, and `param` names the field to fix."""

    type: str
    code: str
    message: str
    param: str | None
    request_id: str


@dataclass(frozen=True, slots=True)
class ErrorReply:
    """The shape of every error."""

    error: ErrorDetail


INVALID, UNAVAILABLE = "invalid_request_error", "service_unavailable_error"
PERMISSION = "permission_error"
INTERNAL = Problem(500, "server_error", "internal", "Internal error. Quote the request id when you report it.")
STOPPING = Problem(503, UNAVAILABLE, "shutting_down", "The service is stopping. Ask again in a minute.")
NOT_JSON = Problem(400, INVALID, "invalid_json", "The body is not JSON.")
_NO_INDEX = Problem(503, UNAVAILABLE, "index_unavailable", "The articles cannot be searched at the moment.")
_NO_MODEL = "reader: found 'llm', but no language model answers here; expected 'auto' or 'extractive'"
_TOO_MANY = "Too many requests are being answered. Ask again in a second."
_TOO_OFTEN = "Too much was sent in a short time. Try again later."
_NO_KEY = "This service needs a valid key, sent as Authorization: Bearer."
_NOT_EMBEDDED = "The question cannot be compared with the articles now."

PROBLEMS: dict[type[DatelineError], Problem] = {
    QuestionRefused: Problem(422, INVALID, "invalid_request", "The request is not valid."),
    NoLanguageModel: Problem(422, INVALID, "invalid_request", _NO_MODEL),
    ArticleNotFound: Problem(404, INVALID, "article_not_found", "No article has this id."),
    PushNotFound: Problem(404, INVALID, "push_not_found", "No push of this id is known."),
    LinkInvalid: Problem(404, INVALID, "link_invalid", "This link does not lead to an answer."),
    Overloaded: Problem(503, "overloaded_error", "overloaded", _TOO_MANY),
    RateLimited: Problem(429, "rate_limit_error", "rate_limit_exceeded", _TOO_OFTEN),
    IndexUnavailable: _NO_INDEX,
    IndexNotFound: _NO_INDEX._replace(message="There are no articles to search yet."),
    EmbeddingFailed: Problem(503, UNAVAILABLE, "embedding_failed", _NOT_EMBEDDED),
    ReaderFailed: Problem(503, UNAVAILABLE, "reader_failed", ReaderFailed.public),
    ConfigurationError: Problem(503, UNAVAILABLE, "misconfigured", "The service is not set up to answer questions."),
    IngestRunning: Problem(503, UNAVAILABLE, "ingest_running", "The articles are being updated. Try again later."),
    PublishFailed: Problem(503, UNAVAILABLE, "publish_failed", "The articles could not be updated. Try again later."),
    NoWriter: Problem(503, UNAVAILABLE, "no_writer", "No process publishes articles at the moment. Try again later."),
    SpoolFull: Problem(503, UNAVAILABLE, "spool_full", "Too many articles wait to be published. Try again later."),
    KeyInvalid: Problem(401, "authentication_error", "invalid_api_key", _NO_KEY),
    KeyForbidden: Problem(403, PERMISSION, "insufficient_scope", "The key does not permit this request."),
    OriginForbidden: Problem(403, PERMISSION, "origin_not_allowed", "The key does not work on this page."),
    PushOff: Problem(403, PERMISSION, "push_off", "Articles cannot be pushed to this service."),
    KeysUnavailable: Problem(503, UNAVAILABLE, "keys_unavailable", "Keys cannot be checked at the moment."),
    FeedbackUnavailable: Problem(503, UNAVAILABLE, "feedback_unavailable", "Feedback cannot be stored at the moment."),
    FeedbackFull: Problem(507, UNAVAILABLE, "feedback_full", "No more feedback can be stored."),
    DatelineError: INTERNAL,
}

_BY_STATUS = {
    400: ("bad_request", "The body cannot be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
}
_PAGES = {
    401: (
        "This service needs a key",
        "These pages are not open to everybody. The people who run this service can open them, or give you a key.",
    ),
    404: ("Page not found", "There is nothing at this address. The link may be wrong."),
    405: ("Page not found", "This address cannot be opened in this way."),
    503: ("Please try again later", NOT_NOW),
}
_OTHER_PAGE = ("Something went wrong", "Please try again. If it happens again, tell the people who run this service.")
_FOR_PROGRAMS = re.compile(r"(?:/openwebui)?/v1/|/mcp$|/healthz$|/readyz$|.*\.(?:json|js|css)$")


def problem_of(error: DatelineError) -> Problem:
    """Return the problem of an error's class, or of the nearest class above it."""
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)


def known_errors() -> list[tuple[str, str]]:
    """Return the type and the code of each error of a class."""
    return list(dict.fromkeys((problem.type, problem.code) for problem in PROBLEMS.values()))


def problem_body(problem: Problem, request_id: str, param: str | None = None) -> dict[str, object]:
    """Return the JSON object that every error has; the record of the request notes it."""
    note_error(problem.type, problem.code)
    return asdict(ErrorReply(ErrorDetail(problem.type, problem.code, problem.message, param, request_id)))


def problem_reply(
    problem: Problem, headers: Mapping[str, str] | None = None, *, param: str | None = None
) -> JSONResponse:
    """Return a problem as JSON, with the id of the request that is being answered."""
    return JSONResponse(problem_body(problem, current_id.get(), param), problem.status, headers)


def logged_problem(error: Exception) -> Problem:
    """Return the problem of an error, and log what its public sentence does not say."""
    if not isinstance(error, DatelineError):
        logger.error("unexpected error", exc_info=error)
        return INTERNAL
    problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, Overloaded):
        logger.warning("%s: %s", problem.code, " ".join(str(error).split()))
    return problem


def error_body(error: Exception, request_id: str) -> dict[str, object]:
    """Return an error as JSON; its own message is for the log only."""
    param = getattr(error, "param", None) if isinstance(error, DatelineError) else None
    return problem_body(logged_problem(error), request_id, param)


async def error_reply(request: Request, error: Exception) -> Response:
    """Return an error as a page for browsers that ask for one, else as JSON."""
    status = problem_of(error).status if isinstance(error, DatelineError) else 500
    body = error_body(error, current_id.get())
    reply = _error_page(request, status, error) or JSONResponse(body, status)
    if status in (429, 503):
        reply.headers["Retry-After"] = str(getattr(error, "retry_after_s", 1))
    return reply


async def http_error(methods_of: Callable[[str], Sequence[str]], request: Request, error: Exception) -> Response:
    """Return an error of the framework, such as an unknown path or a method that a path does not take.

    The framework's own `Allow` has only the methods of one route of the path.
    """
    status = error.status_code if isinstance(error, HTTPException) else 500
    code, message = _BY_STATUS.get(status, ("bad_request", "The request cannot be answered."))
    reply = _error_page(request, status) or problem_reply(Problem(status, INVALID, code, message))
    reply.headers.update((error.headers if isinstance(error, HTTPException) else None) or {})
    if status == 405:
        reply.headers["Allow"] = ", ".join(methods_of(request.url.path))
    return reply


def _error_page(request: Request, status: int, error: Exception | None = None) -> HTMLResponse | None:
    """Return an error as a page without its own message, or None if the caller did not ask for a page."""
    if _FOR_PROGRAMS.match(request.url.path) or not accepts(request.headers.get("Accept", ""), "text/html"):
        return None
    title, text = _PAGES.get(status, _OTHER_PAGE)
    if isinstance(error, ArticleNotFound):
        title, text = "No such article", "It may have been removed, or the link may be wrong."
    elif isinstance(error, LinkInvalid):
        title, text = "This link does not work", "It may be incomplete. Copy the complete link, or ask again."
    elif isinstance(error, IndexUnavailable):
        title, text = "There are no articles to show", user_notice(error)
    reference = current_id.get() if status >= 500 else None
    return page("missing", status, title=title, text=text, request_id=reference, needs_key=status == 401)


async def invalid_request(_: Request, error: Exception) -> JSONResponse:
    """Return the first fault of a request's path, query or body."""
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    fault: Mapping[str, Any] = faults[0] if faults else {}
    if fault.get("type") == "json_invalid":
        return problem_reply(NOT_JSON)
    # The first part is where the field is: body, path or query.
    field = ".".join(map(str, fault.get("loc", ())[1:]))
    problem = Problem(422, INVALID, "invalid_request", fault_message(field or "the body", fault))
    return problem_reply(problem, param=field or None)


def fault_message(field: str, fault: Mapping[str, Any]) -> str:
    """Return the public sentence of a fault that validation found in a field."""
    return f"{field}: {_found(fault)}"


def _found(fault: Mapping[str, Any]) -> str:
    """Return the value found and the one expected for common faults, and the framework's message for others."""
    kind, given, limits = str(fault.get("type")), fault.get("input"), fault.get("ctx", {})
    if kind.endswith(("too_long", "too_short")) and isinstance(given, Sized):
        unit = "characters" if isinstance(given, str) else "entries"
        bound = f"at most {limits['max_length']}" if kind.endswith("long") else f"at least {limits['min_length']}"
        # Spaces at both ends do not count.
        found = len(given.strip() if isinstance(given, str) and kind.endswith("short") else given)
        return f"found {found} {unit}, expected {bound}"
    if kind == "string_pattern_mismatch":
        # Only ids of articles have a pattern.
        return f"found {given!r}, expected 1 to 200 letters, digits, or any of . _ : -"[:300]
    if kind == "extra_forbidden":
        return "unknown field"
    if kind in ("model_type", "model_attributes_type", "dict_type"):
        return f"found {given!r}, expected an object"[:200]
    if kind in ("tuple_type", "list_type"):
        return f"found {given!r}, expected a list"[:200]
    return str(fault.get("msg", "is not as expected")).removeprefix("Value error, ")
