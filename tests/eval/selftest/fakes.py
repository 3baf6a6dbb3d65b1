"""Fakes: targets with known answers to gold questions."""

import random
from collections.abc import Callable, Sequence
from typing import Any

from eval.gold import GoldSet
from eval.records import GoldItem, Turn
from tests.eval.selftest.replies import SHOWN, Reply, Said, answered, best_ranking, gold_sentences, refused, true_reply

Respond = Callable[[GoldItem], Reply]


class Fake:
    """A target that knows the gold question, also from a paraphrase."""

    def __init__(self, gold: GoldSet, respond: Respond) -> None:
        self._respond = respond
        self._items = {
            (*(turn.content for turn in item.turns[:-1]), words): item
            for item in gold.items
            for words in (item.question, *item.paraphrases)
        }

    def ask(self, turns: Sequence[Turn], as_of: str | None) -> dict[str, Any]:
        """Return the reply to the question of these turns."""
        return self._respond(self._items[tuple(turn.content for turn in turns)])


def oracle(gold: GoldSet) -> Respond:
    """A target with true answers and valid citations."""
    return lambda item: true_reply(item, gold.articles)


def shuffled(gold: GoldSet) -> Respond:
    """A target that gives each question the true answer of the next one of its type."""
    others: dict[str, GoldItem] = {}
    for type_ in {item.type for item in gold.items}:
        members = [item for item in gold.items if item.type == type_]
        others.update((member.id, members[at - 1]) for at, member in enumerate(members))
    return lambda item: true_reply(others[item.id], gold.articles)


def refuser(gold: GoldSet) -> Respond:
    """A target that always abstains."""
    return lambda item: refused(gold.articles, best_ranking(item, gold.articles)[:SHOWN])


def guesser(gold: GoldSet) -> Respond:
    """A target that answers unanswerable questions with the beginning of the nearest article."""

    def respond(item: GoldItem) -> Reply:
        shown = best_ranking(item, gold.articles)[:SHOWN]
        opening = gold.articles[shown[0]].body.split("\n")[0]
        return answered(gold_sentences(item) or [Said(opening, shown[0], opening)], gold.articles, shown)

    return respond


def dumper(gold: GoldSet) -> Respond:
    """A target that answers with complete articles and cites all of them."""

    def respond(item: GoldItem) -> Reply:
        shown = best_ranking(item, gold.articles)[:SHOWN]
        bodies = [(name, gold.articles[name].body) for name in shown]
        return answered([Said(body, name, body) for name, body in bodies], gold.articles, shown)

    return respond


def speaking(gold: GoldSet, change: Callable[[GoldItem, list[Said]], list[Said]]) -> Respond:
    """A target with the oracle's answers in changed sentences; citations stay valid."""

    def respond(item: GoldItem) -> Reply:
        said = change(item, gold_sentences(item))
        shown = best_ranking(item, gold.articles)[:SHOWN]
        return answered(said, gold.articles, shown) if said else refused(gold.articles, shown)

    return respond


def changing(gold: GoldSet, change: Callable[[GoldItem, Reply], Reply]) -> Respond:
    """A target that changes the oracle's replies."""
    return lambda item: change(item, true_reply(item, gold.articles))


def retrieving(gold: GoldSet, rank: Callable[[GoldItem, list[str]], list[str]]) -> Respond:
    """A target that reads perfectly from a changed ranking."""
    return lambda item: true_reply(item, gold.articles, rank(item, best_ranking(item, gold.articles)))


def at_random(item: GoldItem, ranked: list[str]) -> list[str]:
    """Return a repeatable ranking that ignores the question."""
    order = sorted(ranked)
    random.Random(item.id).shuffle(order)
    return order
