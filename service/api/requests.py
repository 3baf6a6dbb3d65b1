"""What a caller may send, checked field by field; unknown fields are refused."""

from datetime import UTC, datetime
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from index.records import Filters
from service.records import QUESTION_LENGTH, CitationMode, Message, Mode, Question, ReaderChoice


def _encodable(text: str) -> str:
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise ValueError("holds half of a surrogate pair, which is no character") from error
    return text


def _moment(value: Any) -> Any:  # noqa: ANN401 - what JSON holds
    if value is None:
        return None
    if not isinstance(value, str):
        raise ValueError('expected an ISO 8601 date in a string, such as "2026-01-31"')
    try:
        moment = datetime.fromisoformat(value)
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f'found {value[:40]!r}, expected an ISO 8601 date such as "2026-01-31"') from error


Text = Annotated[str, AfterValidator(_encodable)]
Listed = Annotated[tuple[Annotated[Text, Field(max_length=500)], ...], Field(max_length=1000)]
Moment = Annotated[datetime | None, BeforeValidator(_moment)]
Asked = Annotated[Text, Field(min_length=1, max_length=QUESTION_LENGTH)]


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True, frozen=True)


class FiltersRequest(_Request):
    """Which articles may answer. Any value of a list may match, all fields must; names match whatever their case."""

    sources: Listed = ()
    exclude_sources: Listed = ()
    authors: Listed = ()
    sections: Listed = ()
    languages: Listed = ()
    tags: Listed = ()
    article_ids: Listed = ()
    published_after: Moment = Field(None, description="Inclusive. A date without zone is UTC.")
    published_before: Moment = Field(None, description="Exclusive. A date without zone is UTC.")

    def filters(self) -> Filters:
        """The filters as retrieval knows them."""
        return Filters(**{name: getattr(self, name) for name in type(self).model_fields})


class MessageRequest(_Request):
    """One turn of the earlier conversation."""

    role: Literal["user", "assistant"]
    content: Annotated[Text, Field(max_length=20_000)]


class SearchRequest(_Request):
    """A search for passages, without a reader."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"question": "new tactical missile system", "top_k": 5}]})

    question: Asked
    filters: FiltersRequest = FiltersRequest()
    top_k: int = Field(8, ge=1, le=100, description="Passages wanted.")
    mode: Mode = "hybrid"

    def asked(self) -> Question:
        """The question as the pipeline knows it."""
        return Question(self.question, filters=self.filters.filters(), top_k=self.top_k, mode=self.mode)


class AskRequest(_Request):
    """A question, and what steers its answer."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {"question": "When did Kim inspect a new tactical missile system?"},
                {
                    "question": "What did the ferry strike end with?",
                    "filters": {"published_after": "2026-01-01", "sources": ["Varn Sound Courier"]},
                    "top_k": 6,
                    "stream": True,
                },
            ]
        }
    )

    question: Asked
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
    stream: bool = Field(default=False, description="Answer as server-sent events.")

    def asked(self) -> Question:
        """The question as the pipeline knows it."""
        return Question(
            self.question,
            messages=tuple(Message(message.role, message.content) for message in self.messages),
            filters=self.filters.filters(),
            top_k=self.top_k,
            mode=self.mode,
            reader=self.reader,
            citations=self.citations,
        )
