"""True replies to gold questions, in the form of `/v1/ask`.

An answer has a sentence for each piece of evidence, in order; each cites the article's own words at their own place.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from eval.records import GoldItem
from index.records import Article
from index.text import sentence_spans

Reply = dict[str, Any]

SHOWN = 6
"""Articles that a reader is shown."""

REFUSAL = "The articles do not answer this question."


class Said(NamedTuple):
    """A sentence of an answer, and the quote that it cites."""

    sentence: str
    article: str
    quote: str


def true_reply(item: GoldItem, articles: Mapping[str, Article], ranked: Sequence[str] | None = None) -> Reply:
    """Return the gold answer; only `ranked` articles that are shown can be cited."""
    shown = list(best_ranking(item, articles) if ranked is None else ranked)[:SHOWN]
    said = [one for one in gold_sentences(item) if one.article in shown]
    return answered(said, articles, shown) if said else refused(articles, shown)


def gold_sentences(item: GoldItem) -> list[Said]:
    """Return the sentences of the gold answer, each with its evidence."""
    sentences = [item.answer[start:end] for start, end, _ in sentence_spans(item.answer)]
    return [
        Said(sentence, evidence.article, evidence.quote)
        for sentence, evidence in zip(sentences, item.evidence, strict=True)
    ]


def best_ranking(item: GoldItem, articles: Mapping[str, Article]) -> list[str]:
    """Return all articles, one of each group of copies: the evidence first, then poisoned ones and near misses."""
    evidence = [evidence.article for evidence in item.evidence]
    ranked = dict.fromkeys([*evidence, *item.poison, *item.near_miss, *sorted(articles)])
    spare = {name for group in item.copies for name in group if name != next(one for one in ranked if one in group)}
    return [name for name in ranked if name not in spare]


def answered(said: Sequence[Said], articles: Mapping[str, Article], shown: Sequence[str]) -> Reply:
    """Return an answer of these sentences, with markers in order of first use."""
    markers = {article: marker for marker, article in enumerate(dict.fromkeys(one.article for one in said), 1)}
    answer, citations = "", []
    for number, one in enumerate(said, 1):
        start = len(answer)
        answer += f"{one.sentence.rstrip('.')} [{markers[one.article]}]. "
        citations.append(_citation(number, one, markers[one.article], (start, len(answer) - 1), articles, shown))
    return {
        **_frame(articles, shown, markers),
        "status": "answered",
        "answer": answer.strip(),
        "citations": citations,
    }


def refused(articles: Mapping[str, Article], shown: Sequence[str]) -> Reply:
    """Return an abstention with the text of the contract."""
    return {
        **_frame(articles, shown, {}),
        "status": "not_in_sources",
        "status_reason": "low_relevance",
        "answer": REFUSAL,
        "citations": [],
    }


def _citation(
    number: int,
    said: Said,
    marker: int,
    span: tuple[int, int],
    articles: Mapping[str, Article],
    shown: Sequence[str],
) -> Reply:
    start = articles[said.article].body.index(said.quote)
    return {
        "id": f"cit_{number}",
        "marker": marker,
        "source_id": f"src_{shown.index(said.article) + 1}",
        "article_id": said.article,
        "start_index": span[0],
        "end_index": span[1],
        "cited_text": said.quote,
        "start_char_index": start,
        "end_char_index": start + len(said.quote),
        "verification": {"status": "verified", "method": "exact", "score": 1.0},
    }


def _frame(articles: Mapping[str, Article], shown: Sequence[str], markers: Mapping[str, int]) -> Reply:
    """Return the fields of a reply that do not depend on the answer."""
    return {
        "id": "ans_selftest",
        "object": "answer",
        "created_at": "2025-10-01T12:00:00Z",
        "status_reason": None,
        "offset_unit": "unicode_code_points",
        "unsupported": [],
        "conflicts": [],
        "independent_sources": len(markers),
        "sources": [_source(rank, articles[name], markers.get(name)) for rank, name in enumerate(shown, 1)],
        "freshness": {"newest_source_at": None, "oldest_source_at": None, "index_updated_at": "2025-10-01T12:00:00Z"},
        "retrieval": {
            "standalone_question": "",
            "mode": "hybrid",
            "filters_applied": {},
            "filters_inferred": [],
            "candidates": len(shown),
        },
        "usage": {"input_tokens": 0, "output_tokens": 0, "llm_calls": 1, "cost_usd": None},
        "timings_ms": {"standalone": 0, "retrieve": 0, "read": 0, "verify": 0, "total": 0},
        "versions": {
            "reader": "selftest",
            "model": None,
            "prompt": None,
            "embedding_model": "none",
            "generation": "selftest",
        },
        "warnings": [],
    }


def _source(rank: int, article: Article, marker: int | None) -> Reply:
    return {
        "id": f"src_{rank}",
        "marker": marker,
        "article_id": article.article_id,
        "chunk_id": f"{article.article_id}#0",
        "title": article.title,
        "url": None,
        "source": article.source,
        "published_at": None,
        "snippet": article.body,
        "start_char_index": 0,
        "end_char_index": len(article.body),
        "score": 1 / rank,
        "scores": {"dense": 0.0, "lexical": 0.0},
        "cited": marker is not None,
        "duplicates": [],
    }
