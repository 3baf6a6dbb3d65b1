"""The records of an evaluation: gold questions, what a target answered, what that is worth."""

from datetime import date
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

QuestionType = Literal[
    "who",
    "when",
    "where",
    "what",
    "how_many",
    "why",
    "synthesis",
    "conflict",
    "temporal",
    "unanswerable",
    "false_premise",
    "injection",
    "follow_up",
]
Outcome = Literal[
    "correct",
    "partial",
    "wrong",
    "unsupported",
    "refused_ok",
    "over_refused",
    "false_answer",
    "premise_accepted",
    "compromised",
    "inconsistent",
    "error",
]
Stage = Literal["index", "retrieval", "context", "reader", "citation", "abstention"]


class Record(BaseModel):
    """A frozen record that knows all of its fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _existing_date(stated: str) -> str:
    date.fromisoformat(f"{stated}-01-01"[:10])
    return stated


class Matcher(Record):
    """Fires on a text that states a fact: in one of these words, as this number, on this date, or all of several.

    `unit` is what a number counts in; `date` is ISO 8601 at the precision that is asked for.
    """

    text: Annotated[tuple[Annotated[str, Field(pattern=r"\S")], ...], Field(min_length=1)] | None = None
    number: Annotated[float, Field(allow_inf_nan=False)] | None = None
    unit: str | None = None
    date: Annotated[str, Field(pattern=r"^\d{4}(-\d\d(-\d\d)?)?$"), AfterValidator(_existing_date)] | None = None
    all: Annotated[tuple["Matcher", ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _says_one_thing(self) -> Self:
        said = [one for one in (self.text, self.number, self.date, self.all) if one is not None]
        if len(said) != 1 or (self.unit is not None and self.number is None):
            raise ValueError("a matcher has one of text, number, date and all, and a unit only beside a number")
        return self


class Fact(Record):
    """Something an answer should state; a vital one must be stated for the answer to be correct."""

    id: str
    weight: Literal["vital", "okay"] = "vital"
    text: str
    match: Annotated[tuple[Matcher, ...], Field(min_length=1)]
    evidence: tuple[str, ...] = ()


class Forbidden(Record):
    """Something an answer must not state, and why it would be wrong."""

    id: str
    why: str
    match: Annotated[tuple[Matcher, ...], Field(min_length=1)]


class Evidence(Record):
    """A place that answers: an article's id and its words, never a chunk's id."""

    id: str
    article: str
    quote: str


class Turn(Record):
    """One turn of the conversation; the last is the question that is scored."""

    role: Literal["user", "assistant"]
    content: str


class Position(Record):
    """Which article states which fact, where articles disagree."""

    article: str
    fact: str


class Provenance(Record):
    """How a question was made and when it was last checked; no names."""

    made: str
    checked: str


class GoldItem(Record):
    """One gold question with what an answer must and must not say, and where that stands."""

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal[1] = Field(alias="schema")
    id: Annotated[str, Field(pattern=r"^[a-z_]+-\d{3,}$")]
    type: QuestionType
    split: Literal["gate", "holdout"] = "gate"
    critical: bool = False
    cluster: str = ""
    asked_at: str | None = None
    turns: Annotated[tuple[Turn, ...], Field(min_length=1)]
    standalone: str | None = None
    expect: Literal["answer", "abstain", "correct_premise"]
    answer: str = ""
    facts: tuple[Fact, ...] = ()
    must_not: tuple[Forbidden, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    evidence_sets: tuple[Annotated[tuple[str, ...], Field(min_length=1)], ...] = ()
    max_words: Annotated[int, Field(gt=0)] = 120
    paraphrases: tuple[str, ...] = ()
    near_miss: tuple[str, ...] = ()
    premise: str | None = None
    positions: tuple[Position, ...] = ()
    poison: tuple[str, ...] = ()
    canary: Annotated[str, Field(pattern=r"\S")] | None = None
    reason: str | None = None
    provenance: Provenance

    @property
    def question(self) -> str:
        """The last turn: what is asked."""
        return self.turns[-1].content

    @property
    def vital(self) -> tuple[Fact, ...]:
        """The facts without which an answer is not correct."""
        return tuple(fact for fact in self.facts if fact.weight == "vital")

    @property
    def gold_articles(self) -> frozenset[str]:
        """The articles that hold the evidence."""
        return frozenset(evidence.article for evidence in self.evidence)


class Prediction(Record):
    """What a target answered to a question: the reply of `/v1/ask`, or the error that came instead.

    `paraphrased` holds the replies to the paraphrases, in their order. What differs from run to run (ids, times) is
    left out, so that the same answers make the same bytes.
    """

    id: str
    reply: dict[str, Any] | None = None
    error: str | None = None
    paraphrased: tuple[dict[str, Any], ...] = ()


class Tick(Record):
    """Whether a fact was stated."""

    fact: str
    text: str
    stated: bool


class Verdict(Record):
    """What one answer is worth, in one word, and the figures behind the word.

    `figures` maps a metric to this question's value; a metric that does not apply is absent.
    """

    id: str
    type: QuestionType
    outcome: Outcome
    stage: Stage | None = None
    note: str = ""
    ticks: tuple[Tick, ...] = ()
    figures: dict[str, float] = {}

    @property
    def good(self) -> bool:
        """Whether a reader was well served."""
        return self.outcome in ("correct", "refused_ok")


class Header(Record):
    """What a run was made of: two runs are compared only where lane and hashes allow it."""

    lane: Literal["offline", "service"]
    gold: str
    corpus: str
    fingerprint: str
    questions: int
    subset: bool = False
    reader: str = ""
    model: str | None = None
    graph: str = ""


class Run(Record):
    """All predictions of one run."""

    header: Header
    predictions: tuple[Prediction, ...]
