"""Small reports for tests: two articles, gold questions on them, and replies."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from eval.baseline import FILE, write_baseline
from eval.gate import ACCEPTED, Accepted, AcceptedList
from eval.gold import GoldSet
from eval.records import Evidence, Fact, Forbidden, GoldItem, Header, Matcher, Prediction, Provenance, Run, Turn
from eval.report import Report, make_report
from index.records import Article

FERRY = "The ferry strike began on Monday. It ended after 9 days. Crews won a rise of 4.5 percent."
MUSEUM = "Thieves took 12 compasses from the museum. The police blame a forged key."
ARTICLES = {
    "ferry-strike": Article("ferry-strike", FERRY, "/articles/ferry-strike.md", title="Ferry strike"),
    "museum-theft": Article("museum-theft", MUSEUM, "/articles/museum-theft.md", title="Museum theft"),
}
BAD = (
    "<script>alert('x')</script> \"quoted\" & @everyone #1 [a](http://evil.example) |"
    " \u202eevil\u202c שלום 👩\u200d🚀 \x1b[31m\x00"
)
"""Hostile text that a report must show as text."""

RISE, LENGTH, COMPASSES, NO_ANSWER = "how_many-001", "how_many-002", "how_many-003", "unanswerable-001"
HIDDEN = "how_many-900"


def question(id_: str, asked: str, quote: str = "", number: float = 0.0, **more: object) -> GoldItem:
    """Return a gold question: with a quote, its number is the vital fact; without one, the answer abstains."""
    article = next((name for name, article in ARTICLES.items() if quote and quote in article.body), "")
    fact = Fact(id="f1", text=f"the number {number:g}", match=(Matcher(number=number),), evidence=("e1",))
    return GoldItem.model_validate(
        {
            "schema": 1,
            "id": id_,
            "turns": (Turn(role="user", content=asked),),
            "provenance": Provenance(made="by hand", checked="2026-11-20"),
            "type": id_.rsplit("-", 1)[0],
            "expect": "answer" if quote else "abstain",
            "answer": quote,
            "facts": (fact,) if quote else (),
            "evidence": (Evidence(id="e1", article=article, quote=quote),) if quote else (),
            **more,
        }
    )


ITEMS = (
    question(
        RISE,
        "By how much did the pay of the crews rise?",
        "Crews won a rise of 4.5 percent.",
        4.5,
        critical=True,
        must_not=(Forbidden(id="x1", why="the length of the strike", match=(Matcher(number=9.0),)),),
    ),
    question(LENGTH, "How many days did the ferry strike last?", "It ended after 9 days.", 9),
    question(COMPASSES, "How many compasses are gone?", "Thieves took 12 compasses from the museum.", 12),
    question(HIDDEN, "How many thieves' keys were forged?", "Thieves took 12 compasses", 12, split="holdout"),
    question(NO_ANSWER, "Who directs the museum?", near_miss=("museum-theft",)),
)
GOLD = GoldSet(ITEMS, ARTICLES, (), "a1" * 32, "c0" * 32)

GOOD = {
    RISE: ("Crews won a rise of 4.5 percent.", "ferry-strike"),
    LENGTH: ("It ended after 9 days.", "ferry-strike"),
    COMPASSES: ("Thieves took 12 compasses from the museum.", "museum-theft"),
    HIDDEN: ("Thieves took 12 compasses from the museum.", "museum-theft"),
    NO_ANSWER: ("", "museum-theft"),
}
"""The sentence that answers each question, and the article that contains it."""


def source(number: int, article: str, cited: bool) -> dict[str, Any]:
    """Return a passage with the complete article."""
    body = ARTICLES[article].body
    return {
        "id": f"src_{number}",
        "marker": number if cited else None,
        "article_id": article,
        "chunk_id": f"{article}#0",
        "title": ARTICLES[article].title,
        "snippet": body,
        "start_char_index": 0,
        "end_char_index": len(body),
        "score": 1.0 / number,
        "scores": {"dense": 0.5, "lexical": 4.25},
        "cited": cited,
    }


def reply(answer: str, *articles: str, quote: str | None = None, withheld: Sequence[str] = ()) -> dict[str, Any]:
    """Return a reply of one sentence that cites the first article; an empty one abstains."""
    quoted = answer if quote is None else quote
    start = max(0, ARTICLES[articles[0]].body.find(quoted))
    said = f"{answer[:-1]} [1]{answer[-1]}" if answer else ""
    citation = {
        "id": "cit_1",
        "marker": 1,
        "source_id": "src_1",
        "article_id": articles[0],
        "start_index": 0,
        "end_index": len(said),
        "cited_text": quoted,
        "start_char_index": start,
        "end_char_index": start + len(quoted),
        "verification": {"status": "verified", "method": "exact", "score": 1.0},
    }
    return {
        "object": "answer",
        "status": "answered" if answer else "not_in_sources",
        "status_reason": None if answer else "low_relevance",
        "answer": said or "The articles do not answer this question.",
        "citations": [citation] if answer else [],
        "unsupported": [{"text": sentence, "reason": "number_not_in_source"} for sentence in withheld],
        "sources": [
            source(number, article, bool(answer) and number == 1) for number, article in enumerate(articles, 1)
        ],
        "usage": {"input_tokens": 0, "output_tokens": 0, "llm_calls": 0, "cost_usd": None},
        "versions": {"reader": "extractive@1", "model": None, "prompt": None, "embedding_model": "local"},
    }


def run_of(
    replies: Mapping[str, dict[str, Any] | str | None] | None = None, gold: GoldSet = GOLD, **header: object
) -> Run:
    """Return a run of correct answers, except for these: a reply, the text of an error, or None for not asked."""
    given = replies or {}
    predictions = [_prediction(item.id, given[item.id] if item.id in given else _right(item)) for item in gold.items]
    asked = tuple(prediction for prediction in predictions if prediction is not None)
    made_of = {
        "lane": "offline",
        "gold": gold.gold_hash,
        "corpus": gold.corpus_hash,
        "fingerprint": "f9" * 32,
        "questions": len(asked),
        "reader": "extractive@1",
        "graph": "9d" * 32,
    }
    return Run(header=Header.model_validate({**made_of, **header}), predictions=asked)


def report_of(
    folder: Path,
    now: Run,
    before: Run | None = None,
    *,
    gold: GoldSet = GOLD,
    accepted: Sequence[str] = (),
    latency_ms: Mapping[str, float] | None = None,
) -> Report:
    """Return the report of a run and its baseline, which is saved in `folder`."""
    if before is not None:
        write_baseline(folder / "offline" / FILE, before)
    meant = tuple(Accepted(id=id_, reason="the article was withdrawn", expires="2999-01-01") for id_ in accepted)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ACCEPTED).write_text(AcceptedList(accepted=meant).model_dump_json(), encoding="utf-8")
    return make_report(gold, now, folder, latency_ms)


def _right(item: GoldItem) -> dict[str, Any]:
    sentence, article = GOOD.get(item.id, (item.answer, next(iter(item.gold_articles), "ferry-strike")))
    return reply(sentence, article, *(other for other in ARTICLES if other != article))


def _prediction(id_: str, given: dict[str, Any] | str | None) -> Prediction | None:
    if given is None:
        return None
    return Prediction(id=id_, error=given) if isinstance(given, str) else Prediction(id=id_, reply=given)
