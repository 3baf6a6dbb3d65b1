"""`POST /v1/ask` and `/v1/search`: a question in, a cited answer out, as JSON or as server-sent events.

`GET /v1/suggestions` lists questions that the articles are known to answer.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, Strict, model_validator

from index.records import NO_BOUNDS, Article, Filters, parse_as_of, parse_moment
from service.answer import Answer, SearchResult
from service.api.access import CallerOf
from service.api.event_stream import EventStream, EventWriter
from service.api.state import ServiceState, State
from service.permalink import Permalinks
from service.records import QUESTION_LENGTH, CitationMode, Include, Message, Mode, Question, ReaderChoice, request_id
from service.suggestions import Suggestion, Suggestions

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


def _no_text(value: Any) -> Any:  # noqa: ANN401 - any JSON value
    if isinstance(value, str | bool):
        raise ValueError(f"found {value!r}"[:60] + ", expected a number")
    return value


NO_TEXT = BeforeValidator(_no_text)
"""Refuses a text or a boolean for a number, which pydantic would convert."""

Number = Annotated[int, NO_TEXT]
Passages = Annotated[int, Field(ge=1, le=20), NO_TEXT]
FoundPassages = Annotated[int, Field(ge=1, le=100), NO_TEXT]

Flag = Annotated[bool, Strict()]
"""A boolean in JSON; a text such as "no" is refused."""

Names = Annotated[tuple[Annotated[str, Field(max_length=500)], ...], Field(max_length=1000)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
AsOf = Annotated[
    datetime | None,
    BeforeValidator(partial(_moment, parse=parse_as_of)),
    Field(description="No article published or updated later is seen. A day is its end; a date without zone is UTC."),
]
MOST_INCLUDED = 10
"""Names of parts that a request may ask for; each counts once."""

MOST_FIELDS = 100
"""Fields of an object; each unknown one is a fault, and 90,000 of them took 0.8 s of the event loop."""

CacheControl = Annotated[str, Header(description="With `no-cache`, the reply is not an answer that was kept.")]
QuestionText = Annotated[str, Field(min_length=1, max_length=QUESTION_LENGTH)]


class RequestModel(BaseModel):
    """The body of a request; unknown fields are refused."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _has_few_fields(cls, given: Any) -> Any:  # noqa: ANN401 - any JSON value
        if isinstance(given, dict) and len(given) > MOST_FIELDS:
            raise ValueError(f"found {len(given):,} fields, expected at most {MOST_FIELDS}")
        return given


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
    top_k: FoundPassages = Field(8, description="Passages wanted.")
    mode: Mode = "hybrid"
    as_of: AsOf = None
    include: Annotated[tuple[Literal["text"], ...], Field(max_length=MOST_INCLUDED)] = Field(
        (), description="`text`: the text of each source."
    )

    def to_question(self) -> Question:
        """Return the question of the pipeline."""
        return Question(
            self.question,
            filters=Filters(**dict(self.filters)),
            top_k=self.top_k,
            mode=self.mode,
            as_of=self.as_of,
            include=frozenset(self.include),
        )


class AskRequest(RequestModel):
    """A question with the options of its answer."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES["ask"]})

    question: QuestionText
    messages: Annotated[tuple[MessageRequest, ...], Field(max_length=100)] = Field(
        (), description="The earlier conversation, oldest first."
    )
    filters: FiltersRequest = FiltersRequest()
    top_k: Passages = Field(8, description="Passages shown to the reader.")
    mode: Mode = "hybrid"
    reader: ReaderChoice = "auto"
    citations: CitationMode = Field(
        "verified",
        description="`verified` withholds a sentence that fails the check, `markers` shows it, `off` checks nothing"
        " and leaves citations out.",
    )
    as_of: AsOf = None
    include: Annotated[tuple[Include, ...], Field(max_length=MOST_INCLUDED)] = Field(
        (), description="`text`: the text of each source. `trace`: how the answer was made."
    )
    stream: Flag = Field(default=False, description="Answer as server-sent events.")

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
            include=frozenset(self.include),
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
                "text/event-stream": {"example": "\n".join(EXAMPLES["stream"])},
            },
        }
    },
)
async def ask(
    body: AskRequest, state: State, caller: CallerOf, cache_control: CacheControl = ""
) -> Answer | EventStream:
    """Answer a question from the articles; every sentence is cited, every citation checked word for word."""
    question = replace(caller.asks(body.to_question()), fresh="no-cache" in cache_control.lower())
    if not body.stream:
        return await state.pipeline.ask(question)
    return await streamed(state, question)


async def streamed(state: ServiceState, question: Question, writer: EventWriter | None = None) -> EventStream:
    """Return the reply that streams an answer; raises IndexUnavailable, so that the error has a status."""
    events = state.pipeline.stream(question)
    first = await anext(events)
    return EventStream(first, events, request_id.get(), state.stopping, writer=writer)


@router.post("/search", summary="The passages for a question")
async def search(body: SearchRequest, state: State, caller: CallerOf) -> SearchResult:
    """Find the passages that may answer a question, without reading them."""
    return await state.pipeline.search(caller.asks(body.to_question()))


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
    state: State, caller: CallerOf, article_ids: ArticleIds = (), limit: Annotated[int, Query(ge=1, le=100)] = 10
) -> SuggestionList:
    """List questions that this service has answered from its articles, or from those of `article_ids`."""
    found = await suggested(state, caller.bounds, article_ids or None, limit)
    return SuggestionList(tuple(SuggestedQuestion(each.question, each.article_id, each.language) for each in found))


async def suggested(
    state: ServiceState, bounds: Filters, article_ids: Collection[str] | None, limit: int
) -> list[Suggestion]:
    """Return suggestions of these articles, of all if None, for a caller: only of articles within its bounds."""
    if bounds != NO_BOUNDS:
        wanted = [each.article_id for each in state.suggestions.all()] if article_ids is None else article_ids
        async with state.pipeline.pinned(bounds) as generation:
            article_ids = await state.read(generation.known, wanted)
    return state.suggestions.of(state.pipeline.clock().date(), article_ids, limit)


def finish(
    permalinks: Permalinks, suggestions: Suggestions, question: Question, answer: Answer, articles: Sequence[Article]
) -> Answer:
    """Return an answer with its permalink and the questions to ask next."""
    asked = [question.text, answer.retrieval.standalone_question, *(message.content for message in question.messages)]
    today = datetime.fromisoformat(answer.created_at).date()
    # A suggestion was answered from the articles of today.
    ask_next = () if question.as_of else suggestions.next_to(asked, answer.citations, today)
    return replace(answer, permalink=permalinks.address(question, answer, articles), ask_next=ask_next)
