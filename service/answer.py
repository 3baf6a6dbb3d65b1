"""The reply: its records as `docs/api.md` describes them, field for field, its text with citations, and its JSON."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cache
from typing import Any, Literal

from pydantic import TypeAdapter

from index.generation import Generation
from index.markup import without_numbers
from index.records import Article, isoformat
from service.citations.dates import resolved_dates
from service.readers.catalogue import ArticleCount
from service.records import (
    AnswerWarning,
    Citation,
    Conflict,
    Correction,
    Development,
    DraftSentence,
    Duplicate,
    Highlight,
    Mode,
    Passage,
    Question,
    Quote,
    Scores,
    Source,
    Status,
    StatusReason,
    Unsupported,
    Usage,
    Verdict,
    Verification,
)
from service.trace import Trace

STALE = "stale"
"""Code of the warning that a question about the present was answered from old articles."""

_UNITS = (("years", 365.25, 1.5), ("months", 30.44, 1.5), ("weeks", 7, 2), ("days", 1, 0))
"""Units of an age with their days, and the number of units from which an age is given in them, as in the widget."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """Dates of publication of the newest and oldest source and of the newest cited one; when the index was built."""

    newest_source_at: str | None
    oldest_source_at: str | None
    index_updated_at: str
    newest_cited_at: str | None = None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """The question that was searched for, and the parameters of the search."""

    standalone_question: str
    mode: Mode
    filters_applied: dict[str, Any]
    filters_inferred: tuple[str, ...]
    candidates: int


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
    """The reader, the model, the prompt and the generation of an answer."""

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
    usage: Usage
    timings_ms: Timings
    versions: Versions
    warnings: tuple[AnswerWarning, ...]
    conflicts: tuple[Conflict, ...] = ()
    developments: tuple[Development, ...] = ()
    corrections: tuple[Correction, ...] = ()
    uncovered: tuple[str, ...] = ()
    independent_sources: int = 0
    as_of: str | None = None
    counted: ArticleCount | None = None
    ask_next: tuple[str, ...] = ()
    permalink: str | None = None
    trace: Trace | None = None
    cached: bool = False
    object: Literal["answer"] = "answer"
    offset_unit: Literal["unicode_code_points"] = "unicode_code_points"

    def __post_init__(self) -> None:
        """Set the verdict to the worst finding; `answered` needs supported citations that span the complete text.

        An answer that is shown unchecked (citation modes `markers` and `off`) is therefore `weak` at best. What the
        catalogue counted needs no citation.
        """
        end, uncited = 0, ""
        for citation in sorted(self.citations, key=lambda citation: citation.start_index):
            uncited += self.answer[end : citation.start_index]
            end = max(end, citation.end_index)
        uncited += self.answer[end:]
        if self.counted:
            uncited = uncited.removeprefix(self.counted.statement)
        is_checked = all(each.verification.status != "unverified" for each in self.citations) and not uncited.strip()
        findings: dict[Verdict, bool] = {
            "none": self.status == "not_in_sources",
            "conflict": bool(self.conflicts),
            "interrupted": self.status_reason == "interrupted",
            "withheld": bool(self.unsupported) or self.status_reason == "unsupported_withheld",
            "stale": any(warning.code == STALE for warning in self.warnings),
            "weak": self.status == "partial" or not is_checked,
        }
        verdict = next((verdict for verdict, is_found in findings.items() if is_found), "answered")
        object.__setattr__(self, "verdict", verdict)


@dataclass(frozen=True, slots=True)
class SearchTimings:
    """Milliseconds of a search."""

    retrieve: int
    total: int


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The passages for a question that no reader was given."""

    sources: tuple[Source, ...]
    retrieval: Retrieval
    timings_ms: SearchTimings
    as_of: str | None = None
    object: Literal["search"] = "search"


@dataclass(frozen=True, slots=True)
class Started:
    """The first event of a stream."""

    id: str
    created_at: str
    type: str = field(default="answer.started", init=False)


@dataclass(frozen=True, slots=True)
class RetrievalCompleted:
    """The sources that were found, before the answer's text; markers are still null."""

    retrieval: Retrieval
    sources: tuple[Source, ...]
    freshness: Freshness
    type: str = field(default="retrieval.completed", init=False)


@dataclass(frozen=True, slots=True)
class AnswerDelta:
    """The next part of the answer: whole sentences, in mode `verified` checked ones."""

    text: str
    type: str = field(default="answer.delta", init=False)


@dataclass(frozen=True, slots=True)
class CitationAdded:
    """A citation of the sentence of the last delta."""

    citation: Citation
    type: str = field(default="citation.added", init=False)


@dataclass(frozen=True, slots=True)
class Completed:
    """The last event: the complete answer."""

    answer: Answer
    type: str = field(default="answer.completed", init=False)


Event = Started | RetrievalCompleted | AnswerDelta | CitationAdded | Completed


@dataclass(slots=True)
class Composition:
    """The text and citations of an answer, sentence by sentence; markers are numbered [1], [2], … by first use."""

    passages: Sequence[Passage]
    text: str = ""
    citations: list[Citation] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def add(self, draft: DraftSentence, quotes: Sequence[Quote]) -> tuple[str, list[Citation]]:
        """Append a sentence with the quotes that support it; return the added text and citations.

        Each quote is from a passage that the sentence cites. A marker whose passage has no quote is removed.
        """
        for quote in quotes:
            self._numbers.setdefault(quote.passage.key, len(self._numbers) + 1)
        sentence = _rendered(draft, {quote.passage.key: self._numbers[quote.passage.key] for quote in quotes})
        delta = f" {sentence}" if self.text else sentence
        self.text += delta
        citations = [
            Citation(
                id=f"cit_{number}",
                marker=self._numbers[quote.passage.key],
                source_id=f"src_{self.passages.index(quote.passage) + 1}",
                article_id=quote.passage.article.article_id,
                start_index=len(self.text) - len(sentence),
                end_index=len(self.text),
                cited_text=quote.text,
                start_char_index=quote.span.start,
                end_char_index=quote.span.end,
                verification=Verification(quote.status, quote.method, quote.score),
                highlight=Highlight(*quote.highlight) if quote.highlight else None,
                dates=resolved_dates(quote.passage.article, quote.span),
            )
            for number, quote in enumerate(quotes, len(self.citations) + 1)
        ]
        self.citations += citations
        return delta, citations

    def article(self, citation: Citation) -> Article:
        """Return the article that a citation quotes."""
        return next(each.article for each in self.passages if each.article.article_id == citation.article_id)

    def sources(self, *, with_text: bool = False) -> tuple[Source, ...]:
        """Return all passages as sources, those that are cited so far with their marker."""
        return tuple(
            Source(
                id=f"src_{number}",
                marker=self._numbers.get(passage.key),
                article_id=passage.article.article_id,
                chunk_id=passage.chunk.chunk_id,
                title=passage.article.title,
                url=passage.article.url,
                source=passage.article.source,
                published_at=isoformat(passage.article.published_at),
                snippet=passage.chunk.text,
                start_char_index=passage.chunk.start_char,
                end_char_index=passage.chunk.end_char,
                score=passage.score,
                scores=Scores(passage.dense, passage.lexical),
                cited=passage.key in self._numbers,
                language=passage.article.language,
                duplicates=tuple(
                    Duplicate(each.article_id, each.title, each.source, each.url) for each in passage.copies
                ),
                text=passage.chunk.text if with_text else None,
            )
            for number, passage in enumerate(self.passages, 1)
        )

    def cited_keys(self) -> frozenset[str]:
        """Return the keys of the passages that are cited so far."""
        return frozenset(self._numbers)

    def independent_sources(self) -> int:
        """Return the number of stories among the cited articles."""
        return independent_stories(passage for passage in self.passages if passage.key in self._numbers)


def _rendered(draft: DraftSentence, numbers: dict[str, int]) -> str:
    """Return a sentence with the markers of these passages at their places, a space before each, and no others."""
    text = words = ""
    for part in draft.parts:
        if isinstance(part, str):
            words += part
        elif markers := "".join(f"[{numbers[key]}]" for key in part if key in numbers):
            text += without_numbers(words)
            text += markers if text.endswith("]") or not text else f" {markers}"
            words = ""
    return (text + without_numbers(words)).strip()


def retrieval(question: Question, standalone: str, candidates: int, inferred: tuple[str, ...] = ()) -> Retrieval:
    """Return the report of a search; its filters are those that are set, as JSON values, and those inferred."""
    filters: dict[str, Any] = {}
    for name, value in asdict(question.filters).items():
        if value:
            filters[name] = isoformat(value) if isinstance(value, datetime) else list(value)
    return Retrieval(standalone, question.mode, filters, inferred, candidates)


def independent_stories(passages: Iterable[Passage]) -> int:
    """Return the number of different stories of passages: copies count once."""
    versions = [[each.article_id for each in (passage.article, *passage.copies)] for passage in passages]
    return len({min(ids) for ids in versions})


def freshness(generation: Generation, sources: tuple[Source, ...]) -> Freshness:
    """Return the dates of the oldest and newest source, of the newest that is cited, and of the index."""
    dates = [source.published_at for source in sources if source.published_at]
    cited = [source.published_at for source in sources if source.cited and source.published_at]
    return Freshness(
        newest_source_at=max(dates, default=None),
        oldest_source_at=min(dates, default=None),
        index_updated_at=generation.manifest.created_at,
        newest_cited_at=max(cited, default=None),
    )


def day(moment: datetime | str | None) -> str:
    """Return a date as "31 March 2026", or "undated"; a text is in ISO 8601."""
    known = datetime.fromisoformat(moment) if isinstance(moment, str) else moment
    return f"{known.day} {known:%B %Y}" if known else "undated"


def age(moment: datetime, now: datetime) -> str:
    """Return how long ago a day was: "today", "3 weeks ago", "8 months ago"; empty for a day in the future."""
    days = (now.date() - moment.date()).days
    if days < 0:
        return ""
    if days < 2:
        return ("today", "yesterday")[days]
    unit, length = next((unit, length) for unit, length, least in _UNITS if days >= least * length)
    return f"{round(days / length)} {unit} ago"


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    return TypeAdapter(kind)


def to_json(record: object) -> str:
    """Return a record as one JSON object."""
    kind: type = type(record)
    return _adapter(kind).dump_json(record).decode()


def as_json(record: object) -> dict[str, Any]:
    """Return a record as JSON values."""
    kind: type = type(record)
    values: dict[str, Any] = _adapter(kind).dump_python(record, mode="json")
    return values


def event_data(event: Event) -> dict[str, Any]:
    """Return an event's data as JSON values, with its `type`; the last event has the complete reply."""
    data = as_json(event)
    return {"type": data.pop("type"), **(data["answer"] if isinstance(event, Completed) else data)}
