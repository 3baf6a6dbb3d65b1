"""The outcome of one question explained for the terminal: expected, retrieved, answered, cited, scored."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any

from eval.errors import GoldInvalid
from eval.gold import GoldSet
from eval.matching import matches
from eval.metrics import is_dangling, is_exact
from eval.records import SUPPORT, GoldItem, Run
from eval.report_files import render
from eval.score import score_one
from index.records import Article


def explain(gold: GoldSet, question_id: str, run: Run) -> str:
    """Return the explanation in lines of at most 100 characters.

    Raises GoldInvalid if the id is unknown or of the holdout, or if the run did not ask the question.
    """
    item = _item(gold, question_id)
    prediction = next((prediction for prediction in run.predictions if prediction.id == item.id), None)
    if prediction is None:
        raise GoldInvalid(f"the run did not ask {item.id}", "Leave out --run to ask it now.")
    grade = score_one(item, prediction, gold.articles)
    shown = prediction.attempts[grade.shown]
    reply = shown.reply or {"sources": [], "citations": [], "answer": ""}
    retrieved = {item.one_of(source["article_id"]) for source in reply["sources"]}
    return render(
        "explain.txt.jinja2",
        item=item,
        grade=grade,
        reply=shown.reply,
        error=shown.error,
        stated={tick.fact: tick.stated for tick in grade.ticks},
        signs={"GOLD": item.gold_articles, "POISONED": item.poison, "NEAR MISS": item.near_miss},
        missing=sorted(article for article in item.gold_articles if item.one_of(article) not in retrieved),
        said={forbidden.id for forbidden in item.must_not if matches(forbidden.match, reply["answer"])},
        citations=[_cited(citation, reply, gold.articles) for citation in reply["citations"]],
        paraphrased=list(zip(item.paraphrases, prediction.paraphrased, strict=False)),
    )


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


def _cited(citation: Mapping[str, Any], reply: Mapping[str, Any], articles: Mapping[str, Article]) -> dict[str, Any]:
    """Return a citation with its sentence, the words at its place in the article, and how it was verified."""
    checked, first = citation["verification"], citation["start_char_index"]
    place, article = citation.get("highlight"), articles.get(citation["article_id"])
    return {
        **citation,
        "exact": is_exact(citation, articles),
        "dangling": is_dangling(citation, reply),
        "support": f"{SUPPORT[checked['status']]} ({checked['method']}, {checked['score']:.2f})",
        "sentence": reply["answer"][citation["start_index"] : citation["end_index"]],
        "words": place and citation["cited_text"][place["start_char_index"] - first : place["end_char_index"] - first],
        "article": article.body[first : citation["end_char_index"]] if article else "not in the corpus",
    }
