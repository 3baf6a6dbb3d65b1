"""Reading: a reader's draft becomes the answer sentence by sentence, each checked before it is given out."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass

from index.terms import words
from service.answer import AnswerDelta, CitationAdded, Completed, Event, Unsupported
from service.asking import Asking
from service.citations.stream import draft_sentences
from service.citations.verify import Verifier
from service.errors import ReaderFailed
from service.readers import Reading
from service.readers.extractive import ExtractiveReader
from service.readers.standing import Calibration
from service.records import Abstained, DraftSentence, Passage, Status, StatusReason, Usage


@dataclass(frozen=True, slots=True)
class ReadingDesk:
    """Lets a reader speak and checks what it says; the extractive reader stands in for a model that fails."""

    verifier: Verifier
    calibration: Calibration
    extractive: ExtractiveReader

    async def read(self, asking: Asking, reading: Reading) -> AsyncGenerator[Event, None]:
        """The events from the first sentence to the whole answer."""
        try:
            async with aclosing(self._verified(asking, reading)) as events:
                async for event in events:
                    yield event
        except ReaderFailed as failure:
            asking.warn(failure.code, failure.public)
            if asking.composition.text:
                yield Completed(asking.answer("partial", "interrupted"))
                return
            async with aclosing(self._read_instead(asking, reading)) as events:
                async for event in events:
                    yield event
            return
        for last in self._conclusion(asking, reading):
            yield last

    def unrelated(self, asking: Asking, reading: Reading) -> StatusReason | None:
        """Return `low_relevance` if the passages are about something else, unless the question is a headline."""
        quotes_only = asking.reader is self.extractive
        least = self.calibration.abstain if quotes_only else self.calibration.off_topic
        if reading.evidence.strength >= least or is_headline(reading.question, reading.passages):
            return None
        return "low_relevance"

    async def _read_instead(self, asking: Asking, reading: Reading) -> AsyncGenerator[Event, None]:
        """A model failed before its first checked sentence: quote the articles."""
        asking.reader = self.extractive
        asking.unsupported.clear()
        asking.withheld = 0
        asking.warn("answered_without_model", "Sentences of the articles are quoted, as the language model failed.")
        reason = self.unrelated(asking, reading)
        if reason:
            for last in asking.abstain(reason):
                yield last
            return
        async with aclosing(self.read(asking, reading)) as events:
            async for event in events:
                yield event

    async def _verified(self, asking: Asking, reading: Reading) -> AsyncGenerator[Event, None]:
        passages = {passage.key: passage for passage in reading.passages}
        with asking.timed("read"):
            async with (
                aclosing(asking.reader.read(reading)) as drafted,
                aclosing(draft_sentences(drafted, passages)) as drafts,
            ):
                async for draft in drafts:
                    if isinstance(draft, Usage):
                        asking.usage += draft
                    elif isinstance(draft, Abstained):
                        asking.abstained = True
                    else:
                        for event in await self._verify(asking, draft, passages):
                            yield event

    async def _verify(self, asking: Asking, draft: DraftSentence, passages: Mapping[str, Passage]) -> list[Event]:
        """The events of one sentence, or a note of why it is withheld."""
        if not draft.text.strip():
            return []
        with asking.timed("verify"):
            check = await asyncio.to_thread(self.verifier.verify, draft, passages, asking.question.citations)
        if check.withheld:
            asking.withheld += len(draft.text)
            asking.unsupported.append(Unsupported(self.verifier.safety.excerpt(draft.text), check.withheld))
            return []
        delta, citations = asking.composition.add(draft, check.quotes)
        return [AnswerDelta(delta), *map(CitationAdded, citations)]

    def _conclusion(self, asking: Asking, reading: Reading) -> Iterator[Event]:
        """The last events of a reader that came to its end."""
        if not asking.composition.text:
            yield from asking.abstain("model_abstained" if asking.abstained else "no_verified_support")
            return
        yield Completed(asking.answer(*self._status(asking, reading)))

    def _status(self, asking: Asking, reading: Reading) -> tuple[Status, StatusReason | None]:
        if asking.withheld > len(asking.composition.text):
            return "partial", "unsupported_withheld"
        if asking.reader is not self.extractive:
            return "answered", None
        if self.calibration.standing(reading.question, reading.evidence) != "answered":
            return "partial", "weak_evidence"
        return "answered", None


def is_headline(question: str, passages: Sequence[Passage]) -> bool:
    """Return whether a question consists of the words of an article's title."""
    asked = words(question)
    return bool(asked) and any(asked == words(passage.article.title or "") for passage in passages)
