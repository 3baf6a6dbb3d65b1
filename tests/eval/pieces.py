"""Articles, gold questions, replies and outcomes for tests of the evaluation."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from eval.gate import ScoredRun
from eval.gold import GoldSet
from eval.records import GoldItem, Grade, Header, Outcome, Prediction, QuestionType, Stage
from index.records import Article
from tests.eval.selftest.replies import Reply, Said, answered

BODY = "The new pier opened on 5 March 2025. Ines Corrand cut the ribbon. The pier cost 3.4 million crowns."
OTHER = "The pier is 90 metres long. It was not painted. Olm Reyes sells ice cream on it."


def articles(**bodies: str) -> dict[str, Article]:
    """Return articles by id; the default is `pier` and `stall`."""
    named = bodies or {"pier": BODY, "stall": OTHER}
    return {name: Article(name, body, f"/articles/{name}.md") for name, body in named.items()}


def item(**changed: Any) -> GoldItem:  # noqa: ANN401 - the fields of a gold question
    """Return a gold question with one fact and one piece of evidence; a None field is left out."""
    fields = {
        "schema": 1,
        "id": "who-001",
        "type": "who",
        "turns": [{"role": "user", "content": "Who cut the ribbon?"}],
        "expect": "answer",
        "answer": "Ines Corrand cut the ribbon.",
        "facts": [{"id": "f1", "text": "Ines Corrand", "match": [{"text": ["Corrand"]}], "evidence": ["e1"]}],
        "evidence": [{"id": "e1", "article": "pier", "quote": "Ines Corrand cut the ribbon."}],
        "provenance": {"made": "written for a test", "checked": "2026-11-20"},
        **changed,
    }
    return GoldItem.model_validate({name: value for name, value in fields.items() if value is not None})


def unanswerable(**changed: Any) -> GoldItem:  # noqa: ANN401 - the fields of a gold question
    """Return an unanswerable gold question."""
    empty = {"facts": None, "evidence": None, "answer": "", "turns": [{"role": "user", "content": "Who swept it?"}]}
    return item(**{"id": "unanswerable-001", "type": "unanswerable", "expect": "abstain", **empty, **changed})


def fact(id_: str, words: str, weight: str = "vital", evidence: Sequence[str] = ("e1",)) -> dict[str, object]:
    """Return a fact that is stated in these words."""
    return {"id": id_, "weight": weight, "text": words, "match": [{"text": [words]}], "evidence": list(evidence)}


def gold_of(*items: GoldItem, **bodies: str) -> GoldSet:
    """Return a gold set in memory."""
    return GoldSet(tuple(items), articles(**bodies), (Path("corpus"),), "g" * 64, "c" * 64)


def saying(*sentences: str | tuple[str, str, str], shown: Sequence[str] = ("pier", "stall"), **changed: Any) -> Reply:  # noqa: ANN401 - fields of a reply
    """Return a reply of these sentences; each cites itself in `pier`, or the given quote."""
    said = [Said(one, "pier", one) if isinstance(one, str) else Said(*one) for one in sentences]
    return {**answered(said, articles(), shown), **changed}


def prediction(reply: Reply | None, id_: str = "who-001", **changed: Any) -> Prediction:  # noqa: ANN401 - fields of a prediction
    """Make a prediction."""
    return Prediction(id=id_, reply=reply, **changed)


def grade(
    id_: str = "who-001",
    outcome: Outcome = "correct",
    type_: QuestionType = "who",
    stage: Stage | None = None,
    **figures: float,
) -> Grade:
    """Return a grade with these figures; `_at_` in a name becomes `@`."""
    named = {name.replace("_at_", "@"): value for name, value in figures.items()}
    return Grade(id=id_, type=type_, outcome=outcome, stage=stage, figures=named)


def header(gold: GoldSet, **changed: Any) -> Header:  # noqa: ANN401 - the fields of a header
    """Return the header of a complete offline run."""
    fields = {"lane": "offline", "fingerprint": "", "questions": len(gold.items), **changed}
    return Header(**{"gold": gold.gold_hash, "corpus": gold.corpus_hash, **fields})


def measured(gold: GoldSet, *grades: Grade, **changed: Any) -> ScoredRun:  # noqa: ANN401 - the fields of a header
    """Return a run of a gold set with these grades."""
    return ScoredRun(header(gold, **changed), grades)
