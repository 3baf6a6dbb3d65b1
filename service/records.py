"""The records of a question on its way to a cited answer, and the parts of the answer: its citations and sources."""

from contextvars import ContextVar
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Literal

from index.records import NO_BOUNDS, Article, Chunk, Filters, Span

Mode = Literal["hybrid", "dense", "lexical"]
ReaderChoice = Literal["auto", "llm", "extractive"]
CitationMode = Literal["verified", "markers", "off"]
Include = Literal["text", "trace"]
"""A part of a reply that is left out unless it is asked for."""

Status = Literal["answered", "partial", "not_in_sources"]
StatusReason = Literal[
    "weak_evidence",
    "unsupported_withheld",
    "interrupted",
    "no_articles",
    "other_request",
    "outside_filters",
    "low_relevance",
    "no_verified_support",
    "model_abstained",
]
Verdict = Literal["conflict", "interrupted", "withheld", "stale", "weak", "answered", "none"]
Support = Literal["verified", "partial", "unverified"]
Method = Literal["exact", "normalised", "coverage"]

QUESTION_LENGTH = 2_000
"""The limit of a question in code points."""

request_id: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the HTTP request that is being answered, for the log; empty for a question from elsewhere."""


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of the earlier conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Account:
    """The account for the tokens of a language model: that of a key, or that of all callers without one.

    `tokens_per_day` is the limit of the key itself, or None for that of the settings.
    """

    key_id: str | None = None
    tokens_per_day: int | None = None


NO_ACCOUNT = Account()


@dataclass(frozen=True, slots=True)
class Question:
    """A question with the options of its answer; no article of a later moment than `as_of` is seen.

    `include` names the parts of the reply that are left out unless they are asked for.
    Articles outside of `bounds`, those of its caller, do not exist for it. `max_tokens` limits the text of a language
    model, which has at least one sentence. A `fresh` answer is never a kept one. `account` is charged for the model.
    """

    text: str
    messages: tuple[Message, ...] = ()
    filters: Filters = field(default_factory=Filters)
    top_k: int = 8
    mode: Mode = "hybrid"
    reader: ReaderChoice = "auto"
    citations: CitationMode = "verified"
    as_of: datetime | None = None
    include: frozenset[Include] = frozenset()
    bounds: Filters = NO_BOUNDS
    max_tokens: int | None = None
    fresh: bool = False
    account: Account = NO_ACCOUNT

    @property
    def conditions(self) -> Filters:
        """The conditions on articles that may answer: the filters, and nothing later than `as_of`."""
        return replace(self.filters, as_of=self.as_of)


@dataclass(frozen=True, slots=True)
class Passage:
    """A retrieved chunk with its article, its scores, and the short `key` by which a language model cites it.

    `score` is the fused score in [0, 1] and is comparable within one reply only; `dense` is the exact cosine and
    `lexical` the BM25 score of the chunk for the question, or those of a copy that it stands for, if they are better.
    `copies` are the other articles with the same story, without their bodies.
    """

    key: str
    chunk: Chunk
    article: Article
    score: float
    dense: float
    lexical: float
    copies: tuple[Article, ...] = ()


@dataclass(frozen=True, slots=True)
class Abstained:
    """The reader's result that the passages do not answer the question."""


LONGEST_SENTENCE = 2_000
"""The limit of a draft sentence in code points; the longest one of the sample and gold articles has 288."""


@dataclass(frozen=True, slots=True)
class DraftSentence:
    """A complete sentence that is not verified yet, with the keys of the passages it cites.

    `parts` are texts and, at the place of each marker, tuples of keys. `invented` are the markers that name no
    passage; `parts` has none of them. `complete` is False for a part of a sentence that is too long to be verified.
    `quotes` are pairs of a cited key and the words of its passage on which the model says that the sentence rests.
    `answer` is the place of the answer's words in the body of the cited article, if the reader knows it.
    """

    parts: tuple[str | tuple[str, ...], ...]
    invented: tuple[str, ...] = ()
    complete: bool = True
    quotes: tuple[tuple[str, str], ...] = ()
    answer: Span | None = None

    @classmethod
    def quoting(cls, key: str, words: str, answer: Span | None = None) -> "DraftSentence":
        """Return a sentence of an article with the marker of its passage before the full stop.

        The marker of a sentence that ends with a quotation mark comes after it.
        """
        statement = words.rstrip(".!?…")
        return cls(tuple(part for part in (statement, (key,), words[len(statement) :]) if part), answer=answer)

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
    """The tokens and calls of a language model; `cost_usd` is None if its price is unknown."""

    input_tokens: int = 0
    output_tokens: int = 0
    llm_calls: int = 0
    cost_usd: float | None = None

    def __add__(self, other: "Usage") -> "Usage":
        """Return the sum of two usages; its cost is known if the cost of each call is."""
        costs = [usage.cost_usd for usage in (self, other) if usage.llm_calls]
        known = [cost for cost in costs if cost is not None]
        return Usage(
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.llm_calls + other.llm_calls,
            sum(known) if costs and len(known) == len(costs) else None,
        )


Drafted = DraftSentence | Abstained
"""An item of a model's draft: a sentence, or an abstention."""


@dataclass(frozen=True, slots=True)
class AnswerWarning:
    """A warning for the user of an answer: a stable `code` and a sentence."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Quote:
    """The words of an article that support a sentence: `article.body[span.start:span.end] == text`.

    `highlight` is the place of the answer's words in the body, inside `span`, or None if it is not known.
    """

    passage: Passage
    span: Span
    text: str
    status: Support
    method: Method
    score: float
    highlight: Span | None = None


@dataclass(frozen=True, slots=True)
class Verification:
    """How well the quote supports the sentence; score in [0, 1]."""

    status: Support
    method: Method
    score: float


@dataclass(frozen=True, slots=True)
class Highlight:
    """The place of the answer's words in the article's body, inside the quote."""

    start_char_index: int
    end_char_index: int


@dataclass(frozen=True, slots=True)
class ResolvedDate:
    """Words for a date that depend on the day of the article, with the date they mean: "on Thursday", "2025-12-04".

    `date` is a day, a month or a year in ISO 8601. The span is in the article's body, inside the quote.
    """

    text: str
    date: str
    start_char_index: int
    end_char_index: int


@dataclass(frozen=True, slots=True)
class Citation:
    """A sentence of the answer and the quote of an article that supports it.

    `answer[start_index:end_index]` is the sentence with its markers and full stop;
    `body[start_char_index:end_char_index] == cited_text`, always. Code points, half-open. `highlight` is null if the
    place of the answer's words is not known.
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
    highlight: Highlight | None = None
    dates: tuple[ResolvedDate, ...] = ()


@dataclass(frozen=True, slots=True)
class Unsupported:
    """A withheld sentence and the reason."""

    text: str
    reason: str


@dataclass(frozen=True, slots=True)
class Position:
    """The position of one article on a topic: `body[start_char_index:end_char_index] == quote`."""

    value: str
    article_id: str
    quote: str
    published_at: str | None
    source: str | None = None
    title: str | None = None
    start_char_index: int = 0
    end_char_index: int = 0
    is_correction: bool = False


@dataclass(frozen=True, slots=True)
class Conflict:
    """A topic on which independent articles disagree, with the position of each, a later correction first."""

    topic: str
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Development:
    """A topic whose value changed over time, with the position of each article, oldest first; the last one holds."""

    topic: str
    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction of an article that the answer cites: in the article itself, or in a later one (`corrected_by`).

    `before` and `after` are sentences, if they are known; with `corrected_by`, `after` is one of the later article,
    without it, `before` is not in the article's body any more. `note` is what the article says about its correction.
    """

    article_id: str
    corrected_at: str | None
    before: str | None
    after: str | None
    corrected_by: str | None = None
    note: str | None = None


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
    """A passage that the reader was given; `marker` is null if the answer does not cite it.

    `text` is `body[start_char_index:end_char_index]` of its article, null unless the request includes it.
    """

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
    text: str | None = None
