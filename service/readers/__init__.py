"""Readers: passages in, a draft of the answer out. Nothing a reader says is shown before it is checked."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.readers.evidence import Evidence
from service.records import Abstained, Delta, DraftSentence, Passage, Usage

Drafted = Delta | DraftSentence | Abstained | Usage
"""What a reader gives out: text as it comes, or whole sentences; that it abstains; what it used."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader is given: the standalone question, its passages, the evidence in them, and today's ISO date."""

    question: str
    passages: Sequence[Passage]
    evidence: Evidence
    asked_at: str


class Reader(Protocol):
    """Reads passages for a question."""

    @property
    def name(self) -> str:
        """Kind and version of the reader, such as `extractive@1`."""

    @property
    def quotes_only(self) -> bool:
        """True where the reader quotes sentences and asks no model."""

    @property
    def model(self) -> str | None:
        """The language model, where one is asked."""

    @property
    def prompt(self) -> str | None:
        """The digest of the prompt, where there is one."""

    async def fit(self, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Return the leading passages that the reader takes."""

    def read(self, reading: Reading) -> AsyncGenerator[Drafted, None]:
        """The draft of an answer, piece by piece; raises ReaderFailed."""
