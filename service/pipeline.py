"""Answer a question: standalone → retrieve → read → verify. Read `Pipeline.stream` first."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Sequence
from contextlib import AbstractContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from index.embedding import Embedder
from index.generation import Generation
from index.library import Library
from index.records import NO_BOUNDS, Article, Filters, Span, isoformat
from index.text import words
from service.answer import (
    Answer,
    AnswerDelta,
    CitationAdded,
    Completed,
    Composition,
    Event,
    RetrievalCompleted,
    SearchResult,
    SearchTimings,
    Started,
    freshness,
    retrieval,
)
from service.answer_cache import AnswerCache
from service.answer_run import AnswerRun, CheckedSentence
from service.citations.verify import Verifier
from service.conflicts.pair_reader import PairReader
from service.errors import NoLanguageModel, ReaderFailed
from service.explanation import thresholds_of, trace_of
from service.period_answer import retrieve_period
from service.prompts import Prompts, new_fence
from service.questions import capitalised, search_text
from service.readers.answerability import Calibration
from service.readers.catalogue import count_articles
from service.readers.chat import Chat
from service.readers.evidence import SentenceScorer
from service.readers.extractive import quoted
from service.readers.llm import PROMPT as ANSWER_PROMPT
from service.readers.llm import LlmReader
from service.readers.parts import sides
from service.readers.question_kind import FACT, kind_of
from service.readers.span_reader import SpanReader
from service.readers.told import untold
from service.records import (
    Abstained,
    Drafted,
    DraftSentence,
    Passage,
    Question,
    StatusReason,
    Unsupported,
    Usage,
)
from service.retrieve import Retrieved, Search, joined, search
from service.spend import Budget
from service.standalone import PROMPT as STANDALONE_PROMPT
from service.standalone import standalone_parts, standalone_question
from service.telemetry import OFF, Telemetry
from service.time_window import (
    AskedPeriod,
    asked_period,
    at_time,
    has_best,
    inferred,
    is_as_close,
    is_before,
    narrowed,
    time_window,
    wants_latest,
)

NOT_SEARCHED = Retrieved((), np.empty(0, dtype=np.float32), 0, "other_request")
"""The passages for a request that articles cannot answer."""

PASSAGES_OF_SIDE = 2
"""Passages that are added for a side of a comparison that no passage names."""


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers questions from the current generation; `llm` and `chat` are None without a language model.

    `fence` makes the code of a prompt's fences. `clock` gives the time of a question without `as_of`: a prompt mentions
    it, and an article older than `stale_after` makes an answer about the present stale. Both are fixed for tests and
    evaluations. `finish` adds to a complete answer what only a service has; it also gets the articles that the answer
    may cite. `spent` gets what each question cost of the model, once and however it ended, and with None what the
    suggestions cost; `budget` says whether the model may be asked. `cache` keeps answers. An evaluation has neither.
    `telemetry` makes the spans of retrievals. It and the budget are closed with the pipeline.
    """

    library: Library
    embedder: Embedder
    scorer: SentenceScorer
    calibration: Calibration
    verifier: Verifier
    prompts: Prompts
    stale_after: timedelta
    chat: Chat | None = None
    llm: LlmReader | None = None
    span_reader: SpanReader | None = None
    pair_reader: PairReader | None = None
    fence: Callable[[], str] = new_fence
    finish: Callable[[Question, Answer, Sequence[Article]], Answer] | None = None
    spent: Callable[[Question | None, Usage], None] | None = None
    budget: Budget | None = None
    cache: AnswerCache | None = None
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    telemetry: Telemetry = OFF

    @property
    def configuration(self) -> tuple[object, ...]:
        """Return what answers depend on besides the question, the day and the index."""
        prompts = [self.prompts.digest(name) for name in (ANSWER_PROMPT, STANDALONE_PROMPT)]
        model = self.llm.model if self.llm else None
        thresholds = self.verifier.support.thresholds
        return model, prompts, self.calibration, thresholds, self.stale_after, self.span_reader is not None

    async def ask(self, question: Question) -> Answer:
        """Return the complete answer; raises QuestionRefused, IndexUnavailable or EmbeddingFailed."""
        async with aclosing(self.stream(question)) as events:
            async for event in events:
                if isinstance(event, Completed):
                    return event.answer
        raise AssertionError("a stream ends with its answer")

    async def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        """Yield the events of an answer: its sources, each sentence once it is verified, the complete answer."""
        if question.reader == "llm" and self.llm is None:
            raise NoLanguageModel(
                "reader is 'llm', but no language model is set", "reader", "Set DATELINE_LLM_MODEL, or use 'auto'."
            )
        llm = None if question.reader == "extractive" else self.llm
        async with self._run(question, llm) as run:
            yield Started(run.id, isoformat(run.created, "milliseconds"))
            kept = self.cache.get(run) if self.cache else None
            events = list(kept.events) if kept else []
            if kept:
                for event in events:
                    yield event
                answer, articles = run.repeated(kept.answer), kept.articles
            else:
                async with aclosing(self._events(run)) as composing:
                    async for event in composing:
                        events.append(event)
                        yield event
                answer = run.answer(self.stale_after)
                if "trace" in question.include:
                    thresholds = thresholds_of(self.calibration, self.verifier.support.thresholds)
                    answer = replace(answer, trace=trace_of(run, thresholds, self.verifier.safety.excerpt))
                articles = tuple(passage.article for passage in run.composition.passages)
                # Not an answer from an index that was replaced meanwhile: nothing would forget it.
                if self.cache and self.library.served == run.generation.name:
                    self.cache.put(run, answer, events)
            if self.finish:
                answer = self.finish(question, answer, articles)
            if answer.status == "not_in_sources":
                yield AnswerDelta(answer.answer)
            yield Completed(answer)

    async def search(self, question: Question) -> SearchResult:
        """Return the passages for a question, without reading them; raises IndexUnavailable or EmbeddingFailed."""
        began = time.perf_counter()
        async with self.pinned(question.bounds) as generation:
            searched = await asyncio.to_thread(search_text, question.text, generation.lexical)
            run = AnswerRun(question, generation, None, self.clock(), standalone=searched)
            found, _ = await self._retrieve(run)
            run.composition = Composition(found.passages)
            spent = round((time.perf_counter() - began) * 1000)
            return SearchResult(
                sources=run.sources(),
                retrieval=retrieval(question, run.standalone, found.candidates, run.inferred),
                timings_ms=SearchTimings(retrieve=spent, total=spent),
                as_of=isoformat(question.as_of),
            )

    @asynccontextmanager
    async def pinned(self, bounds: Filters = NO_BOUNDS) -> AsyncIterator[Generation]:
        """Pin the current generation until the block ends; open a closed index first, off the event loop.

        With the bounds of a caller, it is the view of the articles within them.
        """
        while (pin := self.library.pin()) is None:
            await asyncio.to_thread(self.library.open)
        try:
            # The first request with these bounds computes the view.
            view = bounds != NO_BOUNDS
            yield await asyncio.to_thread(pin.generation.restricted, bounds) if view else pin.generation
        finally:
            if self.library.unpin(pin):
                # Closing removes files, which may take long.
                await asyncio.to_thread(pin.generation.close)

    @asynccontextmanager
    async def _run(self, question: Question, llm: LlmReader | None) -> AsyncIterator[AnswerRun]:
        """Pin the current generation for a question; report what it cost of the model, also if its caller leaves."""
        async with self.pinned(question.bounds) as generation:
            run = AnswerRun(question, generation, llm, self.clock())
            try:
                yield run
            finally:
                if self.spent and run.use.usage.llm_calls:
                    self.spent(question, run.use.usage)

    async def close(self) -> None:
        """Close the index and the connections to the language model and the embedder."""
        await asyncio.to_thread(self.library.close)
        self.embedder.close()
        if self.chat is not None:
            await self.chat.aclose()
        await asyncio.to_thread(self.telemetry.close)
        if self.budget:
            await asyncio.to_thread(self.budget.close)

    async def _events(self, run: AnswerRun) -> AsyncGenerator[Event, None]:
        """Yield the sources, and each sentence once it is verified; then the run can give the answer."""
        question, generation = run.question, run.generation
        with run.timed("standalone"):
            run.independent = await self._independent(run)
            # Off the event loop, because the first mistyped word reads a list of words.
            run.standalone = await asyncio.to_thread(search_text, run.independent, generation.lexical)
            run.kind, run.period = kind_of(run.standalone), asked_period(run.standalone, run.now)

        found = NOT_SEARCHED
        if run.kind.name == "count":
            await asyncio.to_thread(self._count, run)
        if run.kind.name != "other":
            await self._check_budget(run)
            found = await self._found(run)
        sources = run.sources()
        yield RetrievalCompleted(
            retrieval(question, run.standalone, run.candidates, run.inferred),
            sources,
            freshness(generation, sources),
        )

        if self._may_read(run, found.reason):
            with run.timed("read"):
                async with aclosing(self._read(run, run.independent)) as events:
                    async for event in events:
                        yield event

        if run.composition.citations:
            with run.timed("verify"):
                await asyncio.to_thread(run.find_corrections)
                await asyncio.to_thread(run.find_conflicts, self.pair_reader.read if self.pair_reader else None)

    async def _independent(self, run: AnswerRun) -> str:
        """Return the question as it can be understood without its conversation."""
        question = run.question
        if not question.messages:
            return question.text
        await self._check_budget(run)
        model = (self.chat, run.use) if run.llm and self.chat else None
        found = await standalone_question(
            question,
            model,
            self.prompts,
            fence=self.fence,
            safety=self.verifier.safety,
            coverage=run.generation.lexical.coverage,
        )
        run.caution, run.turn = found.caution, found.turn
        if model:
            run.called("standalone_question", model[0].model, found.failure)
        return found.text

    async def _check_budget(self, run: AnswerRun) -> None:
        """Go on without the model if its budget is used up; call it before the model is asked for the first time."""
        if run.llm and self.budget and not await self.budget.allows(run.question.account):
            run.quote_instead()

    async def _found(self, run: AnswerRun) -> Retrieved:
        """Retrieve and score the passages; without the window of the date words where it loses the answer."""
        asked = run.standalone
        if run.period:
            found = await self._of_period(run, run.period)
            if found.passages or (not run.period.names and str(run.period.days.start.year) in asked):
                await self._score(run, found)
                return found
            run.period = None  # "May 9" may be of another year
        found, everything = await self._retrieve(run)
        await self._score(run, found)
        if found is everything or (self._may_read(run) and (not run.is_weak or has_best(found, everything))):
            return found
        weak = None if run.reason else (run.standalone, run.evidence, run.composition)
        run.standalone = asked
        await self._score(run, everything)
        first = [each.passage.article for each in quoted(run.standalone, run.evidence)[:1]]
        is_older = run.window is not None and is_before(first, run.window)
        if weak and (not self._may_read(run) or run.is_weak or is_older):
            run.standalone, run.evidence, run.composition = weak
            return found
        run.inferred, run.candidates = (), everything.candidates
        return everything

    async def _retrieve(self, run: AnswerRun) -> tuple[Retrieved, Retrieved]:
        """Retrieve the passages within the window of the question's date words, and those without it."""
        run.window = window = time_window(run.standalone, run.now)
        given = run.question.conditions
        used = narrowed(given, window) if window else given
        with run.timed("retrieve"), self._retrieval_span(run):
            found = everything = await self._retrieved(run, run.standalone, given)
            if window and used != given and (window.is_of_reports or not run.llm):
                inside = await self._retrieved(run, window.rest, used)
                if is_as_close(inside, everything, window):
                    found, run.inferred, run.standalone = inside, inferred(given, used), window.rest
        run.candidates = found.candidates
        return found, everything

    def _retrieval_span(self, run: AnswerRun) -> AbstractContextManager[object]:
        return self.telemetry.retrieval(run.generation.name, self.embedder.name, run.question.top_k)

    async def _of_period(self, run: AnswerRun, period: AskedPeriod) -> Retrieved:
        """Retrieve the passages that speak of the days that a question is about."""
        question = run.question

        def find(filters: Filters) -> Retrieved:
            return self._search(run, run.standalone, filters)

        with run.timed("retrieve"), self._retrieval_span(run):
            found = await asyncio.to_thread(retrieve_period, find, question.conditions, period, question.top_k)
        run.candidates = found.candidates
        return found

    async def _retrieved(self, run: AnswerRun, text: str, filters: Filters) -> Retrieved:
        """Retrieve the passages for a text, and some for a side of a comparison that none of them names."""
        prefers_new = wants_latest(text, run.now) == "state"

        def find(text: str) -> Retrieved:
            return self._search(run, text, filters, prefers_new=prefers_new)

        found = await asyncio.to_thread(find, run.kind.subject or text)
        for side in sides(text):
            if found.passages and not any(map(side.is_in, found.passages)):
                more = (await asyncio.to_thread(find, side.question)).passages
                named = [passage for passage in more if side.is_in(passage)][:PASSAGES_OF_SIDE]
                found = joined(found, named, run.question.top_k)
        return found

    def _search(self, run: AnswerRun, text: str, filters: Filters, *, prefers_new: bool = False) -> Retrieved:
        wanted = Search(text, filters, run.question.mode, run.question.top_k, prefers_new)
        found = search(run.generation, self.embedder, wanted)
        run.searches.append((wanted, found))
        return found

    async def _score(self, run: AnswerRun, found: Retrieved) -> None:
        """Score the sentences of the passages, and rank the passages."""
        with run.timed("read"):
            run.standalone = capitalised(run.standalone, [passage.chunk.text for passage in found.passages])
            run.evidence = await asyncio.to_thread(
                self.scorer.score, run.standalone, found.vector, found.passages, run.generation.lexical
            )
            if run.kind == FACT:
                run.evidence = at_time(run.independent, run.evidence, run.now)
            else:
                run.evidence = replace(run.evidence, now=run.now)
            if run.llm:
                run.composition = Composition(await run.llm.fit(found.passages))
            else:
                run.composition = Composition(await asyncio.to_thread(self._read_spans, run, found.passages))

    def _count(self, run: AnswerRun) -> None:
        """Let the catalogue answer how many articles have some words, without a model."""
        run.llm = None
        run.counted = count_articles(run.generation, run.kind.subject, run.question.conditions)

    def _read_spans(self, run: AnswerRun, passages: Sequence[Passage]) -> Sequence[Passage]:
        """Return passages as the span reader ranks them, and so the evidence, if it is on and they may be on topic."""
        run.evidence = untold(run.question, run.independent, run.evidence)
        if self.span_reader and self._is_related(run):
            asked = standalone_parts(run.standalone)
            passages, run.evidence = self.span_reader.read(run.standalone, passages, run.evidence, run.turn, asked)
            parts = tuple(
                replace(part, evidence=at_time(part.question, part.evidence, run.now)) for part in run.evidence.parts
            )
            run.evidence = replace(run.evidence, parts=parts)
        return passages

    def _is_related(self, run: AnswerRun) -> bool:
        return run.evidence.complete or run.evidence.strength >= self.calibration.off_topic

    def _may_read(self, run: AnswerRun, reason: StatusReason | None = None) -> bool:
        """Return whether the passages are related to the question; record the reason if not, and weak evidence."""
        run.judgement = None
        if run.counted and reason != "outside_filters":
            return True
        if run.period and run.composition.passages:
            return True
        if run.llm:
            is_related, run.is_weak = self._is_related(run), False
        else:
            run.judgement = self.calibration.judge(run.standalone, run.evidence)
            is_related, run.is_weak = run.judgement.level != "abstain", run.judgement.level != "answered"
        is_related = is_related or _is_headline(run.standalone, run.composition.passages)
        run.reason = reason or (None if is_related else "low_relevance")
        return run.reason is None

    async def _read(self, run: AnswerRun, question: str) -> AsyncGenerator[Event, None]:
        """Yield the events of each sentence, of the model or, without one or if it gives none, of the articles."""
        if run.llm:
            async with aclosing(self._drafts(run, run.llm, question)) as drafts:
                async for draft in drafts:
                    for event in await self._verify(run, draft):
                        yield event
        if run.llm is None and run.reason is None:
            if run.counted:
                delta, _ = run.composition.add(DraftSentence((run.counted.statement,)), ())
                yield AnswerDelta(delta)
            for quote in run.quotes():
                for event in await self._verify(run, quote):
                    yield event

    async def _drafts(self, run: AnswerRun, llm: LlmReader, question: str) -> AsyncGenerator[Drafted, None]:
        """Yield the drafts of the model; if it fails, the answer is interrupted, or goes on without it."""
        today = run.now.date().isoformat()
        try:
            async with aclosing(llm.read(question, run.composition.passages, today, run.use)) as drafts:
                async for draft in drafts:
                    if await asyncio.to_thread(run.is_full, draft, llm.model):
                        run.cut()
                        break
                    yield draft
        except ReaderFailed as failure:
            run.called("answer", llm.model, failure.code)
            run.warn(failure.code, failure.public)
            if run.composition.text:
                run.reason = "interrupted"
            else:
                await asyncio.to_thread(self._fall_back, run)
        else:
            run.called("answer", llm.model)

    async def _verify(self, run: AnswerRun, draft: Drafted) -> list[Event]:
        """Return the events of one sentence; a sentence that is withheld has none."""
        if isinstance(draft, Abstained):
            run.abstained = True
        elif draft.text.strip():
            passages = {passage.key: passage for passage in run.composition.passages}
            with run.timed("verify"):
                check = await asyncio.to_thread(self.verifier.verify, draft, passages, run.question.citations)
            if not check.withheld:
                delta, citations = run.composition.add(draft, check.quotes)
                end = len(run.composition.text)
                run.checked.append(CheckedSentence(draft, check, Span(end - len(delta.lstrip(" ")), end)))
                return [AnswerDelta(delta), *map(CitationAdded, citations)]
            run.checked.append(CheckedSentence(draft, check, None))
            run.withheld += len(draft.text)
            run.unsupported.append(Unsupported(self.verifier.safety.excerpt(draft.text), check.withheld))
        return []

    def _fall_back(self, run: AnswerRun) -> None:
        """Go on without the model, as if it had not been asked."""
        run.llm = None
        run.unsupported.clear()
        run.checked.clear()
        run.withheld = 0
        run.warn("answered_without_model", "Sentences of the articles are quoted, as the language model failed.")
        self._read_spans(run, run.composition.passages)
        self._may_read(run)


def _is_headline(question: str, passages: Sequence[Passage]) -> bool:
    """Return whether a question consists of the words of an article's title."""
    asked = words(question)
    articles = (article for passage in passages for article in (passage.article, *passage.copies))
    return bool(asked) and any(asked == words(article.title or "") for article in articles)
