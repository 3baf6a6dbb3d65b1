"""The trace of an answer: why it came out as it did, for a request that includes it.

It is plain data that answering has computed anyway: see `service/explanation.py`. Each list has a limit, and nothing in
it is of an article that may not answer.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal

from service.readers.answerability import Answerability, Doubt
from service.records import Highlight

CallPurpose = Literal["standalone_question", "answer"]


@dataclass(frozen=True, slots=True)
class TraceDays:
    """The days that date words mean, without `end` up to now; `is_used` if they are a condition on the articles."""

    start: date
    end: date | None
    is_used: bool


@dataclass(frozen=True, slots=True)
class TraceQuestion:
    """How the question was read: as asked, without its conversation, and as it was searched.

    `window` has the dates of publication that its date words mean, `period` the days that it is about.
    """

    asked: str
    standalone: str
    searched: str
    kind: Literal["fact", "list", "summary", "count", "other"]
    window: TraceDays | None
    period: TraceDays | None
    filters_inferred: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class TraceCandidate:
    """A chunk that a search found, with its cosine, its BM25 score, and the fused score that ranks it.

    `source_id` is null if it is not among the sources.
    """

    chunk_id: str
    article_id: str
    source_id: str | None
    dense: float
    lexical: float
    score: float


@dataclass(frozen=True, slots=True)
class TraceSearch:
    """A search with its text and dates, the number of its candidates, and the best of them by rank.

    `prefers_new` if newer articles rank before others that are nearly as good.
    """

    text: str
    published_after: str | None
    published_before: str | None
    prefers_new: bool
    found: int
    candidates: tuple[TraceCandidate, ...]


@dataclass(frozen=True, slots=True)
class TraceSentence:
    """A sentence that could be quoted, with its score; `answer` is the place of the answer's words, if known.

    A long text is shortened: `body[start_char_index:end_char_index]` is the complete sentence.
    """

    text: str
    article_id: str
    source_id: str | None
    start_char_index: int
    end_char_index: int
    score: float
    answer: Highlight | None
    is_quoted: bool


@dataclass(frozen=True, slots=True)
class TraceDecision:
    """Whether the sentences were taken for an answer, and what spoke against it; null if that was not decided.

    `missing` are names and numbers of the question that the articles to quote lack.
    """

    result: Answerability | None
    doubts: tuple[Doubt, ...]
    missing: tuple[str, ...]
    strength: float
    certainty: float | None
    has_all_words: bool


@dataclass(frozen=True, slots=True)
class TraceDifference:
    """A difference between a sentence and the words of its source, and how much it counts."""

    kind: str
    weight: float


@dataclass(frozen=True, slots=True)
class TraceCheck:
    """The check of one sentence of the answer, step by step; a step that was not needed or not reached is null.

    A withheld sentence has no place in the answer.
    """

    text: str
    start_index: int | None
    end_index: int | None
    source_ids: tuple[str, ...]
    result: Literal["verified", "partial", "unverified", "withheld", "unchecked"]
    reason: str | None
    is_safe: bool
    is_word_for_word: bool | None
    has_numbers: bool | None
    has_dates: bool | None
    has_names: bool | None
    score: float | None
    differences: tuple[TraceDifference, ...]
    contradiction: float | None


@dataclass(frozen=True, slots=True)
class TraceCall:
    """A call of the language model; `failure` is the code of its error, or null."""

    purpose: CallPurpose
    model: str
    input_tokens: int
    output_tokens: int
    failure: str | None


@dataclass(frozen=True, slots=True)
class TraceThresholds:
    """The thresholds that the decision and the checks were compared with."""

    strength_abstain: float
    strength_answered: float
    strength_related: float
    certainty_abstain: float
    certainty_answered: float
    score_partial: float
    score_partial_with_quote: float
    score_verified: float
    contradiction: float


@dataclass(frozen=True, slots=True)
class Trace:
    """Why an answer came out as it did: what was searched, what was found and chosen, and how it was checked."""

    question: TraceQuestion
    searches: tuple[TraceSearch, ...]
    sentences: tuple[TraceSentence, ...]
    decision: TraceDecision
    checks: tuple[TraceCheck, ...]
    model_calls: tuple[TraceCall, ...]
    thresholds: TraceThresholds
