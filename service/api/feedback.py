"""`POST /v1/feedback`: a user's vote on an answer. Nothing else is stored."""

from dataclasses import dataclass
from typing import Annotated, Literal, Self

from fastapi import APIRouter
from pydantic import ConfigDict, Field, model_validator

from service.api.ask import EXAMPLES, NO_TEXT, MessageRequest, QuestionText, RequestModel
from service.api.state import State
from service.feedback import CitedWords, Feedback, Reason, Vote

router = APIRouter(prefix="/v1/feedback", tags=["feedback"])

CHARACTERS = 50_000
"""The limit of all texts of one feedback together, in code points."""

Id = Annotated[str, Field(min_length=1, max_length=200)]
Index = Annotated[int, Field(ge=0, le=2**31), NO_TEXT] | None


class CitedRequest(RequestModel):
    """A citation as `/v1/ask` gives it; `article_id` and `cited_text` are enough, and the fields below are stored."""

    model_config = ConfigDict(extra="ignore")

    article_id: Id
    cited_text: Annotated[str, Field(min_length=1, max_length=5_000)]
    start_char_index: Index = None
    end_char_index: Index = None
    marker: Index = None

    def cited(self) -> CitedWords:
        """Return the part that is stored."""
        return CitedWords(self.article_id, self.cited_text, self.start_char_index, self.end_char_index, self.marker)


class FeedbackRequest(RequestModel):
    """A vote on an answer, with the question, the answer and its citations as the user saw them."""

    model_config = ConfigDict(json_schema_extra={"examples": EXAMPLES["feedback"]})

    answer_id: Id
    question: QuestionText
    answer: Annotated[str, Field(min_length=1, max_length=20_000)]
    vote: Vote
    citations: Annotated[tuple[CitedRequest, ...], Field(max_length=100)] = ()
    reasons: Annotated[tuple[Reason, ...], Field(max_length=5)] = ()
    comment: Annotated[str, Field(max_length=2_000)] = ""
    messages: Annotated[tuple[MessageRequest, ...], Field(max_length=100)] = Field(
        (), description="The conversation before the question; accepted from older clients, and not stored."
    )

    @model_validator(mode="after")
    def _is_not_too_long(self) -> Self:
        parts = (self.answer, *(cited.cited_text for cited in self.citations), *(m.content for m in self.messages))
        characters = sum(map(len, parts))
        if characters > CHARACTERS:
            raise ValueError(
                f"answer, citations and messages have {characters} characters, expected {CHARACTERS} at most"
            )
        return self

    def feedback(self) -> Feedback:
        """Return the feedback that is stored."""
        return Feedback(
            answer_id=self.answer_id,
            question=self.question,
            answer=self.answer,
            vote=self.vote,
            citations=tuple(cited.cited() for cited in self.citations),
            reasons=tuple(dict.fromkeys(self.reasons)),
            comment=self.comment,
        )


@dataclass(frozen=True, slots=True)
class FeedbackReply:
    """The id of stored feedback, by which it can be deleted."""

    id: str
    object: Literal["feedback"] = "feedback"


@router.post("", status_code=201, summary="A vote on an answer")
async def give_feedback(body: FeedbackRequest, state: State) -> FeedbackReply:
    """Store a vote on an answer. The service stores a question or an answer only if it is sent here."""
    stored = FeedbackReply(await state.store(state.feedback.add, body.feedback()))
    state.metrics.count_vote(body.vote)
    return stored
