"""The answer as it leaves the service: what `docs/api.md` describes, field for field."""

from dataclasses import dataclass, field
from typing import Any, Literal

from service.records import AnswerWarning, Method, Mode, Status, StatusReason, Support, Verdict
from service.verdict import verdict_of


@dataclass(frozen=True, slots=True)
class Verification:
    """How well the quote supports the sentence; score in [0, 1]."""

    status: Support
    method: Method
    score: float


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence of the answer and the place in an article that it rests on.

    `answer[start_index:end_index]` is the sentence with its markers and full stop;
    `body[start_char_index:end_char_index] == cited_text`, always. Code points, half-open.
    """

    id: str
    marker: int
    source_id: str
    article_id: str
    start_index: int
    end_index: int
    cited_text: str
    start_char_index: int
    end_char_index: int
    verification: Verification


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A sentence that was withheld, and why."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Position:
    """What one article says where articles disagree."""

    value: str
    article_id: str
    quote: str
    published_at: str | None


@dataclass(frozen=True, slots=True)
class Conflict:
    """A matter on which articles disagree, with the position of each."""

    topic: str
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Another article with the same story."""

    article_id: str
    title: str | None
    source: str | None
    url: str | None


@dataclass(frozen=True, slots=True)
class Scores:
    """The exact cosine and the BM25 score of a chunk for the question."""

    dense: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Source:
    """A passage that the reader saw; `marker` is null where the answer does not cite it."""

    id: str
    marker: int | None
    article_id: str
    chunk_id: str
    title: str | None
    url: str | None
    source: str | None
    published_at: str | None
    snippet: str
    start_char_index: int
    end_char_index: int
    score: float
    scores: Scores
    cited: bool
    language: str | None = None
    duplicates: tuple[Duplicate, ...] = ()


@dataclass(frozen=True, slots=True)
class Freshness:
    """Dates of publication of the newest and oldest source and of the newest cited one; when the index was made."""

    newest_source_at: str | None
    oldest_source_at: str | None
    index_updated_at: str
    newest_cited_at: str | None = None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What was searched for, and how."""

    standalone_question: str
    mode: Mode
    filters_applied: dict[str, Any]
    filters_inferred: tuple[str, ...]
    candidates: int


@dataclass(frozen=True, slots=True)
class UsageReport:
    """What the language model was given and gave; `cost_usd` is null when unknown or when none was called."""

    input_tokens: int
    output_tokens: int
    llm_calls: int
    cost_usd: float | None


@dataclass(frozen=True, slots=True)
class Timings:
    """Milliseconds of each step."""

    standalone: int = 0
    retrieve: int = 0
    read: int = 0
    verify: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Versions:
    """What this answer was made with."""

    reader: str
    model: str | None
    prompt: str | None
    embedding_model: str
    generation: str


@dataclass(frozen=True, slots=True)
class Answer:
    """A cited answer, or an abstention with its reason and the closest sources.

    `verdict` follows from the other fields and cannot be given.
    """

    id: str
    created_at: str
    status: Status
    status_reason: StatusReason | None
    verdict: Verdict = field(init=False, default="none")
    answer: str
    citations: tuple[Citation, ...]
    unsupported: tuple[Unsupported, ...]
    sources: tuple[Source, ...]
    freshness: Freshness
    retrieval: Retrieval
    usage: UsageReport
    timings_ms: Timings
    versions: Versions
    warnings: tuple[AnswerWarning, ...]
    conflicts: tuple[Conflict, ...] = ()
    object: Literal["answer"] = "answer"
    offset_unit: Literal["unicode_code_points"] = "unicode_code_points"

    def __post_init__(self) -> None:
        """Set the verdict."""
        object.__setattr__(self, "verdict", verdict_of(self))


@dataclass(frozen=True, slots=True)
class SearchTimings:
    """Milliseconds of a search."""

    retrieve: int
    total: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The passages for a question, without a reader."""

    sources: tuple[Source, ...]
    retrieval: Retrieval
    timings_ms: SearchTimings
    object: Literal["search"] = "search"


@dataclass(frozen=True, slots=True)
class Started:
    """The first event of a stream."""

    id: str
    created_at: str
    type: str = field(default="answer.started", init=False)


@dataclass(frozen=True, slots=True)
class RetrievalCompleted:
    """What was found, before anything is said; markers are still null."""

    retrieval: Retrieval
    sources: tuple[Source, ...]
    freshness: Freshness
    type: str = field(default="retrieval.completed", init=False)


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """More of the answer: whole sentences, in mode `verified` checked ones."""

    text: str
    type: str = field(default="answer.delta", init=False)


@dataclass(frozen=True, slots=True)
class CitationAdded:
    """A citation of the sentence that has just come."""

    citation: Citation
    type: str = field(default="citation.added", init=False)


@dataclass(frozen=True, slots=True)
class Completed:
    """The last event: the whole answer."""

    answer: Answer
    type: str = field(default="answer.completed", init=False)


Event = Started | RetrievalCompleted | AnswerDelta | CitationAdded | Completed
