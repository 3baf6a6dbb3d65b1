"""Ask the questions of a set and judge them: the strength of the evidence, and which quotes are right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hits import holds_answer
from benchmarks.sets import Asked, QuestionSet
from benchmarks.trial import Trial, trial
from index.embedding import Embedder
from service.readers.answerability import Answerability, Calibration, missing_entities
from service.readers.evidence import PASSAGES_SCORED, Evidence
from service.readers.extractive import NEAR_BEST, QUOTED, quoted


@dataclass(frozen=True, slots=True)
class Judged:
    """The result of one question.

    `scores` are those of the best sentences; `right` tells which of them contain the answer. `held_back` is true if
    one of the question's entities is missing from all quoted articles.
    """

    answerable: bool
    strength: float
    scores: tuple[float, ...]
    right: tuple[bool, ...]
    held_back: bool

    def found(self, count: int) -> bool:
        """Return whether one of the best `count` sentences contains the answer."""
        return any(self.right[:count])

    def quotes(self, near_best: float = NEAR_BEST) -> tuple[bool, ...]:
        """Return for each quoted sentence whether it is right."""
        near = (score >= near_best * self.scores[0] for score in self.scores)
        return tuple(right for right, quoted in zip(self.right, near, strict=True) if quoted)

    def answered(self, near_best: float = NEAR_BEST) -> bool:
        """Return whether a quote contains the answer."""
        return any(self.quotes(near_best))

    def answerability(self, calibration: Calibration) -> Answerability:
        """Return whether the quotes answer the question, by a calibration."""
        if self.strength < calibration.abstain:
            return "abstain"
        return "weak" if self.strength < calibration.answered or self.held_back else "answered"


def judge(
    questions: QuestionSet, embedder: Embedder, work: Path, *, passages_scored: int = PASSAGES_SCORED
) -> list[Judged]:
    """Ask every question of an index of the set's paragraphs."""
    with trial(questions.paragraphs, embedder, work, passages_scored=passages_scored) as opened:
        return [_judged(question, opened) for question in questions.questions]


def judge_all(sets: Iterable[QuestionSet], embedder: Embedder, work: Path) -> list[Judged]:
    """Return the judged questions of several sets, each with its own index."""
    return [judged for questions in sets for judged in judge(questions, embedder, work)]


def _judged(question: Asked, opened: Trial) -> Judged:
    _, evidence = opened.score(question)
    best = evidence.sentences[:QUOTED]
    right = tuple(question.answerable and holds_answer(question, sentence.text) for sentence in best)
    scores = tuple(sentence.score for sentence in best)
    return Judged(question.answerable, evidence.strength, scores, right, _held_back(question, evidence))


def _held_back(question: Asked, evidence: Evidence) -> bool:
    return bool(evidence.sentences) and bool(missing_entities(question.text, quoted(evidence)))


def share(judged: Sequence[Judged], true: Iterable[bool]) -> float | None:
    """Return the share of questions with a true value; None without questions."""
    return sum(true) / len(judged) if judged else None
