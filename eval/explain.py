"""The outcome of one question explained for the terminal: expected, retrieved, answered, cited, scored."""

import textwrap
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from eval.errors import GoldInvalid
from eval.gold import GoldSet
from eval.matching import matches
from eval.metrics.citations import is_dangling, is_exact
from eval.records import SUPPORT, GoldItem, Grade, Prediction, Run
from eval.report import clip, visible
from eval.score import score_one
from index.records import Article

WIDTH = 100
SNIPPET = 160
"""Code points of a passage to show."""

Reply = Mapping[str, Any]


def explain(gold: GoldSet, question_id: str, run: Run) -> str:
    """Return the explanation in lines of at most 100 characters.

    Raises GoldInvalid if the id is unknown or of the holdout, or if the run did not ask the question.
    """
    item = _item(gold, question_id)
    prediction = next((prediction for prediction in run.predictions if prediction.id == item.id), None)
    if prediction is None:
        raise GoldInvalid(f"the run did not ask {item.id}", "Leave out --run to ask it now.")
    grade = score_one(item, prediction, gold.articles)
    sections = [_question(item), _expected(item, grade)]
    if prediction.reply is None:
        sections.append(_wrapped("error: ", prediction.error or "no reply"))
    else:
        reply = prediction.reply
        sections += [_retrieved(item, reply), _answered(reply), _forbidden(item, reply)]
        sections += [_cited(reply, gold.articles), _withheld(reply), _paraphrases(item, prediction)]
    sections += [_outcome(grade), _figures(grade)]
    return visible("\n\n".join(filter(None, ("\n".join(section) for section in sections))))


def _item(gold: GoldSet, question_id: str) -> GoldItem:
    known = {item.id: item for item in gold.items}
    item = known.get(question_id)
    if item is None:
        shown = [item.id for item in gold.items if item.split == "gate"]
        near = get_close_matches(question_id, shown, n=3) or shown[:3]
        raise GoldInvalid(
            f"no question has the id {question_id!r}",
            f"Similar ids: {', '.join(near)}." if near else "The gold set is empty.",
        )
    if item.split == "holdout":
        raise GoldInvalid(
            f"{item.id} is of the holdout, whose questions are not shown",
            "A question that was looked at can be tuned to. Explain a question of the gate.",
        )
    return item


def _question(item: GoldItem) -> Iterator[str]:
    marks = (item.type, "critical" if item.critical else "", f"asked {item.asked_at}" if item.asked_at else "")
    yield f"{item.id} ({', '.join(filter(None, marks))})"
    for turn in item.turns[:-1]:
        yield from _wrapped(f"{turn.role}: ", turn.content)
    yield from _wrapped("question: ", item.question)


def _expected(item: GoldItem, grade: Grade) -> Iterator[str]:
    yield f"expected: {item.expect.replace('_', ' ')}{f' ({item.reason})' if item.reason else ''}"
    if item.premise:
        yield from _wrapped("  false premise: ", item.premise)
    ticks = {tick.fact: "✓" if tick.stated else "✗" for tick in grade.ticks}
    for fact in item.facts:
        yield from _wrapped(f"  {ticks.get(fact.id, '–')} [{fact.weight}] ", fact.text)
    for evidence in item.evidence:
        yield from _wrapped(f"  {evidence.article}: ", f"“{evidence.quote}”")
    if item.canary:
        yield f"  canary: {item.canary}"


def _retrieved(item: GoldItem, reply: Reply) -> Iterator[str]:
    """Yield the passages that the reader was shown, best first, and the articles with evidence that it was not."""
    yield "retrieved:"
    named = {"GOLD": item.gold_articles, "POISONED": item.poison, "NEAR MISS": item.near_miss}
    for rank, source in enumerate(reply["sources"], 1):
        cited = f" [{source['marker']}]" if source["marker"] else ""
        signs = "".join(f"  {sign}" for sign, ids in named.items() if source["article_id"] in ids)
        scores = f"dense {source['scores']['dense']:.3f}, lexical {source['scores']['lexical']:.2f}"
        yield f"{rank:>3}. {source['article_id']}{cited}{signs}  {source['score']:.3f} ({scores})"
        yield from _wrapped("     ", clip(" ".join(source["snippet"].split()), SNIPPET))
    missing = item.gold_articles - {source["article_id"] for source in reply["sources"]}
    yield from (f"  –  {article}  GOLD, not retrieved" for article in sorted(missing))


def _answered(reply: Reply) -> Iterator[str]:
    reason = f" ({reply['status_reason']})" if reply["status_reason"] else ""
    yield f"answer: {reply['status']}{reason}"
    yield from _wrapped("  ", reply["answer"])


def _forbidden(item: GoldItem, reply: Reply) -> Iterator[str]:
    for forbidden in item.must_not:
        sign = "✗ stated" if matches(forbidden.match, reply["answer"]) else "✓ not stated"
        yield from _wrapped(f"  {sign}, forbidden: ", forbidden.why)


def _cited(reply: Reply, articles: Mapping[str, Article]) -> Iterator[str]:
    if reply["citations"]:
        yield "citations:"
    for citation in reply["citations"]:
        exact = is_exact(citation, articles)
        signs = f"{'exact' if exact else 'NOT EXACT'}{', DANGLING' if is_dangling(citation, reply) else ''}"
        checked = citation["verification"]
        support = f"{SUPPORT[checked['status']]} ({checked['method']}, {checked['score']:.2f})"
        yield f"  [{citation['marker']}] {citation['article_id']}: {signs}; {support}"
        yield from _wrapped("      sentence: ", reply["answer"][citation["start_index"] : citation["end_index"]])
        yield from _wrapped("      quote:    ", citation["cited_text"])
        if place := citation.get("highlight"):
            first = citation["start_char_index"]
            words = citation["cited_text"][place["start_char_index"] - first : place["end_char_index"] - first]
            yield from _wrapped("      answer:   ", words)
        if not exact:
            article = articles.get(citation["article_id"])
            span = slice(citation["start_char_index"], citation["end_char_index"])
            yield from _wrapped("      article:  ", article.body[span] if article else "not in the corpus")


def _withheld(reply: Reply) -> Iterator[str]:
    if reply["unsupported"]:
        yield "withheld sentences:"
    for sentence in reply["unsupported"]:
        yield from _wrapped(f"  {sentence['reason']}: ", sentence["text"])


def _paraphrases(item: GoldItem, prediction: Prediction) -> Iterator[str]:
    for words, reply in zip(item.paraphrases, prediction.paraphrased, strict=False):
        yield from _wrapped("paraphrase: ", words)
        yield from _wrapped(f"  {reply['status']}: ", reply["answer"])


def _outcome(grade: Grade) -> Iterator[str]:
    stage = f" at the stage {grade.stage}" if grade.stage else ""
    yield from _wrapped("outcome: ", f"{grade.outcome}{stage}{f': {grade.note}' if grade.note else ''}")


def _figures(grade: Grade) -> Iterator[str]:
    if grade.figures:
        yield from _wrapped("figures: ", ", ".join(f"{name} {value:g}" for name, value in grade.figures.items()))


def _wrapped(start: str, text: str) -> Iterator[str]:
    """Yield the lines of a text; the first begins with `start`, the others are indented."""
    indent = " " * min(len(start), 12)
    first, *others = text.splitlines() or [""]
    yield from textwrap.wrap(first, WIDTH, initial_indent=start, subsequent_indent=indent) or [start.rstrip()]
    for other in others:
        yield from textwrap.wrap(other, WIDTH, initial_indent=indent, subsequent_indent=indent)
