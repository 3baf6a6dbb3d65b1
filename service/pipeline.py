"""The way of a question: standalone → retrieve → read → verify. Read `Pipeline.stream` first."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from index.embedding import Embedder
from index.generation import Generation
from index.library import Library
from index.records import isoformat
from index.terms import words
from service.answer import (
    Answer,
    AnswerDelta,
    CitationAdded,
    Completed,
    Composition,
    Event,
    Freshness,
    RetrievalCompleted,
    SearchResult,
    SearchTimings,
    Started,
    Timings,
    Unsupported,
    Versions,
    freshness,
    retrieval,
)
from service.citations.stream import draft_sentences
from service.citations.verify import Verifier
from service.errors import NoLanguageModel, ReaderFailed
from service.prompts import Prompts, new_fence
from service.readers.base import Reader, Reading
from service.readers.chat import Chat
from service.readers.evidence import SentenceScorer
from service.readers.extractive import Calibration, ExtractiveReader
from service.readers.llm import LlmReader
from service.records import (
    Abstained,
    AnswerWarning,
    DraftSentence,
    Passage,
    Question,
    Status,
    StatusReason,
    Usage,
)
from service.retrieve import Retrieved, retrieve
from service.staleness import stale_warning
from service.standalone import standalone_question

ABSTENTIONS: dict[StatusReason, str] = {
    "no_articles": "No articles have been added yet.",
    "outside_filters": "No articles match your filters.",
    "low_relevance": "We couldn't find this in our articles.",
    "no_verified_support": "We found related articles, but nothing in them clearly answers this.",
    "model_abstained": "The closest articles don't answer this.",
}
"""The text of an answer without one, by reason."""

_FOLLOW_UP_MATTERS = ("low_relevance", "no_verified_support", "model_abstained", "weak_evidence")
"""Reasons that an answer may have because its question was read without the conversation."""


def utc_now() -> datetime:
    """Return the current time in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers questions from the current generation; `llm` and `chat` are None where no model is set.

    `fence` makes the code of a prompt's fences. `clock` is the time of a question: a prompt mentions it, and an
    article older than `stale_after` makes an answer about the present stale. Both are fixed for tests and evaluations.
    """

    library: Library
    embedder: Embedder
    scorer: SentenceScorer
    calibration: Calibration
    verifier: Verifier
    extractive: ExtractiveReader
    prompts: Prompts
    stale_after: timedelta
    chat: Chat | None = None
    llm: LlmReader | None = None
    fence: Callable[[], str] = new_fence
    clock: Callable[[], datetime] = utc_now

    async def ask(self, question: Question) -> Answer:
        """Return the complete answer; raises QuestionRefused, IndexUnavailable or EmbeddingFailed."""
        async with aclosing(self.stream(question)) as events:
            async for event in events:
                if isinstance(event, Completed):
                    return event.answer
        raise AssertionError("a stream ends with its answer")

    async def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        """Yield the events of an answer: its sources, each sentence once it is verified, the complete answer."""
        self.check(question)
        async with self.pinned() as generation:
            run = self._run(question, generation, self._reader(question))
            yield run.started()
            await self._standalone(run)
            found = await self._retrieve(run)
            yield run.retrieval_completed()
            reading = await self._score(run, found)
            reader = self._relevant(run, reading, found.reason)
            while reader is not None:
                try:
                    async with self._read(run, reader, reading) as drafts:
                        async for draft in drafts:
                            for event in await self._verify(run, draft):
                                yield event
                    reader = None
                except ReaderFailed as failure:
                    reader = self._fall_back(run, reading, failure)
            for event in self._conclude(run, reading):
                yield event

    async def search(self, question: Question) -> SearchResult:
        """Return the passages for a question, without reading them; raises IndexUnavailable or EmbeddingFailed."""
        began = time.perf_counter()
        async with self.pinned() as generation:
            run = self._run(question, generation, self.extractive)
            run.standalone = question.text
            found = await self._retrieve(run)
            spent = round((time.perf_counter() - began) * 1000)
            return SearchResult(
                sources=run.composition.sources(),
                retrieval=retrieval(question, question.text, found.candidates),
                timings_ms=SearchTimings(retrieve=spent, total=spent),
            )

    @asynccontextmanager
    async def pinned(self) -> AsyncIterator[Generation]:
        """Pin the current generation until the block ends; open the index first, off the event loop, if it is not."""
        while (pin := self.library.pin()) is None:
            await asyncio.to_thread(self.library.open)
        try:
            yield pin.generation
        finally:
            if self.library.unpin(pin):
                # Closing removes files, which may take long.
                await asyncio.to_thread(pin.generation.close)

    def check(self, question: Question) -> None:
        """Raise QuestionRefused where a question asks for a reader that this pipeline does not have."""
        if question.reader == "llm" and self.llm is None:
            raise NoLanguageModel(
                "reader is 'llm', but no language model is set", "reader", "Set DATELINE_LLM_MODEL, or use 'auto'."
            )

    async def close(self) -> None:
        """Close the index and the connections to the language model and the embedder."""
        await asyncio.to_thread(self.library.close)
        self.embedder.close()
        if self.chat is not None:
            await self.chat.aclose()

    def _run(self, question: Question, generation: Generation, reader: Reader) -> "AnswerRun":
        return AnswerRun(question, generation, reader, self.clock(), self.stale_after)

    def _reader(self, question: Question) -> Reader:
        return self.extractive if question.reader == "extractive" or self.llm is None else self.llm

    async def _standalone(self, run: "AnswerRun") -> None:
        """Find out what the question means without the conversation."""
        chat = None if run.reader.quotes_only else self.chat
        with run.timed("standalone"):
            standalone = await standalone_question(
                run.question, chat, self.prompts, fence=self.fence, safety=self.verifier.safety
            )
        run.standalone = standalone.text
        run.usage += standalone.usage
        run.follow_up = standalone.caution

    async def _retrieve(self, run: "AnswerRun") -> Retrieved:
        """Retrieve the passages that the reader will see."""
        question = run.question
        with run.timed("retrieve"):
            found = await asyncio.to_thread(
                retrieve,
                run.generation,
                self.embedder,
                run.standalone,
                filters=question.filters,
                mode=question.mode,
                count=question.top_k,
            )
        run.candidates = found.candidates
        run.composition = Composition(await run.reader.fit(found.passages))
        return found

    async def _score(self, run: "AnswerRun", found: Retrieved) -> Reading:
        """Score the sentences of the passages as evidence for the question."""
        passages = run.composition.passages
        with run.timed("read"):
            evidence = await asyncio.to_thread(
                self.scorer.score, run.standalone, found.vector, passages, run.generation.lexical
            )
        return Reading(run.standalone, passages, evidence, run.created.date().isoformat())

    def _relevant(self, run: "AnswerRun", reading: Reading, reason: StatusReason | None = None) -> Reader | None:
        """Return the run's reader, or None where the passages are about something else or there are none."""
        least = self.calibration.abstain if run.reader.quotes_only else self.calibration.off_topic
        is_related = reading.evidence.strength >= least or _is_headline(reading.question, reading.passages)
        run.reason = reason or (None if is_related else "low_relevance")
        return run.reader if run.reason is None else None

    @asynccontextmanager
    async def _read(
        self, run: "AnswerRun", reader: Reader, reading: Reading
    ) -> AsyncIterator[AsyncGenerator[DraftSentence | Abstained | Usage, None]]:
        """Open the draft of a reader as sentences; closing it ends the call to a model."""
        with run.timed("read"):
            async with (
                aclosing(reader.read(reading)) as drafted,
                aclosing(draft_sentences(drafted, [passage.key for passage in reading.passages])) as drafts,
            ):
                yield drafts

    async def _verify(self, run: "AnswerRun", draft: DraftSentence | Abstained | Usage) -> list[Event]:
        """Return the events of one sentence; a sentence that is withheld has none."""
        if isinstance(draft, Usage):
            run.usage += draft
        elif isinstance(draft, Abstained):
            run.abstained = True
        elif draft.text.strip():
            passages = {passage.key: passage for passage in run.composition.passages}
            with run.timed("verify"):
                check = await asyncio.to_thread(self.verifier.verify, draft, passages, run.question.citations)
            if not check.withheld:
                delta, citations = run.composition.add(draft, check.quotes)
                return [AnswerDelta(delta), *map(CitationAdded, citations)]
            run.withheld += len(draft.text)
            run.unsupported.append(Unsupported(self.verifier.safety.excerpt(draft.text), check.withheld))
        return []

    def _fall_back(self, run: "AnswerRun", reading: Reading, failure: ReaderFailed) -> Reader | None:
        """Return the reader that quotes instead of a model that failed, or None once a sentence was shown."""
        run.warn(failure.code, failure.public)
        if run.composition.text:
            run.reason = "interrupted"
            return None
        run.reader = self.extractive
        run.unsupported.clear()
        run.withheld = 0
        run.warn("answered_without_model", "Sentences of the articles are quoted, as the language model failed.")
        return self._relevant(run, reading)

    def _conclude(self, run: "AnswerRun", reading: Reading) -> Iterator[Event]:
        """Yield the last events: the text of an abstention, and the complete answer."""
        status, reason = self._status(run, reading)
        if reason is not None and reason in ABSTENTIONS:
            run.composition.text = ABSTENTIONS[reason]
            yield AnswerDelta(run.composition.text)
        yield Completed(run.answer(status, reason))

    def _status(self, run: "AnswerRun", reading: Reading) -> tuple[Status, StatusReason | None]:
        text = run.composition.text
        if not text:
            return "not_in_sources", run.reason or ("model_abstained" if run.abstained else "no_verified_support")
        if run.reason:
            return "partial", run.reason
        if run.withheld > len(text):
            return "partial", "unsupported_withheld"
        if run.reader.quotes_only and self.calibration.answerability(reading.question, reading.evidence) != "answered":
            return "partial", "weak_evidence"
        return "answered", None


def _is_headline(question: str, passages: Sequence[Passage]) -> bool:
    """Return whether a question consists of the words of an article's title."""
    asked = words(question)
    return bool(asked) and any(asked == words(passage.article.title or "") for passage in passages)


@dataclass(slots=True)
class AnswerRun:
    """The state of one question: its generation, its reader, and everything that its answer reports."""

    question: Question
    generation: Generation
    reader: Reader
    created: datetime
    stale_after: timedelta
    standalone: str = ""
    candidates: int = 0
    composition: Composition = field(default_factory=lambda: Composition(()))
    unsupported: list[Unsupported] = field(default_factory=list)
    withheld: int = 0  # characters of all withheld sentences, of which `unsupported` has the beginnings
    warnings: list[AnswerWarning] = field(default_factory=list)
    follow_up: AnswerWarning | None = None
    usage: Usage = field(default_factory=Usage)
    abstained: bool = False
    reason: StatusReason | None = None  # why reading did not begin or did not end
    id: str = field(default_factory=lambda: f"ans_{uuid4().hex}")
    _began: float = field(default_factory=time.perf_counter)
    _spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Count the time of the block for a step, which may come more than once."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._spent[step] = self._spent.get(step, 0.0) + time.perf_counter() - began

    def warn(self, code: str, message: str) -> None:
        """Add a warning to the answer."""
        self.warnings.append(AnswerWarning(code, message))

    def started(self) -> Started:
        """Return the event that an answer has begun."""
        return Started(self.id, isoformat(self.created, "milliseconds"))

    def retrieval_completed(self) -> RetrievalCompleted:
        """Return the event with the sources."""
        sources = self.composition.sources()
        searched = retrieval(self.question, self.standalone, self.candidates)
        return RetrievalCompleted(searched, sources, freshness(self.generation, sources))

    def answer(self, status: Status, reason: StatusReason | None) -> Answer:
        """Return the complete answer."""
        sources = self.composition.sources()
        fresh = freshness(self.generation, sources)
        return Answer(
            id=self.id,
            created_at=isoformat(self.created, "milliseconds"),
            status=status,
            status_reason=reason,
            answer=self.composition.text,
            citations=tuple(self.composition.citations),
            unsupported=tuple(self.unsupported),
            sources=sources,
            freshness=fresh,
            retrieval=retrieval(self.question, self.standalone, self.candidates),
            usage=self.usage,
            timings_ms=self._timings(),
            versions=self._versions(),
            warnings=(*self.warnings, *self._cautions(reason, fresh)),
        )

    def _cautions(self, reason: StatusReason | None, fresh: Freshness) -> Iterator[AnswerWarning]:
        """Yield the warnings that depend on the complete answer."""
        if self.follow_up and reason in _FOLLOW_UP_MATTERS:
            yield self.follow_up
        stale = stale_warning(self.question, self.standalone, fresh.newest_cited_at, self.created, self.stale_after)
        if stale:
            yield stale

    def _timings(self) -> Timings:
        spent = self._spent | {"total": time.perf_counter() - self._began}
        # Sentences are verified while the reader drafts.
        spent["read"] = max(0.0, spent.get("read", 0.0) - spent.get("verify", 0.0))
        return Timings(**{step: round(seconds * 1000) for step, seconds in spent.items()})

    def _versions(self) -> Versions:
        manifest = self.generation.manifest
        return Versions(
            reader=self.reader.name,
            model=self.reader.model,
            prompt=self.reader.prompt,
            embedding_model=manifest.configuration.embedding_model,
            generation=manifest.generation,
        )
