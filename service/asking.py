"""One question on its way: what is known of it so far, and the answer that comes of it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from index.generation import Generation
from service.abstain import ABSTENTIONS
from service.answer import (
    Answer,
    AnswerDelta,
    Completed,
    Composition,
    Freshness,
    Retrieval,
    RetrievalCompleted,
    Started,
    Timings,
    Unsupported,
    Versions,
    freshness,
    retrieval,
    timestamp,
)
from service.readers import Reader
from service.records import AnswerWarning, Question, Status, StatusReason, Usage
from service.staleness import stale_warning

_SUFFERED = ("low_relevance", "no_verified_support", "model_abstained", "weak_evidence")
"""Reasons that an answer has where its question was not understood."""


@dataclass(slots=True)
class Asking:
    """A question, the generation it is answered from, and everything that its answer will report."""

    question: Question
    generation: Generation
    reader: Reader
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
    id: str = field(default_factory=lambda: f"ans_{uuid4().hex}")
    created: datetime = field(default_factory=lambda: datetime.now(UTC))
    _began: float = field(default_factory=time.perf_counter)
    _spent: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def timed(self, step: str) -> Iterator[None]:
        """Count the time of the block for a step; a step may come more than once."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self._spent[step] = self._spent.get(step, 0.0) + time.perf_counter() - began

    def warn(self, code: str, message: str) -> None:
        """Let the answer warn of something."""
        self.warnings.append(AnswerWarning(code, message))

    def started(self) -> Started:
        """The event that an answer has begun."""
        return Started(self.id, timestamp(self.created))

    def retrieval_completed(self) -> RetrievalCompleted:
        """The event that says what was found."""
        sources = self.composition.sources()
        return RetrievalCompleted(self._retrieval(), sources, freshness(self.generation, sources))

    def abstain(self, reason: StatusReason) -> Iterator[AnswerDelta | Completed]:
        """The last events of a question that the articles do not answer."""
        text = ABSTENTIONS[reason]
        self.composition.text = text
        yield AnswerDelta(text)
        yield Completed(self.answer("not_in_sources", reason))

    def answer(self, status: Status, reason: StatusReason | None) -> Answer:
        """The answer as it stands now, with everything known of it."""
        sources = self.composition.sources()
        fresh = freshness(self.generation, sources)
        return Answer(
            id=self.id,
            created_at=timestamp(self.created),
            status=status,
            status_reason=reason,
            answer=self.composition.text,
            citations=tuple(self.composition.citations),
            unsupported=tuple(self.unsupported),
            sources=sources,
            freshness=fresh,
            retrieval=self._retrieval(),
            usage=self.usage,
            timings_ms=self._timings(),
            versions=self._versions(),
            warnings=(*self.warnings, *self._cautions(reason, fresh)),
        )

    def _cautions(self, reason: StatusReason | None, fresh: Freshness) -> Iterator[AnswerWarning]:
        """The warnings that depend on the answer as a whole."""
        if self.follow_up and reason in _SUFFERED:
            yield self.follow_up
        stale = stale_warning(self.question, self.standalone, fresh.newest_cited_at, self.created, self.stale_after)
        if stale:
            yield stale

    def _retrieval(self) -> Retrieval:
        return retrieval(self.question, self.standalone, self.candidates)

    def _timings(self) -> Timings:
        spent = self._spent | {"total": time.perf_counter() - self._began}
        # Sentences are checked while the reader speaks.
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
