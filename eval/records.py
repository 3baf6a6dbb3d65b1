"""The records of an evaluation: gold questions, what a target answered, what that is worth."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

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


class Matcher(Record):
    """Fires on a text that states a fact: in one of these words, as this number, on this date, or all of several.

    `unit` is what a number counts in; `date` is ISO 8601 at the precision that is asked for.
    """

    text: tuple[str, ...] | None = None
    number: float | None = None
    unit: str | None = None
    date: str | None = None
    all: tuple["Matcher", ...] | None = None


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
    evidence_sets: tuple[tuple[str, ...], ...] = ()
    max_words: int = 120
    paraphrases: tuple[str, ...] = ()
    near_miss: tuple[str, ...] = ()
    premise: str | None = None
    positions: tuple[Position, ...] = ()
    poison: tuple[str, ...] = ()
    canary: str | None = None
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

    lane: Literal["offline", "replay"]
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
