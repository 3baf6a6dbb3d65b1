"""`POST /v1/ask` and `POST /v1/search`."""

from collections.abc import AsyncGenerator
from contextlib import aclosing

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.answer import Answer, Event, SearchResult
from service.api.examples import ANSWER, STREAM
from service.api.reply import json_reply
from service.api.request_id import request_id_of
from service.api.requests import AskRequest, SearchRequest
from service.api.service_state import ServiceState, State
from service.api.streaming import EventStream
from service.records import Question

router = APIRouter(prefix="/v1", tags=["answers"])


@router.post(
    "/ask",
    response_model=Answer,
    summary="A cited answer",
    responses={
        200: {
            "description": "Always 200 when the service could look: abstaining is an answer. With `stream`, events.",
            "content": {
                "application/json": {"example": ANSWER},
                "text/event-stream": {"schema": {"type": "string"}, "example": STREAM},
            },
        }
    },
)
async def ask(body: AskRequest, request: Request, state: State) -> Response:
    """Answer a question from the articles; every sentence is cited, every citation checked word for word."""
    question = body.asked()
    state.pipeline.check(question)
    if body.stream:
        return EventStream(_counted(state, question), request_id_of(request), state.stopping)
    with state.place():
        return json_reply(await state.pipeline.ask(question))


@router.post("/search", response_model=SearchResult, summary="The passages for a question")
async def search(body: SearchRequest, state: State) -> Response:
    """Find the passages that may answer a question, without reading them."""
    with state.place():
        return json_reply(await state.pipeline.search(body.asked()))


async def _counted(state: ServiceState, question: Question) -> AsyncGenerator[Event, None]:
    with state.place():
        async with aclosing(state.pipeline.stream(question)) as events:
            async for event in events:
                yield event
