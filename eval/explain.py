"""The verdict on one question explained for the terminal: expected, retrieved, answered, cited, scored."""

import textwrap
from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from eval.errors import GoldInvalid
from eval.gold import GoldSet
from eval.matching import matches
from eval.metrics.citations import is_dangling, is_exact
from eval.records import Forbidden, GoldItem, Prediction, Run, Verdict
from eval.report.rows import clip, visible
from eval.score import score_one
from index.records import Article

WIDTH = 100
SNIPPET = 160
"""Code points of a passage to show."""


def explain(gold: GoldSet, question_id: str, run: Run) -> str:
    """Return the explanation in lines of at most 100 characters.

    Raises GoldInvalid if the id is unknown or of the holdout, or if the run did not ask the question.
    """
    item = _item(gold, question_id)
    prediction = next((prediction for prediction in run.predictions if prediction.id == item.id), None)
    if prediction is None:
        raise GoldInvalid(f"the run did not ask {item.id}", "Leave out --run to ask it now.")
    verdict = score_one(item, prediction, gold.articles)
    sections = [*_expected(item, verdict), *_answered(item, prediction, gold.articles), *_judged(verdict)]
    return visible("\n\n".join("\n".join(section) for section in sections if section))


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


def _expected(item: GoldItem, verdict: Verdict) -> Iterator[list[str]]:
    marks = [
        item.type,
        *(["critical"] if item.critical else []),
        *([f"asked {item.asked_at}"] if item.asked_at else []),
    ]
    earlier = [line for turn in item.turns[:-1] for line in _lines(f"{turn.role}: ", turn.content)]
    yield [f"{item.id} ({', '.join(marks)})", *earlier, *_lines("question: ", item.question)]
    stated = {tick.fact: tick.stated for tick in verdict.ticks}
    yield [
        f"expected: {item.expect.replace('_', ' ')}{f' ({item.reason})' if item.reason else ''}",
        *(_lines("  false premise: ", item.premise) if item.premise else []),
        *(
            line
            for fact in item.facts
            for line in _lines(f"  {_tick(stated.get(fact.id))} [{fact.weight}] ", fact.text)
        ),
        *(line for evidence in item.evidence for line in _lines(f"  {evidence.article}: ", f"“{evidence.quote}”")),
        *([f"  canary: {item.canary}"] if item.canary else []),
    ]


def _answered(item: GoldItem, prediction: Prediction, articles: Mapping[str, Article]) -> Iterator[list[str]]:
    reply = prediction.reply
    if reply is None:
        yield _lines("error: ", prediction.error or "no reply")
        return
    yield ["retrieved:", *_retrieved(item, reply)]
    reason = f" ({reply['status_reason']})" if reply["status_reason"] else ""
    yield [f"answer: {reply['status']}{reason}", *_lines("  ", reply["answer"])]
    yield [line for forbidden in item.must_not for line in _forbidden(forbidden, reply)]
    if reply["citations"]:
        cited = (line for citation in reply["citations"] for line in _citation(citation, reply, articles))
        yield ["citations:", *cited]
    if reply["unsupported"]:
        withheld = ((f"  {sentence['reason']}: ", sentence["text"]) for sentence in reply["unsupported"])
        yield ["withheld sentences:", *(line for start, text in withheld for line in _lines(start, text))]
    others = zip(item.paraphrases, prediction.paraphrased, strict=False)
    yield [line for asked, other in others for line in _paraphrase(asked, other)]


def _retrieved(item: GoldItem, reply: dict[str, Any]) -> Iterator[str]:
    """Yield the passages that the reader was shown, best first, and the articles with evidence that it was not."""
    for rank, source in enumerate(reply["sources"], 1):
        sign = _sign(item, source["article_id"])
        cited = f" [{source['marker']}]" if source["marker"] else ""
        scores = source["scores"]
        figures = f"{source['score']:.3f} (dense {scores['dense']:.3f}, lexical {scores['lexical']:.2f})"
        yield f"{rank:>3}. {source['article_id']}{cited}{sign}  {figures}"
        yield from _lines("     ", clip(" ".join(source["snippet"].split()), SNIPPET))
    missing = item.gold_articles - {source["article_id"] for source in reply["sources"]}
    yield from (f"  –  {article}  GOLD, not retrieved" for article in sorted(missing))


def _forbidden(forbidden: Forbidden, reply: dict[str, Any]) -> list[str]:
    stated = matches(forbidden.match, reply["answer"])
    return _lines(f"  {'✗ stated' if stated else '✓ not stated'}, forbidden: ", forbidden.why)


def _sign(item: GoldItem, article: str) -> str:
    signs = {"GOLD": item.gold_articles, "POISONED": item.poison, "NEAR MISS": item.near_miss}
    return "".join(f"  {sign}" for sign, named in signs.items() if article in named)


def _citation(citation: dict[str, Any], reply: dict[str, Any], articles: Mapping[str, Article]) -> Iterator[str]:
    checked = citation["verification"]
    exact = is_exact(citation, articles)
    signs = ["exact" if exact else "NOT EXACT", *(["DANGLING"] if is_dangling(citation, reply) else [])]
    support = f"{checked['status']} by {checked['method']}, {checked['score']:.2f}"
    yield f"  [{citation['marker']}] {citation['article_id']}: {', '.join(signs)}; {support}"
    yield from _lines("      sentence: ", reply["answer"][citation["start_index"] : citation["end_index"]])
    yield from _lines("      quote:    ", citation["cited_text"])
    if not exact:
        article = articles.get(citation["article_id"])
        there = article.body[citation["start_char_index"] : citation["end_char_index"]] if article else None
        yield from _lines("      article:  ", there if there is not None else "not in the corpus")


def _paraphrase(asked: str, reply: dict[str, Any]) -> Iterator[str]:
    yield from _lines("paraphrase: ", asked)
    yield from _lines(f"  {reply['status']}: ", reply["answer"])


def _judged(verdict: Verdict) -> Iterator[list[str]]:
    stage = f" at the stage {verdict.stage}" if verdict.stage else ""
    note = f": {verdict.note}" if verdict.note else ""
    figures = [f"{name} {value:g}" for name, value in verdict.figures.items()]
    yield _lines("verdict: ", f"{verdict.outcome}{stage}{note}")
    yield _lines("figures: ", ", ".join(figures)) if figures else []


def _tick(stated: bool | None) -> str:  # noqa: FBT001 - None: no answer
    return {True: "✓", False: "✗", None: "–"}[stated]


def _lines(start: str, text: str) -> list[str]:
    """Wrap a text; the first line begins with `start`, the others are indented."""
    paragraphs: Iterable[str] = text.splitlines() or [""]
    indent = " " * min(len(start), 12)
    wrapped = (
        textwrap.wrap(paragraph, WIDTH, initial_indent=start if at == 0 else indent, subsequent_indent=indent)
        for at, paragraph in enumerate(paragraphs)
    )
    return [line for lines in wrapped for line in lines] or [start.rstrip()]
