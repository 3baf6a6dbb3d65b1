"""Facts: does the answer state what it must, and nothing that it must not?

    fact recall        vital facts stated / vital facts              (TREC RAG AutoNuggetizer, strict: no half facts)
    answer in context  vital facts that stand in the passages the reader saw / vital facts
    must-not           1 where something that must not be said is said, else 0
    length             words of the answer / words allowed           (reported beside recall, which length flatters)

A fact is stated when one of its typed matchers fires. Word overlap is not used: it cannot see a swapped number.
"""

from typing import Any

from eval.matching import fires, without_markers
from eval.records import Fact, Forbidden, GoldItem, Tick


def ticks(item: GoldItem, text: str) -> tuple[Tick, ...]:
    """Which of the facts a text states, vital ones first."""
    ordered = sorted(item.facts, key=lambda fact: fact.weight != "vital")
    return tuple(Tick(fact=fact.id, text=fact.text, stated=fires(fact.match, text)) for fact in ordered)


def fact_figures(item: GoldItem, reply: dict[str, Any]) -> dict[str, float]:
    """The figures of one question that has facts."""
    if not item.vital:
        return {}
    text = reply["answer"]
    return {
        "fact_recall": _share(item.vital, text),
        "answer_in_context": _share(item.vital, context_of(reply)),
        "must_not": float(said_forbidden(item, text) is not None),
        "length": len(without_markers(text).split()) / item.max_words,
    }


def said_forbidden(item: GoldItem, text: str) -> Forbidden | None:
    """The first thing said that must not be said, or None."""
    return next((forbidden for forbidden in item.must_not if fires(forbidden.match, text)), None)


def context_of(reply: dict[str, Any]) -> str:
    """Everything that the reader saw."""
    return "\n".join(source["snippet"] for source in reply["sources"])


def _share(facts: tuple[Fact, ...], text: str) -> float:
    return sum(fires(fact.match, text) for fact in facts) / len(facts)
