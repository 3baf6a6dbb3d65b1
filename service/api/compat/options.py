"""The fields that requests of both APIs of OpenAI share, and our extension `dateline` with the options of an answer."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from index.records import Filters
from service.api.ask import AsOf, FiltersRequest, Flag, Number, Passages, RequestModel
from service.api.compat.conversation import Asked, Lenient
from service.api.compat.errors import Refusal
from service.api.compat.models import ServedModel
from service.records import CitationMode, Mode, Question, ReaderChoice


class DatelineOptions(RequestModel):
    """The options of an answer, as of `/v1/ask`. An unknown one is refused: without a filter the answer is another."""

    filters: FiltersRequest = FiltersRequest()
    top_k: Passages = Field(8, description="Passages shown to the reader.")
    mode: Mode = "hybrid"
    reader: ReaderChoice | None = Field(None, description="By default that of the model.")
    citations: CitationMode = "verified"
    as_of: AsOf = None
    source_list: Flag | None = Field(
        None, description="Whether a list of the sources follows the answer; by default as the model has it."
    )


DEFAULT = DatelineOptions()

NullableFlag = Annotated[
    Flag, BeforeValidator(lambda value: value is not None and value, json_schema_input_type=bool | None)
]
"""A boolean that clients also send as null."""

TokenLimit = Annotated[Number | None, AfterValidator(lambda value: value if value and value > 0 else None)]
"""A limit of tokens, or None; some clients send 0 or -1 for none."""

Options = Annotated[
    DatelineOptions,
    BeforeValidator(lambda value: DEFAULT if value is None else value, json_schema_input_type=DatelineOptions | None),
]


class CompatRequest(Lenient):
    """The fields of a request that both APIs have; others are ignored, since every client sends some of its own."""

    model: str
    stream: NullableFlag = False
    dateline: Options = DEFAULT

    def question(self, asked: Asked, model: ServedModel, max_tokens: int | None = None) -> Question:
        """Return the question of the pipeline.

        The options of the request replace those of its model; `max_tokens` limits a language model's answer.
        """
        given = self.dateline
        return Question(
            asked.question,
            messages=asked.messages,
            filters=Filters(**dict(given.filters)),
            top_k=given.top_k,
            mode=given.mode,
            reader=given.reader or model.reader,
            citations=given.citations,
            as_of=given.as_of,
            max_tokens=max_tokens,
        )

    def refuse_first(self, fields: Mapping[str, bool]) -> None:
        """Raise Refusal for the first of some fields, by name, that asks for another answer than there is."""
        for field, is_refused in fields.items():
            if is_refused:
                found = repr(getattr(self, field))[:80]
                raise Refusal("unsupported_value", f"{field}: found {found}, but there is one answer, as text", field)

    def has_source_list(self, model: ServedModel) -> bool:
        """Return whether a list of the sources follows the answer."""
        wanted = self.dateline.source_list
        return model.has_source_list if wanted is None else wanted
