"""The request of `POST /v1/chat/completions`: what is read of it, what is ignored, and what is refused."""

from typing import Annotated, Any

from pydantic import BeforeValidator, ConfigDict, Field

from service.api.ask import EXAMPLES, Number
from service.api.compat.chores import Chore, WantedShape, chore_of, title_of
from service.api.compat.conversation import Lenient, Turn, few, text_of
from service.api.compat.models import CHORES, ServedModel
from service.api.compat.options import CompatRequest, NullableFlag, TokenLimit


class StreamOptions(Lenient):
    """The options of a stream."""

    include_usage: NullableFlag = False


class ChatRequest(CompatRequest):
    """A conversation whose last message of the user is a question; unknown fields are ignored."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES["chat"]})

    messages: Annotated[tuple[Turn, ...], BeforeValidator(few)]
    stream_options: StreamOptions | None = None
    max_completion_tokens: TokenLimit = Field(
        None, description="Limit of a language model's answer, which has at least one sentence."
    )
    max_tokens: TokenLimit = Field(None, description="The older name of `max_completion_tokens`.")
    n: Number | None = Field(None, description="Only 1.")
    response_format: Any = Field(None, description="Only text.")
    tools: Any = Field(None, description="Never called.")
    tool_choice: Any = Field(None, description="No tool may be required.")
    functions: Any = None
    function_call: Any = None
    modalities: Any = Field(None, description="Only text.")
    audio: Any = None

    @property
    def most_tokens(self) -> int | None:
        """The limit of the answer in tokens, or None."""
        return self.max_completion_tokens or self.max_tokens

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with the tokens that were used."""
        return self.stream_options is not None and self.stream_options.include_usage

    @property
    def shape(self) -> WantedShape | None:
        """The JSON schema that the reply must have, as text or as the call of a tool, or None."""
        schema = _at(self.response_format, "json_schema", "schema")
        if isinstance(schema, dict):
            return WantedShape(schema)
        offered = _offered(self.tools, self.functions)
        name = _at(self.tool_choice, "function", "name") or _at(self.function_call, "name")
        if self.tool_choice == "required" and len(offered) == 1:
            name = next(iter(offered))
        parameters = offered.get(name) if isinstance(name, str) else None
        return WantedShape(parameters, str(name)) if isinstance(parameters, dict) else None

    def chore(self, model: ServedModel) -> Chore | None:
        """Return the chore that is asked for, or None for a question, which the model for chores does not answer."""
        if found := chore_of(self.messages, self.most_tokens, self.shape):
            return found
        self.check()
        if model is not CHORES:
            return None
        return Chore("other", title_of(next((text_of(turn) for turn in self.messages if turn.role == "user"), "")))

    def check(self) -> None:
        """Raise Refusal for a field that asks for another answer than there is."""
        asks_for_tool = self.tool_choice == "required" or isinstance(self.tool_choice, dict)
        may_answer = _at(self.tool_choice, "type") == "allowed_tools" and _at(self.tool_choice, "mode") != "required"
        fields = {
            "n": (self.n or 1) != 1,
            "response_format": _at(self.response_format, "type") not in (None, "text"),
            "tool_choice": asks_for_tool and not may_answer,
            "function_call": isinstance(self.function_call, dict),
            "modalities": isinstance(self.modalities, list) and any(each != "text" for each in self.modalities),
            "audio": self.audio is not None,
        }
        self.refuse_first(fields)


def _offered(tools: object, functions: object) -> dict[str, object]:
    """Return the parameters of each function that a request offers, also in the older form."""
    newer = [_at(tool, "function") for tool in tools] if isinstance(tools, list) else []
    found = [*newer, *(functions if isinstance(functions, list) else [])]
    return {name: _at(each, "parameters") for each in found if isinstance(name := _at(each, "name"), str)}


def _at(value: object, *names: str) -> object:
    """Return the value at a path of names in JSON, or None."""
    for name in names:
        value = value.get(name) if isinstance(value, dict) else None
    return value
