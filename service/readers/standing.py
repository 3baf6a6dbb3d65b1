"""Standing: what the evidence for a question allows to be said: an answer, the closest sentences, or nothing."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.readers.evidence import Evidence
from service.readers.extractive import quoted
from service.readers.particulars import missing_particulars

CALIBRATION = Path(__file__).with_name("calibration.json")

Standing = Literal["answered", "weak", "abstain"]


@dataclass(frozen=True, slots=True)
class Calibration:
    """Thresholds on the evidence g: below `abstain` nothing is quoted, below `answered` it may not answer.

    Below `off_topic`, much lower, a language model is not even asked. `python -m benchmarks.calibrate` fits them.
    """

    abstain: float
    answered: float
    off_topic: float

    @classmethod
    def read(cls, path: Path = CALIBRATION) -> "Calibration":
        """The calibration that was fitted and is shipped."""
        data = json.loads(path.read_text(encoding="utf-8"))
        return cls(abstain=data["abstain"], answered=data["answered"], off_topic=data["off_topic"])

    def standing(self, question: str, evidence: Evidence) -> Standing:
        """What quotes with this evidence are to a question.

        However strong the evidence is, quotes are no answer where a name, year or number of the question is in none of
        their articles.
        """
        if evidence.strength < self.abstain:
            return "abstain"
        if evidence.strength < self.answered or asks_of_others(question, evidence):
            return "weak"
        return "answered"


def asks_of_others(question: str, evidence: Evidence) -> bool:
    """Whether a question names somebody or something that no quoted article has."""
    quotes = [(sentence.passage.article, sentence.span) for sentence in quoted(evidence)]
    return bool(missing_particulars(question, quotes))
