"""The protocol of readers, which draft an answer from passages; a draft is verified before a user sees it."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Protocol

from service.readers.evidence import Evidence
from service.records import Abstained, DraftSentence, Passage, Usage

Drafted = DraftSentence | Abstained | Usage
"""An item of a draft: a sentence, an abstention, or the usage of a call to a model."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The input of a reader: a question, its passages, the evidence in them, and today's ISO date.

    `question` is the search text. A model is asked `written`, the standalone question as it was, if it differs.
    """

    question: str
    passages: Sequence[Passage]
    evidence: Evidence
    asked_at: str
    written: str = ""


class Reader(Protocol):
    """Drafts an answer from passages."""

    @property
    def name(self) -> str:
        """Kind and version of the reader, such as `extractive@2`."""

    @property
    def quotes_only(self) -> bool:
        """True for a reader that quotes sentences and asks no model."""

    @property
    def model(self) -> str | None:
        """The name of the language model, or None."""

    @property
    def prompt(self) -> str | None:
        """The digest of the prompt, or None."""

    async def fit(self, passages: Sequence[Passage]) -> tuple[Passage, ...]:
        """Return the leading passages that the reader has room for."""

    def read(self, reading: Reading) -> AsyncGenerator[Drafted, None]:
        """Yield the draft of an answer, item by item; raises ReaderFailed."""
