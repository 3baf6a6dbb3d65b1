"""Ask the questions of a set and judge the replies: which sentences are right, and how the answer was labelled."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.hits import holds_answer
from benchmarks.sets import Asked
from benchmarks.trial import Asker, Reply
from index.text import sentence_spans
from service.readers.span_reader import EVIDENCE_WEIGHT, UNREAD
from service.records import Status

RANKED = 3
"""The best sentences that are judged, whether they are shown or not."""


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of one question, with the quotes of its reply.

    `ranked` tells which of the best sentences of the evidence contain the answer, `shown` which quotes of the reply
    do. `strength` is g, `certainty` the span reader's, None if it did not read; `complete` is that of the
    evidence. `sentences` counts those of the quotes.
    """

    question: Asked
    answerable: bool
    quotes: tuple[str, ...]
    strength: float
    certainty: float | None
    complete: bool
    status: Status
    ranked: tuple[bool, ...]
    shown: tuple[bool, ...]
    sentences: int
    milliseconds: float

    @property
    def is_right(self) -> bool:
        """True if a quote of the reply contains the answer."""
        return any(self.shown)

    @property
    def score(self) -> float:
        """The certainty, or what it would be without any answer: by g alone if the span reader did not read."""
        return UNREAD + EVIDENCE_WEIGHT * self.strength if self.certainty is None else self.certainty

    def found(self, count: int) -> bool:
        """Return whether one of the best `count` sentences contains the answer."""
        return any(self.ranked[:count])


def judge(questions: Iterable[Asked], asker: Asker) -> list[Judged]:
    """Ask every question and return the judged replies."""
    return [judged(question, asker.ask(question.text)) for question in questions]


def judged(question: Asked, reply: Reply) -> Judged:
    """Return the result of one question."""
    quotes = [(citation.cited_text, _sentences(citation.cited_text)) for citation in reply.answer.citations]
    return Judged(
        question=question,
        answerable=question.answerable,
        quotes=tuple(quote for quote, _ in quotes),
        strength=reply.evidence.strength,
        certainty=reply.evidence.certainty,
        complete=reply.evidence.complete,
        status=reply.answer.status,
        ranked=_right(question, [sentence.text for sentence in reply.evidence.sentences[:RANKED]]),
        shown=tuple(any(_right(question, [quote, *parts])) for quote, parts in quotes),
        sentences=sum(len(parts) for _, parts in quotes),
        milliseconds=reply.milliseconds,
    )


def _right(question: Asked, texts: Sequence[str]) -> tuple[bool, ...]:
    return tuple(question.answerable and holds_answer(question, text) for text in texts)


def _sentences(quote: str) -> list[str]:
    return [quote[span.start : span.end] for span in sentence_spans(quote, headings=False)]
