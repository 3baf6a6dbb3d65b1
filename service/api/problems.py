"""Errors in one shape: which class of ours, or of the framework's, is which status, type and code."""

from collections.abc import Mapping, Sized
from typing import NamedTuple

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from index.errors import (
    ConfigurationError,
    DatelineError,
    EmbeddingFailed,
    IndexUnavailable,
    IngestRunning,
    PublishFailed,
)
from service.api.request_id import request_id_of
from service.errors import (
    ArticleNotFound,
    FeedbackFull,
    FeedbackUnavailable,
    Overloaded,
    QuestionRefused,
    ReaderFailed,
)


class Problem(NamedTuple):
    """How an error is told to the caller."""

    status: int
    type: str
    code: str


PROBLEMS: dict[type[DatelineError], Problem] = {
    QuestionRefused: Problem(422, "invalid_request_error", "invalid_request"),
    ArticleNotFound: Problem(404, "invalid_request_error", "article_not_found"),
    Overloaded: Problem(503, "overloaded_error", "overloaded"),
    IndexUnavailable: Problem(503, "service_unavailable_error", "index_unavailable"),
    EmbeddingFailed: Problem(503, "service_unavailable_error", "embedding_failed"),
    ReaderFailed: Problem(503, "service_unavailable_error", "reader_failed"),
    ConfigurationError: Problem(503, "service_unavailable_error", "misconfigured"),
    IngestRunning: Problem(503, "service_unavailable_error", "ingest_running"),
    PublishFailed: Problem(503, "service_unavailable_error", "publish_failed"),
    FeedbackUnavailable: Problem(503, "service_unavailable_error", "feedback_unavailable"),
    FeedbackFull: Problem(507, "service_unavailable_error", "feedback_full"),
    DatelineError: Problem(500, "server_error", "internal"),
}
_BY_STATUS = {400: "bad_request", 404: "not_found", 405: "method_not_allowed", 413: "too_large"}


def problem_of(error: DatelineError) -> Problem:
    """The problem of an error's class, or of the nearest class above it."""
    return next(PROBLEMS[kind] for kind in type(error).__mro__ if kind in PROBLEMS)


def problem_body(problem: Problem, message: str, request_id: str, param: str | None = None) -> dict[str, object]:
    """The one shape of an error."""
    return {
        "error": {
            "type": problem.type,
            "code": problem.code,
            "message": message,
            "param": param,
            "request_id": request_id,
        }
    }


def error_body(error: DatelineError, request_id: str) -> dict[str, object]:
    """An error of ours in the one shape; the hint goes with the message."""
    said = (str(error.args[0]), error.hint)
    message = " ".join(f"{part[0].upper()}{part[1:].rstrip('.')}." for part in said if part)
    return problem_body(problem_of(error), message, request_id, getattr(error, "param", None))


def add_problems(app: FastAPI) -> None:
    """Let the app answer every error that is expected in the one shape."""
    app.add_exception_handler(DatelineError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _framework)


async def _ours(request: Request, error: Exception) -> JSONResponse:
    if not isinstance(error, DatelineError):
        raise TypeError(f"{type(error).__name__} is no error of ours")
    problem = problem_of(error)
    headers = {"Retry-After": "1"} if problem.status == 503 else None
    return JSONResponse(error_body(error, request_id_of(request)), problem.status, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    faults = error.errors() if isinstance(error, RequestValidationError) else []
    fault: Mapping[str, object] = faults[0] if faults else {}
    raw = fault.get("loc", ())
    place = [str(part) for part in raw if part not in ("body", "path", "query")] if isinstance(raw, tuple) else []
    if fault.get("type") == "json_invalid":
        problem = Problem(400, "invalid_request_error", "invalid_json")
        return JSONResponse(problem_body(problem, "the body is not JSON", request_id_of(request)), problem.status)
    problem = Problem(422, "invalid_request_error", "invalid_request")
    message = f"{'.'.join(place) or 'the body'}: {_found(fault)}"
    return JSONResponse(problem_body(problem, message, request_id_of(request), ".".join(place) or None), problem.status)


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


async def _framework(request: Request, error: Exception) -> JSONResponse:
    status = error.status_code if isinstance(error, HTTPException) else 500
    message = str(error.detail) if isinstance(error, HTTPException) else "unexpected"
    problem = Problem(status, "invalid_request_error", _BY_STATUS.get(status, "bad_request"))
    headers = error.headers if isinstance(error, HTTPException) else None
    return JSONResponse(problem_body(problem, message, request_id_of(request)), status, headers)
