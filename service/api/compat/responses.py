"""`POST /v1/responses`: the part of OpenAI's Responses API that needs no memory, plain and streamed.

Nothing is stored: a request that continues an earlier response is refused, and no response can be fetched.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BeforeValidator, ConfigDict, Field

from service.api.access import CallerOf
from service.api.ask import EXAMPLES, streamed
from service.api.compat.completion import ReplyForm
from service.api.compat.conversation import IGNORED, Content, Lenient, Turn, asked, few
from service.api.compat.errors import CompatRoute, Refusal
from service.api.compat.models import model_named
from service.api.compat.options import CompatRequest, TokenLimit
from service.api.compat.response import ResponseEvents, ResponseReply, response
from service.api.links import base_address
from service.api.state import State

router = APIRouter(prefix="/v1/responses", tags=["OpenAI clients"], route_class=CompatRoute)


class Item(Lenient):
    """An item of the input: a message, or something else, such as the call of a tool, which is not read."""

    type: str = "message"
    role: str = ""
    content: Content = ()

    def turn(self) -> Turn:
        """Return the message; an item of another type has its type as its role, so that it is not read."""
        return Turn(role=self.role if self.type == "message" else self.type, content=self.content)


def _items(given: Any) -> Any:  # noqa: ANN401 - any JSON value
    """Return the input as a list of items; a text is the user's question."""
    return [{"role": "user", "content": given}] if isinstance(given, str) else few(given)


Input = Annotated[tuple[Item, ...], BeforeValidator(_items, json_schema_input_type=str | list[Item])]


class ResponsesRequest(CompatRequest):
    """A conversation whose last message of the user is a question; unknown fields are ignored."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES["responses"]})

    input: Input
    instructions: Any = Field(None, description="Not read: answers come from the articles alone.")
    previous_response_id: Any = Field(None, description="Refused: nothing is stored. Send the conversation as input.")
    conversation: Any = Field(None, description="Refused: nothing is stored.")
    background: Any = Field(None, description="Refused when true.")
    prompt: Any = Field(None, description="Refused: no prompts are stored.")
    text: Any = Field(None, description="Only the format text.")
    tool_choice: Any = Field(None, description="No tool may be required.")
    max_output_tokens: TokenLimit = Field(
        None, description="Limit of a language model's answer, which has at least one sentence."
    )

    def check(self) -> None:
        """Raise Refusal for a field that asks for another answer than there is."""
        for field in ("previous_response_id", "conversation", "prompt"):
            if getattr(self, field) is not None:
                message = f"{field}: nothing is stored here; send the earlier messages as input"
                raise Refusal("unsupported_value", message, field)
        form = self.text.get("format") if isinstance(self.text, dict) else None
        kind = form.get("type") if isinstance(form, dict) else None
        choice = self.tool_choice
        asks_for_tool = choice == "required" or (isinstance(choice, dict) and choice.get("mode") != "auto")
        fields = {
            "background": self.background is True,
            "text": kind not in (None, "text"),
            "tool_choice": asks_for_tool,
        }
        self.refuse_first(fields)


@router.post(
    "",
    response_model=ResponseReply,
    summary="A cited answer for clients of OpenAI's Responses API",
    responses={
        200: {
            "description": "An abstention is an answer as well. With `stream`, events.",
            "content": {"text/event-stream": {}},
        }
    },
)
async def respond(body: ResponsesRequest, request: Request, state: State, caller: CallerOf) -> ResponseReply | Response:
    """Answer the last question of a conversation; every sentence is cited, every citation checked word for word."""
    model = model_named(state, body.model)
    body.check()
    conversation = asked([item.turn() for item in body.input], "input")
    warnings = conversation.warnings or ((IGNORED,) if body.instructions else ())
    form = ReplyForm(
        model.id, base_address(request, state), has_source_list=body.has_source_list(model), warnings=warnings
    )
    question = caller.asks(body.question(conversation, model, body.max_output_tokens))
    if body.stream:
        return await streamed(state, question, ResponseEvents(form))
    return response(await state.pipeline.ask(question), form)
