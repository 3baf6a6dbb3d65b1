"""`POST /v1/chat/completions`: the API that every chat program speaks, plain and streamed.

Fields that cannot be honoured are ignored; what would give a false answer is refused. `/openwebui/v1` is the same for
Open WebUI, which shows the quotes of the sources that it gets there.
"""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from service.api.access import CallerOf
from service.api.ask import streamed
from service.api.compat.chat_request import ChatRequest
from service.api.compat.chore_reply import ChoreCompletion, chore_chunks, chore_completion
from service.api.compat.completion import ChatChunks, ChatCompletion, OpenWebUiChunks, ReplyForm, completion
from service.api.compat.conversation import asked
from service.api.compat.errors import CompatRoute
from service.api.compat.models import get_model, list_models, model_named
from service.api.links import base_address
from service.api.state import ServiceState, State
from service.caller import Caller

router = APIRouter(prefix="/v1/chat", tags=["OpenAI clients"], route_class=CompatRoute)
open_webui = APIRouter(prefix="/openwebui/v1", include_in_schema=False, route_class=CompatRoute)
open_webui.add_api_route("/models", list_models)
open_webui.add_api_route("/models/{model_id}", get_model)


@router.post(
    "/completions",
    response_model=ChatCompletion | ChoreCompletion,
    summary="A cited answer for clients of OpenAI's API",
    responses={
        200: {
            "description": "An abstention is an answer as well. With `stream`, chunks.",
            "content": {"text/event-stream": {}},
        }
    },
)
async def complete_chat(
    body: ChatRequest, request: Request, state: State, caller: CallerOf
) -> ChatCompletion | ChoreCompletion | Response:
    """Answer the last question of a conversation; every sentence is cited, every citation checked word for word."""
    return await _reply(body, request, state, caller, ChatChunks)


@open_webui.post("/chat/completions", response_model=ChatCompletion | ChoreCompletion)
async def complete_chat_of_open_webui(
    body: ChatRequest, request: Request, state: State, caller: CallerOf
) -> ChatCompletion | ChoreCompletion | Response:
    """Answer for Open WebUI."""
    return await _reply(body, request, state, caller, OpenWebUiChunks)


async def _reply(
    body: ChatRequest, request: Request, state: ServiceState, caller: Caller, chunks: type[ChatChunks]
) -> ChatCompletion | ChoreCompletion | Response:
    model = model_named(state, body.model)
    if chore := body.chore(model):
        state.metrics.count_chore(chore.ui)
        done = chore_completion(chore, model.id)
        return chore_chunks(done, has_usage=body.wants_usage) if body.stream else done
    conversation = asked(body.messages)
    question = caller.asks(body.question(conversation, model, body.most_tokens))
    form = ReplyForm(
        model.id,
        base_address(request, state),
        has_source_list=body.has_source_list(model),
        has_usage=body.wants_usage,
        warnings=conversation.warnings,
    )
    if body.stream:
        return await streamed(state, question, chunks(form))
    return completion(await state.pipeline.ask(question), form)
