"""`POST /v1/ask` and `POST /v1/search`."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.answer import Answer, SearchResult
from service.api.examples import ANSWER, STREAM
from service.api.reply import json_reply
from service.api.request_id import request_id_of
from service.api.requests import AskRequest, SearchRequest
from service.api.service_state import State
from service.api.streaming import EventStream

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
    if not body.stream:
        return json_reply(await state.pipeline.ask(question))
    events = state.pipeline.stream(question)
    # The first event says that there is an index to answer from. Without one the reply is a 503, not a stream.
    first = await anext(events)
    return EventStream(first, events, request_id_of(request), state.stopping)


@router.post("/search", response_model=SearchResult, summary="The passages for a question")
async def search(body: SearchRequest, state: State) -> Response:
    """Find the passages that may answer a question, without reading them."""
    return json_reply(await state.pipeline.search(body.asked()))
