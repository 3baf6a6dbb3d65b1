"""The records of a question on its way to a cited answer."""

from dataclasses import dataclass, field
from typing import Literal

from index.records import Article, Chunk, Filters, Span

Mode = Literal["hybrid", "dense", "lexical"]
ReaderChoice = Literal["auto", "llm", "extractive"]
CitationMode = Literal["verified", "markers", "off"]
Status = Literal["answered", "partial", "not_in_sources"]
StatusReason = Literal[
    "weak_evidence",
    "unsupported_withheld",
    "interrupted",
    "no_articles",
    "outside_filters",
    "low_relevance",
    "no_verified_support",
    "model_abstained",
]
Verdict = Literal["conflict", "interrupted", "withheld", "stale", "weak", "answered", "none"]
Support = Literal["verified", "partial", "unverified"]
Method = Literal["exact", "normalised", "coverage"]


QUESTION_LENGTH = 2_000
"""Code points a question may have."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the earlier conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Question:
    """A question as it was asked, with everything that steers its answer."""

    text: str
    messages: tuple[Message, ...] = ()
    filters: Filters = field(default_factory=Filters)
    top_k: int = 8
    mode: Mode = "hybrid"
    reader: ReaderChoice = "auto"
    citations: CitationMode = "verified"


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk with its article, its scores, and the short `key` by which a language model cites it.

    `score` is the fused score in [0, 1] and is comparable within one reply only; `dense` is the exact cosine and
    `lexical` the BM25 score of the chunk for the question.
    """

    key: str
    chunk: Chunk
    article: Article
    score: float
    dense: float
    lexical: float


@dataclass(frozen=True, slots=True)
class Abstained:
    """The reader says that the passages do not answer."""


LONGEST_SENTENCE = 2_000
"""Code points a draft sentence may have; the longest sentence of the sample and gold articles has 288."""


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A whole sentence not yet checked, with the keys of the passages it cites.

    `parts` are stretches of text and, between them, tuples of keys where a marker stood. `invented`
    are the markers that name no passage; they are in no part. It is not `whole` where it is a part of a sentence that
    is too long to be checked.
    """

    parts: tuple[str | tuple[str, ...], ...]
    invented: tuple[str, ...] = ()
    whole: bool = True

    @property
    def text(self) -> str:
        """The sentence without markers."""
        return "".join(part for part in self.parts if isinstance(part, str))

    @property
    def keys(self) -> tuple[str, ...]:
        """The cited keys, each once, in order of appearance."""
        return tuple(dict.fromkeys(key for part in self.parts if not isinstance(part, str) for key in part))


@dataclass(frozen=True, slots=True)
class Usage:
    """What the language model was given and gave; `cost_usd` is None when its price is unknown."""

    input_tokens: int = 0
    output_tokens: int = 0
    llm_calls: int = 0
    cost_usd: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        """The sum of two usages; its cost is known where each call's is."""
        costs = [usage.cost_usd for usage in (self, other) if usage.llm_calls]
        known = [cost for cost in costs if cost is not None]
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.llm_calls + other.llm_calls,
            sum(known) if costs and len(known) == len(costs) else None,
        )


@dataclass(frozen=True, slots=True)
class AnswerWarning:
    """Something the reader of an answer should know: a stable `code` and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Quote:
    """The place in an article that supports a sentence: `article.body[span.start:span.end] == text`."""

    passage: Passage
    span: Span
    text: str
    status: Support
    method: Method
    score: float
