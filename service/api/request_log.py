"""The record of each request, for the metrics and the log: its route, its outcome, its time.

A record has no word of a question, an answer or a body, and neither a key nor an address.
"""

import logging
import time
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import NamedTuple

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from index.records import Article
from service.answer import Answer
from service.metrics import Metrics
from service.records import Question
from service.telemetry import OFF, Telemetry

logger = logging.getLogger("dateline.requests")

METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS"})
OTHER = "other"
"""The label of a method or a path that no route has."""

NO_REPLY = "none"
"""The code of a request whose client left before the reply."""

_MONITORED = frozenset({"/healthz", "/readyz", "/metrics"})

Finish = Callable[[Question, Answer, Sequence[Article]], Answer]


class AnswerOutcome(NamedTuple):
    """The id, the status and the counts of an answer, without its words."""

    id: str
    status: str
    reason: str | None
    citations: int
    withheld: int

    @property
    def attributes(self) -> dict[str, str | int | None]:
        """The attributes of a span."""
        return {
            "dateline.answer.id": self.id,
            "dateline.status": self.status,
            "dateline.status_reason": self.reason,
            "dateline.citations.count": self.citations,
            "dateline.withheld.count": self.withheld,
        }


@dataclass(slots=True)
class RequestRecord:
    """A request on its way; `error` is the type and the code of its first error, also of one that ends a stream."""

    method: str
    route: str
    status: int = 0
    error: tuple[str, str] | None = None
    answer: AnswerOutcome | None = None
    key_id: str | None = None
    trace_id: str | None = None
    began: float = field(default_factory=time.perf_counter)

    @property
    def code(self) -> str:
        """The status of the reply, as a label."""
        return str(self.status or NO_REPLY)

    @property
    def error_code(self) -> str | None:
        """The code of the error that the request ended with."""
        return self.error[1] if self.error else None

    @property
    def outcome(self) -> dict[str, str | int | None]:
        """The attributes of its span about its answer."""
        return self.answer.attributes if self.answer else {}

    @property
    def level(self) -> int:
        """The level of its line in the log: a line for each of many costs more than the request."""
        is_quiet = self.error_code == "overloaded" or (self.route in _MONITORED and self.status < 400)
        return logging.DEBUG if is_quiet else logging.INFO

    def fields(self, seconds: float) -> dict[str, str | int | float]:
        """Return what the log says of it."""
        stated: dict[str, str | int | float | None] = {
            "method": self.method,
            "route": self.route,
            "status": self.status,
            "duration_s": round(seconds, 4),
            "error": self.error_code,
            "key_id": self.key_id,
            "answer_id": self.answer.id if self.answer else None,
            "answer_status": self.answer.status if self.answer else None,
            "trace_id": self.trace_id,
        }
        return {name: value for name, value in stated.items() if value is not None}


_current: ContextVar[RequestRecord | None] = ContextVar("request_record", default=None)


def note_error(kind: str, code: str) -> None:
    """Note the type and the code of the error that a request ends with; outside a request do nothing."""
    if record := _current.get():
        record.error = record.error or (kind, code)


def noting_answers(finish: Finish, metrics: Metrics) -> Finish:
    """Return a function that finishes an answer, and then counts it and notes it in the record of its request."""

    def finished(question: Question, answer: Answer, articles: Sequence[Article]) -> Answer:
        answer = finish(question, answer, articles)
        metrics.count_answer(answer)
        if record := _current.get():
            record.answer = AnswerOutcome(
                answer.id, answer.status, answer.status_reason, len(answer.citations), len(answer.unsupported)
            )
        return answer

    return finished


class RequestLog:
    """Records every request, counts it, and writes its line to the log; the outermost middleware.

    `template_of` returns the template of a path, or None if no route has it.
    """

    def __init__(
        self, app: ASGIApp, metrics: Metrics, telemetry: Telemetry, template_of: Callable[[str], str | None]
    ) -> None:
        self._app = app
        self._template_of = template_of
        self._metrics = metrics
        self._telemetry = telemetry

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle a request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        method = scope["method"] if scope["method"] in METHODS else OTHER
        record = RequestRecord(method, self._template_of(scope["path"]) or OTHER)
        # Other middleware copies the scope, but not this.
        state = scope.setdefault("state", {})

        async def send_and_note(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
            await send(message)

        token = _current.set(record)
        telemetry = OFF if record.route in _MONITORED else self._telemetry
        with telemetry.request(record.method, Headers(scope=scope).get("traceparent")) as span:
            try:
                await self._app(scope, receive, send_and_note)
            finally:
                _current.reset(token)
                record.key_id = getattr(state.get("caller"), "key_id", None)
                record.trace_id = span.trace_id
                self._end(record)
                span.end_with(record.method, record.route, record.status, record.error_code, record.outcome)

    def _end(self, record: RequestRecord) -> None:
        seconds = time.perf_counter() - record.began
        self._metrics.count_request(record.route, record.method, record.code, seconds)
        if record.error:
            self._metrics.count_error(*record.error)
        if logger.isEnabledFor(record.level):
            noted = f", {record.error_code}" if record.error else ""
            noted += f", {record.answer.id} {record.answer.status}" if record.answer else ""
            line = "%s %s %s in %d ms%s"
            values = (record.method, record.route, record.code, round(1000 * seconds), noted)
            logger.log(record.level, line, *values, extra={"fields": record.fields(seconds)})
