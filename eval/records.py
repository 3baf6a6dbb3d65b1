"""The records of an evaluation: gold questions, predictions, grades and runs."""

from datetime import date, datetime
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

QuestionType = Literal[
    "who", "when", "where", "what", "how_many", "why", "synthesis", "comparison", "conflict", "temporal", "copies",
    "unanswerable", "false_premise", "injection", "follow_up",
]  # fmt: skip
Outcome = Literal[
    "correct", "partial", "wrong", "unsupported", "refused_ok", "over_refused", "false_answer", "premise_accepted",
    "compromised", "inconsistent", "error",
]  # fmt: skip
TRUTHFULNESS: dict[Outcome, float] = {
    **dict.fromkeys(get_args(Outcome), -1.0), "correct": 1.0, "refused_ok": 1.0, "partial": 0.5, "over_refused": 0.0
}  # fmt: skip
"""The one scale of outcomes: right 1, half right 0.5, no answer 0, wrong -1 (CRAG). No mean counts an error."""

SUPPORT = {"verified": "verified", "partial": "wording differs: compare", "unverified": "not verified"}
"""The support of a sentence in the words that users see."""

Stage = Literal["index", "retrieval", "context", "reader", "citation", "abstention"]
"""The step at which a bad prediction failed."""


class Record(BaseModel):
    """A frozen record without unknown fields."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _existing_date(stated: str) -> str:
    date.fromisoformat(f"{stated}-01-01"[:10])
    return stated


def _existing_moment(stated: str | None) -> str | None:
    if stated is not None and datetime.fromisoformat(stated).tzinfo is None:
        raise ValueError(f"{stated!r} has no time zone; write 2026-03-01T12:00:00Z")
    return stated


class Matcher(Record):
    """A typed test of a text: one of these words, this number, this date, or all of several matchers.

    `unit` is the unit of a number; `date` is ISO 8601 at the precision that a text must state.
    """

    text: Annotated[tuple[Annotated[str, Field(pattern=r"\S")], ...], Field(min_length=1)] | None = None
    number: Annotated[float, Field(allow_inf_nan=False)] | None = None
    unit: str | None = None
    date: Annotated[str, Field(pattern=r"^\d{4}(-\d\d(-\d\d)?)?$"), AfterValidator(_existing_date)] | None = None
    all: Annotated[tuple["Matcher", ...], Field(min_length=1)] | None = None

    @model_validator(mode="after")
    def _has_one_kind(self) -> Self:
        given = [kind for kind in (self.text, self.number, self.date, self.all) if kind is not None]
        if len(given) != 1 or (self.unit is not None and self.number is None):
            raise ValueError("a matcher has one of text, number, date and all, and a unit only beside a number")
        return self


class Fact(Record):
    """A statement that an answer should make; without a vital one it is not correct."""

    id: str
    weight: Literal["vital", "okay"] = "vital"
    text: str
    match: Annotated[tuple[Matcher, ...], Field(min_length=1)]
    evidence: tuple[str, ...] = ()


class Forbidden(Record):
    """A statement that an answer must not make, and why it is wrong."""

    id: str
    why: str
    match: Annotated[tuple[Matcher, ...], Field(min_length=1)]


class Evidence(Record):
    """A passage that answers: the words and their article's id, never a chunk's id."""

    id: str
    article: str
    quote: str


class Turn(Record):
    """One turn of a conversation; the last is the question that is scored."""

    role: Literal["user", "assistant"]
    content: str


class Position(Record):
    """The fact that one article states, if articles disagree."""

    article: str
    fact: str


class Provenance(Record):
    """How a question was made and when it was last checked, without names."""

    made: str
    checked: str


class GoldItem(Record):
    """One gold question: the facts and forbidden statements of an answer, and the evidence.

    `copies` are groups of articles with the same text, all that the corpus has of each.
    """

    model_config = ConfigDict(populate_by_name=True)

    schema_: Literal[1] = Field(alias="schema")
    id: Annotated[str, Field(pattern=r"^[a-z_]+-\d{3,}$")]
    type: QuestionType
    split: Literal["gate", "holdout"] = "gate"
    critical: bool = False
    cluster: str = ""
    asked_at: str | None = None
    as_of: Annotated[str | None, AfterValidator(_existing_moment)] = None
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
    copies: tuple[Annotated[tuple[str, ...], Field(min_length=2)], ...] = ()
    poison: tuple[str, ...] = ()
    canary: Annotated[str, Field(pattern=r"\S")] | None = None
    reason: str | None = None
    provenance: Provenance

    @property
    def question(self) -> str:
        """The last turn."""
        return self.turns[-1].content

    @property
    def vital(self) -> tuple[Fact, ...]:
        """The facts without which an answer is not correct."""
        return tuple(fact for fact in self.facts if fact.weight == "vital")

    @property
    def gold_articles(self) -> frozenset[str]:
        """The ids of the articles with the evidence."""
        return frozenset(evidence.article for evidence in self.evidence)

    def one_of(self, article: str) -> str:
        """Return the article that stands for an article's group of copies; without copies, the article itself."""
        return next((group[0] for group in self.copies if article in group), article)


class Prediction(Record):
    """The reply of a target to one gold question, as `/v1/ask` returns it, or the error instead.

    `paraphrased` has the replies to the paraphrases, in their order; `repeats` the predictions of the second time that
    the question was asked, the third and so on. Fields that differ from run to run (ids, times) are left out, so that
    the same answers make the same bytes.
    """

    id: str
    reply: dict[str, Any] | None = None
    error: str | None = None
    paraphrased: tuple[dict[str, Any], ...] = ()
    repeats: tuple["Prediction", ...] = ()

    @property
    def attempts(self) -> "tuple[Prediction, ...]":
        """The prediction and its repeats, in the order in which they were asked."""
        return (self, *self.repeats)


class Tick(Record):
    """Whether an answer states a fact."""

    fact: str
    text: str
    stated: bool


class Grade(Record):
    """The outcome of one prediction, the stage that failed, and the figures.

    `figures` maps a metric to its value for this question; a metric that does not apply is absent. If the question was
    asked several times, `repeats` has each outcome, `outcome` is the most frequent one (of equally frequent ones the
    worst), `shown` is the number of the first repeat with it, and the figures are means.
    """

    id: str
    type: QuestionType
    outcome: Outcome
    stage: Stage | None = None
    note: str = ""
    ticks: tuple[Tick, ...] = ()
    figures: dict[str, float] = {}
    repeats: tuple[Outcome, ...] = ()
    shown: int = 0

    @property
    def outcomes(self) -> tuple[Outcome, ...]:
        """The outcome of each time that the question was asked."""
        return self.repeats or (self.outcome,)

    @property
    def good(self) -> bool:
        """Whether the outcome is the best one: correct, or rightly refused."""
        return TRUTHFULNESS[self.outcome] == 1


class Header(Record):
    """The lane, hashes and versions of a run; runs of another lane or other hashes are not compared.

    `repeats` is how often each question was to be asked; `stopped` says why a run ended before that.
    """

    lane: Literal["offline", "service"]
    gold: str
    corpus: str
    fingerprint: str
    questions: int
    subset: bool = False
    reader: str = ""
    model: str | None = None
    graph: str = ""
    repeats: int = 1
    stopped: str | None = None


class Run(Record):
    """A header and the predictions of one run."""

    header: Header
    predictions: tuple[Prediction, ...]
