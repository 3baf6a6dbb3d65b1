"""The wire shape of a chat completion: the few fields that are read, whether it comes whole or in chunks."""

from pydantic import AliasChoices, BaseModel, Field, NonNegativeInt


class Part(BaseModel):
    """What the model says: all of it (`message`) or the next piece (`delta`)."""

    content: str | None = None
    refusal: str | None = None


class Choice(BaseModel):
    """One reply; only one is ever asked for."""

    part: Part | None = Field(None, validation_alias=AliasChoices("delta", "message"))
    finish_reason: str | None = None


class TokenCounts(BaseModel):
    """What the service counted; servers that do not count send nothing, an empty object or nulls."""

    prompt_tokens: NonNegativeInt | None = None
    completion_tokens: NonNegativeInt | None = None


class Completion(BaseModel):
    """A completion or a chunk of one; a chunk may carry a choice, the counts, both or neither."""

    choices: list[Choice] = []
    usage: TokenCounts | None = None
