"""`POST /v1/ask` and `/v1/search`: a question in, a cited answer out, as JSON or as server-sent events.

A stream is numbered, kept alive, and ended by a terminal event unless the caller leaves. `GET /v1/suggestions` lists
questions that the articles are known to answer.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from index.records import Article, Filters, parse_as_of, parse_moment
from service.answer import Answer, Event, SearchResult, event_data
from service.api.errors import STOPPING, error_body, problem_body
from service.api.state import State
from service.permalink import Permalinks
from service.records import QUESTION_LENGTH, CitationMode, Message, Mode, Question, ReaderChoice, request_id
from service.suggestions import Suggestions

KEEP_ALIVE_S = 15.0
PAUSE_S = 0.1
HEADERS = {"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"}


class EventStream(Response):
    """A reply that streams events until the last one, or until the caller leaves or the service stops.

    A task reads the events. It is cancelled when the caller leaves, which closes the call to the language model.
    `first` was read before the reply began, so that its errors have a status.
    """

    media_type = "text/event-stream"

    def __init__(
        self,
        first: Event,
        events: AsyncGenerator[Event, None],
        request_id: str,
        stopping: asyncio.Event,
        keep_alive_s: float = KEEP_ALIVE_S,
    ) -> None:
        super().__init__(headers=HEADERS)
        del self.headers["Content-Length"]
        self._events = events
        self._request_id = request_id
        self._stopping = stopping
        self._keep_alive_s = keep_alive_s
        # Texts to send, each with whether more follows; None when the caller has left.
        self._queue: asyncio.Queue[tuple[str, bool] | None] = asyncio.Queue()
        self._number = 0
        self._put(first.type, event_data(first))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI
        """Send the stream."""
        tasks = [asyncio.create_task(each) for each in (self._read(), self._stop(), self._leave(receive))]
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            more = True
            while more and (piece := await self._next()):
                text, more = piece
                await send({"type": "http.response.body", "body": text.encode(), "more_body": more})
        finally:
            await cancel(*tasks)
            # A task that is cancelled before it begins does not close its generator.
            await self._events.aclose()

    def _put(self, name: str, data: dict[str, object], *, more: bool = True) -> None:
        body = json.dumps({"type": name, **data}, ensure_ascii=False, separators=(",", ":"))
        self._queue.put_nowait((f"id: {self._number}\nevent: {name}\ndata: {body}\n\n", more))
        self._number += 1

    async def _next(self) -> tuple[str, bool] | None:
        try:
            async with asyncio.timeout(self._keep_alive_s):
                return await self._queue.get()
        except TimeoutError:
            return ": keep-alive\n\n", True

    async def _read(self) -> None:
        """Put every event into the queue, and the error that ended them."""
        try:
            async with aclosing(self._events) as events:
                async for event in events:
                    self._put(event.type, event_data(event))
        except Exception as error:  # noqa: BLE001 - becomes a terminal event, and is logged there
            self._put("error", error_body(error, self._request_id), more=False)
        else:
            self._queue.put_nowait(("", False))

    async def _stop(self) -> None:
        await self._stopping.wait()
        self._put("error", problem_body(STOPPING, self._request_id), more=False)

    async def _leave(self, receive: Receive) -> None:
        while True:
            if (await receive())["type"] == "http.disconnect":
                self._queue.put_nowait(None)
                return
            # Messages that arrive without a wait must not block the event loop.
            await asyncio.sleep(PAUSE_S)


async def cancel(*tasks: "asyncio.Task[None]") -> None:
    """Cancel tasks and wait until they end; their errors are dropped.

    The caller's own cancellation is raised, which awaiting the tasks under `suppress(CancelledError)` would hide.
    """
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
    for task in tasks:
        if not task.cancelled():
            task.exception()


router = APIRouter(prefix="/v1", tags=["answers"])

EXAMPLES: dict[str, Any] = json.loads(Path(__file__).with_name("examples.json").read_text(encoding="utf-8"))
"""Requests, an answer and the lines of a stream, for the description of the API."""


def _moment(value: Any, parse: Callable[[str], datetime] = parse_moment) -> Any:  # noqa: ANN401 - any JSON value
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError('expected an ISO 8601 date in a string, such as "2026-01-31"')
    try:
        return parse(value).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'found {value[:40]!r}, expected an ISO 8601 date such as "2026-01-31"') from error


Names = Annotated[tuple[Annotated[str, Field(max_length=500)], ...], Field(max_length=1000)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
AsOf = Annotated[
    datetime | None,
    BeforeValidator(partial(_moment, parse=parse_as_of)),
    Field(description="No article published or updated later is seen. A day is its end; a date without zone is UTC."),
]
QuestionText = Annotated[str, Field(min_length=1, max_length=QUESTION_LENGTH)]


class RequestModel(BaseModel):
    """The body of a request; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class FiltersRequest(RequestModel):
    """The articles that may answer. Any value of a list may match, all fields must; case is ignored."""

    sources: Names = ()
    exclude_sources: Names = ()
    authors: Names = ()
    sections: Names = ()
    languages: Names = ()
    tags: Names = ()
    article_ids: Names = ()
    published_after: Moment = Field(None, description="Inclusive. A date without zone is UTC.")
    published_before: Moment = Field(None, description="Exclusive. A date without zone is UTC.")


class MessageRequest(RequestModel):
    """One turn of the earlier conversation."""

    role: Literal["user", "assistant"]
    content: Annotated[str, Field(max_length=20_000)]


class SearchRequest(RequestModel):
    """A search for passages, without a reader."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES["search"]})

    question: QuestionText
    filters: FiltersRequest = FiltersRequest()
    top_k: int = Field(8, ge=1, le=100, description="Passages wanted.")
    mode: Mode = "hybrid"
    as_of: AsOf = None

    def to_question(self) -> Question:
        """Return the question of the pipeline."""
        return Question(
            self.question,
            filters=Filters(**dict(self.filters)),
            top_k=self.top_k,
            mode=self.mode,
            as_of=self.as_of,
        )


class AskRequest(RequestModel):
    """A question with the options of its answer."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES["ask"]})

    question: QuestionText
    messages: Annotated[tuple[MessageRequest, ...], Field(max_length=100)] = Field(
        (), description="The earlier conversation, oldest first."
    )
    filters: FiltersRequest = FiltersRequest()
    top_k: int = Field(8, ge=1, le=20, description="Passages shown to the reader.")
    mode: Mode = "hybrid"
    reader: ReaderChoice = "auto"
    citations: CitationMode = Field(
        "verified",
        description="`verified` withholds a sentence that fails the check, `markers` shows it, `off` checks nothing"
        " and leaves citations out.",
    )
    as_of: AsOf = None
    stream: bool = Field(default=False, description="Answer as server-sent events.")

    def to_question(self) -> Question:
        """Return the question of the pipeline."""
        return Question(
            self.question,
            messages=tuple(Message(message.role, message.content) for message in self.messages),
            filters=Filters(**dict(self.filters)),
            top_k=self.top_k,
            mode=self.mode,
            reader=self.reader,
            citations=self.citations,
            as_of=self.as_of,
        )


@router.post(
    "/ask",
    response_model=Answer,
    summary="A cited answer",
    responses={
        200: {
            "description": "Always 200 when the service could look: abstaining is an answer. With `stream`, events.",
            "content": {
                "application/json": {"example": EXAMPLES["answer"]},
                "text/event-stream": {"schema": {"type": "string"}, "example": "\n".join(EXAMPLES["stream"])},
            },
        }
    },
)
async def ask(body: AskRequest, state: State) -> Answer | EventStream:
    """Answer a question from the articles; every sentence is cited, every citation checked word for word."""
    question = body.to_question()
    if not body.stream:
        return await state.pipeline.ask(question)
    events = state.pipeline.stream(question)
    # Only an index can give the first event; without one the reply is a 503, not a stream.
    first = await anext(events)
    return EventStream(first, events, request_id.get(), state.stopping)


@router.post("/search", summary="The passages for a question")
async def search(body: SearchRequest, state: State) -> SearchResult:
    """Find the passages that may answer a question, without reading them."""
    return await state.pipeline.search(body.to_question())


ArticleIds = Annotated[tuple[Annotated[str, Query(max_length=200)], ...], Query(max_length=100)]


@dataclass(frozen=True, slots=True)
class SuggestedQuestion:
    """A question, the article that answers it, and its language, null if the article has none."""

    question: str
    article_id: str
    language: str | None


@dataclass(frozen=True, slots=True)
class SuggestionList:
    """Suggested questions: one of each article, the newest first, then a second of each, and so on."""

    suggestions: tuple[SuggestedQuestion, ...]
    object: Literal["list"] = "list"


@router.get("/suggestions", summary="Questions that the articles answer")
async def list_suggestions(
    state: State, article_ids: ArticleIds = (), limit: Annotated[int, Query(ge=1, le=100)] = 10
) -> SuggestionList:
    """List questions that this service has answered from its articles, or from those of `article_ids`."""
    found = state.suggestions.of(state.pipeline.clock().date(), article_ids or None, limit)
    return SuggestionList(tuple(SuggestedQuestion(each.question, each.article_id, each.language) for each in found))


def finish(
    permalinks: Permalinks, suggestions: Suggestions, question: Question, answer: Answer, articles: Sequence[Article]
) -> Answer:
    """Return an answer with its permalink and the questions to ask next."""
    asked = [question.text, answer.retrieval.standalone_question, *(message.content for message in question.messages)]
    today = datetime.fromisoformat(answer.created_at).date()
    # A suggestion was answered from the articles of today.
    ask_next = () if question.as_of else suggestions.next_to(asked, answer.citations, today)
    return replace(answer, permalink=permalinks.address(question, answer, articles), ask_next=ask_next)
