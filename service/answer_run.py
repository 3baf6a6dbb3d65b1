"""The state of one question, and the answer that it becomes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import uuid4

from index.generation import Generation
from index.records import Span, isoformat
from service.answer import (
    STALE,
    Answer,
    Composition,
    Timings,
    Versions,
    age,
    day,
    freshness,
    retrieval,
)
from service.citations.verify import Check
from service.conflicts.findings import Findings, findings
from service.conflicts.pair_reader import ReadTexts
from service.corrections import corrected_warning, corrections_of, is_superseded
from service.period_answer import drafts_of_period
from service.prompts import count_tokens
from service.questions import asks_about_present
from service.readers.answerability import Judgement
from service.readers.catalogue import CATALOGUE, ArticleCount, examples
from service.readers.chat import ModelUse
from service.readers.evidence import Evidence
from service.readers.extractive import EXTRACTIVE, quoted, quotes
from service.readers.latest import newer_report
from service.readers.llm import LlmReader
from service.readers.parts import Side, sides
from service.readers.question_kind import FACT, QuestionKind
from service.records import (
    Abstained,
    AnswerWarning,
    Correction,
    Drafted,
    DraftSentence,
    Passage,
    Question,
    Source,
    Status,
    StatusReason,
    Unsupported,
)
from service.retrieve import Retrieved, Search
from service.time_window import AskedPeriod, Window, is_before
from service.trace import CallPurpose, TraceCall

NEWER_REPORT = "newer_report"
"""Code of the warning that a later article also speaks of what is quoted."""

CUT = "max_tokens"
"""Code of the warning that an answer was cut at its limit of tokens."""

BUDGET = "budget_exhausted"
"""Code of the warning that a language model was not asked, because a limit of the day is reached."""

ABSTENTIONS: dict[StatusReason, str] = {
    "no_articles": "No articles have been added yet.",
    "other_request": "We answer questions about what our articles report. We cannot advise, write or translate.",
    "outside_filters": "No articles match your filters.",
    "low_relevance": "We couldn't find this in our articles.",
    "no_verified_support": "We found related articles, but nothing in them clearly answers this.",
    "model_abstained": "The closest articles don't answer this.",
}
"""The text of an abstention, by reason."""

_FOLLOW_UP_REASONS = ("low_relevance", "no_verified_support", "model_abstained", "weak_evidence")
"""Reasons that an answer may have because its follow-up was read without the conversation."""


def stale_warning(
    question: Question, standalone: str, newest: str | None, now: datetime, after: timedelta
) -> AnswerWarning | None:
    """Return the warning of a question about the present whose newest cited article is older than `after`.

    `newest` is its date of publication, or None if that is unknown; then the result is None. A question with an upper
    limit of dates is about the past.
    """
    if newest is None or question.filters.published_before or not asks_about_present(standalone):
        return None
    published = datetime.fromisoformat(newest)
    if now - published <= after:
        return None
    return AnswerWarning(
        STALE,
        f"The latest article quoted is from {day(published)}, {age(published, now)}. Things may have changed since.",
    )


def newer_warning(question: str, evidence: Evidence) -> AnswerWarning | None:
    """Return the warning that a later article speaks of the state that is quoted first, if one does."""
    chosen = quoted(question, evidence)[:1] if evidence.latest == "state" and not evidence.parts else ()
    later = newer_report(question, evidence, chosen[0]) if chosen and chosen[0].answer else None
    if later is None:
        return None
    return AnswerWarning(NEWER_REPORT, f"A later article, of {day(later)}, may say something new about this.")


@dataclass(frozen=True, slots=True)
class CheckedSentence:
    """A sentence with its check, and its place in the answer, None if it is withheld."""

    draft: DraftSentence
    check: Check
    place: Span | None


@dataclass(slots=True)
class AnswerRun:
    """The state of one question: its generation, its model, and everything that its answer reports."""

    question: Question
    generation: Generation
    llm: LlmReader | None  # None if sentences of the articles are quoted
    created: datetime
    independent: str = ""  # the question without its conversation
    standalone: str = ""  # as it is searched
    turn: str = ""  # the last turn alone, if the question has a topic beside it
    kind: QuestionKind = FACT
    counted: ArticleCount | None = None
    period: AskedPeriod | None = None  # if the question is about some days and nothing else
    candidates: int = 0
    window: Window | None = None  # of the date words of the question
    inferred: tuple[str, ...] = ()  # filters from the window, if it is used
    evidence: Evidence = field(default_factory=lambda: Evidence((), 0.0))
    composition: Composition = field(default_factory=lambda: Composition(()))
    unsupported: list[Unsupported] = field(default_factory=list)
    withheld: int = 0  # characters of all withheld sentences; `unsupported` has their beginnings
    warnings: list[AnswerWarning] = field(default_factory=list)
    caution: AnswerWarning | None = None  # for an answer that suffers from reading a follow-up alone
    use: ModelUse = field(default_factory=ModelUse)
    abstained: bool = False
    is_weak: bool = False  # the evidence for quotes
    judgement: Judgement | None = None  # of quotes, if they were judged
    searches: list[tuple[Search, Retrieved]] = field(default_factory=list)
    checked: list[CheckedSentence] = field(default_factory=list)
    calls: list[TraceCall] = field(default_factory=list)  # of the model
    corrections: tuple[Correction, ...] = ()
    findings: Findings = field(default_factory=Findings)
    is_superseded: bool = False  # a quoted value is corrected by an article that is not quoted
    reason: StatusReason | None = None  # why reading did not begin, or did not end
    id: str = field(default_factory=lambda: f"ans_{uuid4().hex}")
    _began: float = field(default_factory=time.perf_counter)
    _spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Add the time of the block to a step."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._spent[step] = self._spent.get(step, 0.0) + time.perf_counter() - began

    @property
    def cited(self) -> Sequence[Passage]:
        """The passages that the answer cites so far."""
        keys = self.composition.cited_keys()
        return [passage for passage in self.composition.passages if passage.key in keys]

    def quotes(self) -> Iterator[DraftSentence]:
        """Yield the sentences of the articles that answer, without a model."""
        if self.counted:
            return examples(self.counted.words, self.composition.passages)
        if self.period:
            return drafts_of_period(self.composition.passages, self.period.days)
        return quotes(self.standalone, self.evidence)

    def uncovered(self) -> tuple[str, ...]:
        """Return the sides of a comparison that no quote of the answer is about."""
        quotes = [(each.article_id, each.cited_text) for each in self.composition.citations]

        def is_covered(side: Side) -> bool:
            return any(
                side.is_in(passage, text)
                for article_id, text in quotes
                for passage in self.cited
                if passage.article.article_id == article_id
            )

        return tuple(side.name for side in sides(self.standalone) if quotes and not is_covered(side))

    def sources(self) -> tuple[Source, ...]:
        """Return the passages as sources, with their texts if the question includes them."""
        return self.composition.sources(with_text="text" in self.question.include)

    @property
    def now(self) -> datetime:
        """The moment at which the question is asked, or is to be answered."""
        return self.question.as_of or self.created

    def warn(self, code: str, message: str) -> None:
        """Add a warning to the answer."""
        self.warnings.append(AnswerWarning(code, message))

    def is_full(self, draft: Drafted, model: str) -> bool:
        """Return whether a draft would exceed the limit of the answer in tokens; the first sentence never does."""
        limit, text = self.question.max_tokens, self.composition.text
        if limit is None or not text or isinstance(draft, Abstained) or not draft.text.strip():
            return False
        return count_tokens(f"{text} {draft.text}", model) > limit

    def cut(self) -> None:
        """End the answer before its next sentence."""
        self.reason = "interrupted"
        self.warn(CUT, "The answer was cut off at the length that was asked for.")

    def quote_instead(self) -> None:
        """Quote sentences, because the budget of the language model is used up."""
        self.llm = None
        self.warn(BUDGET, "Sentences of the articles are quoted, as today's budget of the language model is used up.")

    def called(self, purpose: CallPurpose, model: str, failure: str | None = None) -> None:
        """Add a call of the model that has ended, with its tokens and the code of its failure."""
        sent, received = self.use.usage.input_tokens, self.use.usage.output_tokens
        sent -= sum(each.input_tokens for each in self.calls)
        received -= sum(each.output_tokens for each in self.calls)
        self.calls.append(TraceCall(purpose, model, sent, received, failure))

    def repeated(self, kept: Answer) -> Answer:
        """Return an answer that was composed before as that to this question: its id, its moment, its own costs."""
        return replace(
            kept,
            id=self.id,
            created_at=isoformat(self.created, "milliseconds"),
            usage=self.use.usage,
            timings_ms=Timings(total=round((time.perf_counter() - self._began) * 1000)),
            cached=True,
        )

    def status(self) -> tuple[Status, StatusReason | None]:
        """Return the status of the answer and its reason."""
        text = self.composition.text
        if not text:
            return "not_in_sources", self.reason or ("model_abstained" if self.abstained else "no_verified_support")
        if self.reason:
            return "partial", self.reason
        if self.withheld > len(text):
            return "partial", "unsupported_withheld"
        cited = [self.composition.article(each) for each in self.composition.citations]
        if self.is_weak or self.is_superseded or (self.llm is None and self.window and is_before(cited, self.window)):
            return "partial", "weak_evidence"
        return "answered", None

    def find_corrections(self) -> None:
        """Find the corrections of the articles that are cited."""
        articles = [passage.article for passage in self.composition.passages]
        citations = self.composition.citations
        self.corrections = corrections_of(citations, articles, self.generation, self.question.as_of)
        self.is_superseded = is_superseded(self.standalone, self.corrections, citations, articles)

    def find_conflicts(self, read: ReadTexts | None = None) -> None:
        """Find where other articles differ from what is cited, and how it developed; `read` is of a pair reader.

        The two sides of a comparison differ by right, and what is quoted of a period or a subject is of many facts.
        """
        if self.period or self.counted or self.kind.name == "summary":
            return
        found = findings(
            self.standalone,
            self.composition.citations,
            self.composition.passages,
            self.evidence.sentences,
            [each.corrected_by for each in self.corrections if each.corrected_by],
            read,
        )
        self.findings = replace(found, conflicts=()) if sides(self.standalone) else found

    def answer(self, stale_after: timedelta) -> Answer:
        """Return the complete answer."""
        status, reason = self.status()
        sources = self.sources()
        fresh = freshness(self.generation, sources)
        stale = stale_warning(self.question, self.standalone, fresh.newest_cited_at, self.now, stale_after)
        corrected = corrected_warning(self.corrections)
        is_quoted = self.llm is None and self.composition.citations
        newer = newer_warning(self.standalone, self.evidence) if is_quoted else None
        caution = self.caution if reason in _FOLLOW_UP_REASONS else None
        spent = self._spent | {"total": time.perf_counter() - self._began}
        # Sentences are verified while the reader drafts.
        spent["read"] = max(0.0, spent.get("read", 0.0) - spent.get("verify", 0.0))
        manifest = self.generation.manifest
        return Answer(
            id=self.id,
            created_at=isoformat(self.created, "milliseconds"),
            status=status,
            status_reason=reason,
            answer=self.composition.text or ABSTENTIONS[reason or "no_verified_support"],
            citations=tuple(self.composition.citations),
            independent_sources=self.composition.independent_sources(),
            counted=self.counted,
            uncovered=self.uncovered(),
            unsupported=tuple(self.unsupported),
            sources=sources,
            freshness=fresh,
            retrieval=retrieval(self.question, self.standalone, self.candidates, self.inferred),
            usage=self.use.usage,
            timings_ms=Timings(**{step: round(seconds * 1000) for step, seconds in spent.items()}),
            versions=Versions(
                reader=CATALOGUE if self.counted else self.llm.name if self.llm else EXTRACTIVE,
                model=self.llm.model if self.llm else None,
                prompt=self.llm.prompt if self.llm else None,
                embedding_model=manifest.configuration.embedding_model,
                generation=manifest.generation,
            ),
            warnings=(*self.warnings, *(warning for warning in (caution, stale, corrected, newer) if warning)),
            conflicts=self.findings.conflicts,
            developments=self.findings.developments,
            corrections=self.corrections,
            as_of=isoformat(self.question.as_of),
        )
