"""Errors in one shape: which class of ours, or of the framework's, is which status, type and code."""

import logging
from collections.abc import Mapping, Sized
from typing import NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from index.errors import (
    ConfigurationError,
    DatelineError,
    EmbeddingFailed,
    IndexNotFound,
    IndexUnavailable,
    IngestRunning,
    PublishFailed,
)
from service.api.error_page import error_page
from service.api.request_id import request_id_of
from service.errors import (
    ArticleNotFound,
    FeedbackFull,
    FeedbackUnavailable,
    NoLanguageModel,
    Overloaded,
    QuestionRefused,
    RateLimited,
    ReaderFailed,
)

logger = logging.getLogger("dateline")


class Problem(NamedTuple):
    """The reply to an error: `message` is for readers and names no path, setting, command or vendor."""

    status: int
    type: str
    code: str
    message: str


INTERNAL = Problem(500, "server_error", "internal", "Internal error. Quote the request id when you report it.")
STOPPING = Problem(503, "service_unavailable_error", "shutting_down", "The service is stopping. Ask again in a minute.")
NO_INDEX = Problem(
    503, "service_unavailable_error", "index_unavailable", "The articles cannot be searched at the moment."
)

PROBLEMS: dict[type[DatelineError], Problem] = {
    QuestionRefused: Problem(422, "invalid_request_error", "invalid_request", "The request is not valid."),
    NoLanguageModel: Problem(
        422,
        "invalid_request_error",
        "invalid_request",
        "reader: found 'llm', but no language model answers here; expected 'auto' or 'extractive'",
    ),
    ArticleNotFound: Problem(404, "invalid_request_error", "article_not_found", "No article has this id."),
    Overloaded: Problem(
        503, "overloaded_error", "overloaded", "Too many requests are being answered. Ask again in a second."
    ),
    RateLimited: Problem(
        429, "rate_limit_error", "rate_limited", "Too much was sent in a short time. Try again later."
    ),
    IndexUnavailable: NO_INDEX,
    IndexNotFound: NO_INDEX._replace(message="There are no articles to search yet."),
    EmbeddingFailed: Problem(
        503, "service_unavailable_error", "embedding_failed", "The question cannot be compared with the articles now."
    ),
    ReaderFailed: Problem(503, "service_unavailable_error", "reader_failed", ReaderFailed.public),
    ConfigurationError: Problem(
        503, "service_unavailable_error", "misconfigured", "The service is not set up to answer questions."
    ),
    IngestRunning: Problem(
        503, "service_unavailable_error", "ingest_running", "The articles are being updated. Try again later."
    ),
    PublishFailed: Problem(
        503, "service_unavailable_error", "publish_failed", "The articles could not be updated. Try again later."
    ),
    FeedbackUnavailable: Problem(
        503, "service_unavailable_error", "feedback_unavailable", "Feedback cannot be stored at the moment."
    ),
    FeedbackFull: Problem(507, "service_unavailable_error", "feedback_full", "No more feedback can be stored."),
    DatelineError: INTERNAL,
}
_NOT_JSON = Problem(400, "invalid_request_error", "invalid_json", "The body is not JSON.")
_BY_STATUS = {
    400: ("bad_request", "The body cannot be read."),
    404: ("not_found", "There is nothing at this address."),
    405: ("method_not_allowed", "This address does not take this method."),
}


def problem_of(error: DatelineError) -> Problem:
    """Return the problem of an error's class, or of the nearest class above it."""
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)


def public_message(error: Exception) -> str:
    """Return the sentence that a reader may see of an error; its own words and its hint are for the log."""
    return (problem_of(error) if isinstance(error, DatelineError) else INTERNAL).message


def problem_body(problem: Problem, request_id: str, param: str | None = None) -> dict[str, object]:
    """Return the one shape of an error."""
    return {
        "error": {
            "type": problem.type,
            "code": problem.code,
            "message": problem.message,
            "param": param,
            "request_id": request_id,
        }
    }


def error_body(error: Exception, request_id: str) -> dict[str, object]:
    """Return an error in the one shape, without its own words; they are logged."""
    if not isinstance(error, DatelineError):
        logger.error("an error that was not expected", exc_info=error)
        return problem_body(INTERNAL, request_id)
    problem = problem_of(error)
    if problem.status >= 500 and not isinstance(error, Overloaded):
        logger.warning("%s: %s", problem.code, " ".join(str(error).split()))
    return problem_body(problem, request_id, getattr(error, "param", None))


def add_problems(app: FastAPI) -> None:
    """Let the app answer every error that is expected in the one shape."""
    app.add_exception_handler(DatelineError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)


def error_reply(request: Request, error: DatelineError) -> Response:
    """Return the reply to an error of ours: a page for browsers that ask for one, else JSON."""
    problem = problem_of(error)
    body = error_body(error, request_id_of(request))
    reply = error_page(request, problem.status, error) or JSONResponse(body, problem.status)
    if problem.status in (429, 503):
        reply.headers["Retry-After"] = str(getattr(error, "retry_after_s", 1))
    return reply


async def _ours(request: Request, error: Exception) -> Response:
    if not isinstance(error, DatelineError):
        raise TypeError(f"{type(error).__name__} is not an error of Dateline")
    return error_reply(request, error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    fault: Mapping[str, object] = faults[0] if faults else {}
    raw = fault.get("loc", ())
    place = [str(part) for part in raw if part not in ("body", "path", "query")] if isinstance(raw, tuple) else []
    if fault.get("type") == "json_invalid":
        return JSONResponse(problem_body(_NOT_JSON, request_id_of(request)), _NOT_JSON.status)
    message = f"{'.'.join(place) or 'the body'}: {_found(fault)}"
    problem = Problem(422, "invalid_request_error", "invalid_request", message)
    return JSONResponse(problem_body(problem, request_id_of(request), ".".join(place) or None), problem.status)


def _found(fault: Mapping[str, object]) -> str:
    """What was found and expected, of the faults that callers meet most; of others the framework's own words."""
    context, given = fault.get("ctx"), fault.get("input")
    limits = context if isinstance(context, dict) else {}
    unit = "characters" if isinstance(given, str) else "entries"
    for least, kinds in (
        ("max_length", ("too_long", "string_too_long")),
        ("min_length", ("too_short", "string_too_short")),
    ):
        if fault.get("type") in kinds and isinstance(given, Sized):
            bound = "at most" if least == "max_length" else "at least"
            return f"found {len(given)} {unit}, expected {bound} {limits.get(least)}"
    if fault.get("type") == "extra_forbidden":
        return "there is no such field"
    if fault.get("type") in ("tuple_type", "list_type"):
        return f"found {given!r}, expected a list"[:200]
    return str(fault.get("msg", "is not as expected")).removeprefix("Value error, ")


async def _framework(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 500
    code, message = _BY_STATUS.get(status, ("bad_request", "The request cannot be answered."))
    problem = Problem(status, "invalid_request_error", code, message)
    headers = error.headers if isinstance(error, HTTPException) else None
    reply = error_page(request, status) or JSONResponse(problem_body(problem, request_id_of(request)), status)
    reply.headers.update(headers or {})
    return reply
