"""Questions of a set, asked of an index of it and judged: how strong the evidence was, and which quotes were right."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.hits import holds_answer
from benchmarks.sets import Asked, QuestionSet
from benchmarks.trial import Trial, trial
from index.embedding import Embedder
from service.readers.evidence import PASSAGES_SCORED, Evidence
from service.readers.extractive import NEAR_BEST, QUOTED, Answerability, Calibration, missing_entities, quoted


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of one question.

    `scores` are those of the best sentences, `right` says of each whether it holds the answer; `held_back` is true
    where no quoted article has one of the question's entities.
    """

    answerable: bool
    strength: float
    scores: tuple[float, ...]
    right: tuple[bool, ...]
    held_back: bool

    def found(self, count: int) -> bool:
        """Whether one of the so many best sentences holds the answer."""
        return any(self.right[:count])

    def quotes(self, near_best: float = NEAR_BEST) -> tuple[bool, ...]:
        """The sentences that are quoted, right or not."""
        near = (score >= near_best * self.scores[0] for score in self.scores)
        return tuple(right for right, quoted in zip(self.right, near, strict=True) if quoted)

    def answered(self, near_best: float = NEAR_BEST) -> bool:
        """Whether a quote holds the answer."""
        return any(self.quotes(near_best))

    def answerability(self, calibration: Calibration) -> Answerability:
        """Return whether the quotes answer the question, by a calibration."""
        if self.strength < calibration.abstain:
            return "abstain"
        return "weak" if self.strength < calibration.answered or self.held_back else "answered"


def judge(
    questions: QuestionSet, embedder: Embedder, work: Path, *, passages_scored: int = PASSAGES_SCORED
) -> list[Judged]:
    """Ask every question of an index of the set's paragraphs, and of nothing else."""
    with trial(questions.paragraphs, embedder, work, passages_scored=passages_scored) as opened:
        return [_judged(question, opened) for question in questions.questions]


def judge_all(sets: Iterable[QuestionSet], embedder: Embedder, work: Path) -> list[Judged]:
    """The judged questions of several sets together, each set asked of its own index."""
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
    """The share of questions for which something is true; None where there are none."""
    return sum(true) / len(judged) if judged else None
