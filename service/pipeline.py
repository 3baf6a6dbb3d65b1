"""The question path: standalone → retrieve → select → read → verify. Read `Pipeline.stream` first."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from index.embedding import Embedder
from index.generation import Generation
from index.library import Library
from service.answer import Answer, Completed, Composition, Event, SearchResult, SearchTimings, retrieval
from service.asking import Asking
from service.errors import NoLanguageModel
from service.prompts import Prompts, new_fence
from service.read import ReadingDesk
from service.readers import Reader, Reading
from service.readers.chat import Chat
from service.readers.evidence import Weigher
from service.readers.llm import LlmReader
from service.records import Question
from service.retrieve import Retrieved, retrieve
from service.standalone import standalone_question


def utc_now() -> datetime:
    """This moment, in UTC."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Answers questions from the current generation; `llm` and `chat` are None where no model is set.

    `fence` makes the code of a prompt's fences. `clock` says when a question is asked: a prompt mentions it, and an
    article older than `stale_after` makes an answer about the present stale. Both are fixed for tests and evaluations.
    """

    library: Library
    embedder: Embedder
    weigher: Weigher
    desk: ReadingDesk
    prompts: Prompts
    stale_after: timedelta
    chat: Chat | None = None
    llm: LlmReader | None = None
    fence: Callable[[], str] = new_fence
    clock: Callable[[], datetime] = utc_now

    async def ask(self, question: Question) -> Answer:
        """The whole answer; raises QuestionRefused, IndexUnavailable or EmbeddingFailed."""
        async with aclosing(self.stream(question)) as events:
            async for event in events:
                if isinstance(event, Completed):
                    return event.answer
        raise AssertionError("a stream ends with its answer")

    async def stream(self, question: Question) -> AsyncGenerator[Event, None]:
        """The answer as it comes about: what was found, then sentence by sentence, then the whole."""
        reader = self._reader(question)
        async with self.pinned() as generation:
            asking = Asking(question, generation, reader, self.stale_after, created=self.clock())
            yield asking.started()
            found = await self._find(asking)
            yield asking.retrieval_completed()
            reading = await self._weigh(asking, found)
            reason = found.reason or self.desk.unrelated(asking, reading)
            if reason:
                for last in asking.abstain(reason):
                    yield last
                return
            async with aclosing(self.desk.read(asking, reading)) as events:
                async for event in events:
                    yield event

    async def search(self, question: Question) -> SearchResult:
        """The passages for a question, without reading them; raises IndexUnavailable or EmbeddingFailed."""
        began = time.perf_counter()
        async with self.pinned() as generation:
            asking = Asking(question, generation, self.desk.extractive, self.stale_after, standalone=question.text)
            found = await self._retrieve(asking)
            spent = round((time.perf_counter() - began) * 1000)
            return SearchResult(
                sources=asking.composition.sources(),
                retrieval=retrieval(question, question.text, found.candidates),
                timings_ms=SearchTimings(retrieve=spent, total=spent),
            )

    @asynccontextmanager
    async def pinned(self) -> AsyncIterator[Generation]:
        """The generation to answer from until the block ends; the first to ask has it opened, off the event loop."""
        if not self.library.is_open:
            await asyncio.to_thread(self.library.open)
        held = self.library.pin()
        try:
            yield held.generation
        finally:
            if self.library.unpin(held):
                # Closing removes files, which may take long.
                await asyncio.to_thread(held.generation.close)

    def check(self, question: Question) -> None:
        """Raise QuestionRefused where a question asks for what this pipeline has not."""
        if question.reader == "llm" and self.llm is None:
            raise NoLanguageModel(
                "reader is 'llm', but no language model is set", "reader", "Set DATELINE_LLM_MODEL, or use 'auto'."
            )

    async def close(self) -> None:
        """Let go of the index and of the connections to the language model and the embedder."""
        await asyncio.to_thread(self.library.close)
        self.embedder.close()
        if self.chat is not None:
            await self.chat.aclose()

    def _reader(self, question: Question) -> Reader:
        self.check(question)
        return self.desk.extractive if question.reader == "extractive" or self.llm is None else self.llm

    async def _find(self, asking: Asking) -> Retrieved:
        """What the question means on its own, and the passages for it that the reader will see."""
        with asking.timed("standalone"):
            chat = self.chat if asking.reader is self.llm else None
            standalone = await standalone_question(
                asking.question, chat, self.prompts, fence=self.fence, safety=self.desk.verifier.safety
            )
        asking.standalone = standalone.text
        asking.usage += standalone.usage
        asking.follow_up = standalone.caution
        return await self._retrieve(asking)

    async def _retrieve(self, asking: Asking) -> Retrieved:
        question = asking.question
        with asking.timed("retrieve"):
            found = await asyncio.to_thread(
                retrieve,
                asking.generation,
                self.embedder,
                asking.standalone,
                filters=question.filters,
                mode=question.mode,
                count=question.top_k,
            )
        passages = found.passages
        if isinstance(asking.reader, LlmReader):
            passages = await asking.reader.fit(passages)
        asking.candidates = found.candidates
        asking.composition = Composition(passages)
        return found

    async def _weigh(self, asking: Asking, found: Retrieved) -> Reading:
        passages = asking.composition.passages
        with asking.timed("read"):
            evidence = await asyncio.to_thread(
                self.weigher.weigh, asking.standalone, found.vector, passages, asking.generation.lexical
            )
        return Reading(asking.standalone, passages, evidence, asking.created.date().isoformat())
