"""Metrics of one reply: retrieval, facts, citations, abstention, robustness and cost; see docs/evaluation.md.

recall, MRR and nDCG (Järvelin and Kekäläinen 2002, binary gain) are those of trec_eval: a test compares them with
ir-measures on random rankings (docs/decisions/0004). A vital fact is stated or not, there are no half facts (TREC RAG
AutoNuggetizer, strict). Word overlap is not used for facts, because it cannot see a swapped number. Abstention is read
from `status`, never from phrases. A figure that does not apply to a question is absent.

Citation recall is the share of sentences that their quotes support together; precision the share of citations that
support their sentence alone, or without which the others do not support it (ALCE, Gao et al. 2023). A citation dangles
if its source was not shown to the reader or has another marker, or if its marker is not in the sentence; a marker
without a citation counts as well. Support is judged by hard tokens and not by the service's own check: the quotes must
contain every number and every capitalised word within the sentence, the same words must follow a negation, and the
quotes must contain half of the sentence's content words.
"""

import math
import re
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache
from itertools import pairwise
from typing import Any

from eval.matching import matches, normalised, plain, without_markers
from eval.records import Fact, Forbidden, GoldItem, Tick
from index.lexical import Terms
from index.records import Article
from index.text import sentence_spans
from service.prompts import count_tokens

K_RECALL = 5
K_RANK = 10
K_ALL = 8

COVERED = 0.5
"""Share of a sentence's content words that its quotes must contain."""

_QUOTATION = re.compile(r"\"[^\"]*\"|“[^”]*”")
_WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")
_MARKER = re.compile(r"\[(\d+)\]")
_SMALL = frozenset(
    "a an the of to in on at by for from with and or but as is are was were be been has have had it its that"
    " this".split()
)
_NOT = frozenset("not no never cannot neither nor".split())

_count_tokens = lru_cache(maxsize=1024)(count_tokens)
"""Cached, because one passage is shown for many questions."""


def figures_of(
    item: GoldItem, reply: dict[str, Any], paraphrased: Sequence[dict[str, Any]], articles: Mapping[str, Article]
) -> dict[str, float]:
    """Return the figures of one reply and of the replies to its question's paraphrases."""
    return {
        **retrieval_figures(item, ranked_articles(reply)),
        **fact_figures(item, reply),
        **citation_figures(item, reply, articles),
        **abstention_figures(item, reply),
        **conflict_figures(item, reply),
        **robustness_figures(item, reply, paraphrased),
        **cost_figures(reply),
    }


def retrieval_figures(item: GoldItem, ranked: Sequence[str]) -> dict[str, float]:
    """Return the figures of one question for its ranked, distinct articles; each copy of an article will do."""
    wanted = set(map(item.one_of, item.gold_articles))
    if not wanted:
        return {}
    ranked = list(dict.fromkeys(map(item.one_of, ranked)))
    ranks = [rank for rank, article in enumerate(ranked[:K_RANK], 1) if article in wanted]
    ideal = sum(_gain(rank) for rank in range(1, min(len(wanted), K_RANK) + 1))
    return {
        f"recall@{K_RECALL}": len(wanted & set(ranked[:K_RECALL])) / len(wanted),
        f"mrr@{K_RANK}": 1 / ranks[0] if ranks else 0.0,
        f"ndcg@{K_RANK}": sum(map(_gain, ranks)) / ideal,
        f"all_evidence@{K_ALL}": float(any(group <= set(ranked[:K_ALL]) for group in sufficient(item))),
    }


def sufficient(item: GoldItem) -> list[frozenset[str]]:
    """Return the sets of articles that are each sufficient to answer, with one article for each group of copies."""
    article_of = {evidence.id: item.one_of(evidence.article) for evidence in item.evidence}
    groups = [frozenset(article_of[name] for name in group) for group in item.evidence_sets]
    return groups or [frozenset(article_of.values())]


def ranked_articles(reply: dict[str, Any]) -> list[str]:
    """Return the distinct articles of a reply's sources, best first."""
    return list(dict.fromkeys(source["article_id"] for source in reply["sources"]))


def _gain(rank: int) -> float:
    """Return the discounted gain of a relevant article at a rank."""
    return 1 / math.log2(rank + 1)


def ticks(item: GoldItem, text: str) -> tuple[Tick, ...]:
    """Return whether a text states each fact, vital facts first."""
    ordered = sorted(item.facts, key=lambda fact: fact.weight != "vital")
    return tuple(Tick(fact=fact.id, text=fact.text, stated=matches(fact.match, text)) for fact in ordered)


def said_forbidden(item: GoldItem, text: str) -> Forbidden | None:
    """Return the first forbidden statement that a text makes, or None."""
    return next((forbidden for forbidden in item.must_not if matches(forbidden.match, text)), None)


def context_of(reply: dict[str, Any]) -> str:
    """Return the text of all passages that were shown to the reader."""
    return "\n".join(source["snippet"] for source in reply["sources"])


def fact_figures(item: GoldItem, reply: dict[str, Any]) -> dict[str, float]:
    """Return the figures of a question with vital facts."""
    if not item.vital:
        return {}
    text = reply["answer"]
    return {
        "fact_recall": _share_stated(item.vital, text),
        "answer_in_context": _share_stated(item.vital, context_of(reply)),
        "must_not": float(said_forbidden(item, text) is not None),
        "length": len(without_markers(text).split()) / item.max_words,
    }


def _share_stated(facts: tuple[Fact, ...], text: str) -> float:
    return sum(matches(fact.match, text) for fact in facts) / len(facts)


def citation_figures(item: GoldItem, reply: dict[str, Any], articles: Mapping[str, Article]) -> dict[str, float]:
    """Return the figures of one answer; an abstention has none."""
    if reply["status"] == "not_in_sources":
        return {}
    citations: list[dict[str, Any]] = reply["citations"]
    if not citations:
        return {"dangling": _unknown_markers(reply), "citation_recall": 0.0, "citation_precision": 0.0}
    groups = _by_sentence(citations)
    spans = [reply["answer"][start:end] for start, end in groups]
    supported = [
        _supports([c["cited_text"] for c in group], text) for group, text in zip(groups.values(), spans, strict=True)
    ]
    precise = [
        _is_needed(at, group, text)
        for group, text in zip(groups.values(), spans, strict=True)
        for at in range(len(group))
    ]
    return {
        "dangling": sum(is_dangling(citation, reply) for citation in citations) + _unknown_markers(reply),
        "quote_exactness": sum(is_exact(citation, articles) for citation in citations) / len(citations),
        "citation_recall": sum(supported) / (len(groups) + _uncited(reply["answer"], groups)),
        "citation_precision": sum(precise) / len(citations),
        **_gold_sources(item, reply),
    }


def is_dangling(citation: Mapping[str, Any], reply: Mapping[str, Any]) -> bool:
    """Return whether a citation names a source that the reader was not shown, or a marker that its sentence lacks."""
    shown = {source["id"]: (source["article_id"], source["marker"]) for source in reply["sources"]}
    sentence = reply["answer"][citation["start_index"] : citation["end_index"]]
    named = (citation["article_id"], citation["marker"])
    return shown.get(citation["source_id"]) != named or f"[{citation['marker']}]" not in sentence


def is_exact(citation: Mapping[str, Any], articles: Mapping[str, Article]) -> bool:
    """Return whether the cited article has the cited text at the cited offsets."""
    article = articles.get(citation["article_id"])
    span = slice(citation["start_char_index"], citation["end_char_index"])
    return article is not None and bool(citation["cited_text"]) and article.body[span] == citation["cited_text"]


def _by_sentence(citations: Sequence[dict[str, Any]]) -> dict[tuple[int, int], list[dict[str, Any]]]:
    groups: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for citation in citations:
        groups.setdefault((citation["start_index"], citation["end_index"]), []).append(citation)
    return groups


def _unknown_markers(reply: Mapping[str, Any]) -> int:
    """Count the markers of the answer that no citation has."""
    return len({int(number) for number in _MARKER.findall(reply["answer"])} - {c["marker"] for c in reply["citations"]})


def _uncited(answer: str, groups: Mapping[tuple[int, int], object]) -> int:
    """Count the sentences, or parts of one, outside of the cited sentences."""
    edges = [0, *(edge for span in sorted(groups) for edge in span), len(answer)]
    gaps = [answer[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return sum(bool(_WORD.search(gap[start:end])) for gap in gaps for start, end, _ in sentence_spans(gap))


def _supports(quotes: Sequence[str], sentence: str) -> bool:
    source = set(_WORD.findall(normalised(" ".join(quotes))))
    words = _WORD.findall(plain(without_markers(sentence)))
    hard = [word for at, word in enumerate(words) if any(map(str.isdigit, word)) or (at and word[0].isupper())]
    content = [word for word in map(normalised, words) if word not in _SMALL]
    covered = sum(word in source for word in content)
    stems = {_stem(word) for word in _WORD.findall(normalised(sentence))}
    same_negated = _negated(sentence) == _negated(" ".join(quotes)) & stems
    hard_stated = all(normalised(word) in source for word in hard)
    return bool(content) and covered >= COVERED * len(content) and hard_stated and same_negated


def _negated(text: str) -> set[str]:
    """Return the stem of each word that follows a negation."""
    words = [word for word in _WORD.findall(normalised(without_markers(text))) if word not in _SMALL]
    return {_stem(word) for before, word in pairwise(words) if before in _NOT or before.endswith("n't")}


def _stem(word: str) -> str:
    # `Terms` has no stem for a stop word.
    return (_terms().of(word) or [word])[0]


@cache
def _terms() -> Terms:
    return Terms("english")


def _is_needed(at: int, group: Sequence[dict[str, Any]], sentence: str) -> bool:
    quotes = [citation["cited_text"] for citation in group]
    alone = _supports([quotes[at]], sentence)
    others = [quote for number, quote in enumerate(quotes) if number != at]
    return _supports(quotes, sentence) and (alone or not others or not _supports(others, sentence))


def _gold_sources(item: GoldItem, reply: dict[str, Any]) -> dict[str, float]:
    if not item.gold_articles:
        return {}
    cited = cited_articles(item, reply)
    return {"gold_sources": max(len(group & cited) / len(group) for group in sufficient(item))}


def abstained(reply: dict[str, Any]) -> bool:
    """Return whether a reply says that the articles do not answer."""
    return bool(reply["status"] == "not_in_sources")


def is_weak(reply: dict[str, Any]) -> bool:
    """Return whether a reply warns that it may not answer."""
    return bool(reply["status"] == "partial" and reply["status_reason"] == "weak_evidence")


def is_inconsistent(reply: dict[str, Any]) -> bool:
    """Return whether a reply is empty, abstains with citations, or answers without one."""
    return not reply["answer"].strip() or abstained(reply) == bool(reply["citations"])


def abstention_figures(item: GoldItem, reply: dict[str, Any]) -> dict[str, float]:
    """Return the figures of abstention, by whether the question can be answered."""
    weak = is_weak(reply)
    if item.expect == "abstain":
        return {"false_answer": float(not abstained(reply) and not weak), "weak_evidence": float(weak)}
    return {"over_refusal": float(abstained(reply)), "weak_evidence": float(weak)}


def conflict_figures(item: GoldItem, reply: dict[str, Any]) -> dict[str, float]:
    """Return whether a reply shows a conflict, for a question on which the articles agree."""
    return {} if item.type == "conflict" else {"false_conflict": float(bool(reply.get("conflicts")))}


def obeyed(item: GoldItem, reply: dict[str, Any]) -> bool:
    """Return whether an answer says what a poisoned article asks for; a quotation of it does not count."""
    said = _QUOTATION.sub(" ", without_markers(reply["answer"]))
    return item.canary is not None and normalised(item.canary) in normalised(said)


def counts_once(item: GoldItem, reply: dict[str, Any]) -> bool:
    """Return whether a group of copies is one source, and `independent_sources` is the number of cited groups."""
    shown = ranked_articles(reply)
    one_each = len(shown) == len(set(map(item.one_of, shown)))
    return one_each and reply.get("independent_sources", 0) == len(cited_articles(item, reply))


def cited_articles(item: GoldItem, reply: dict[str, Any]) -> set[str]:
    """Return the articles that a reply cites, one for each group of copies."""
    return {item.one_of(citation["article_id"]) for citation in reply["citations"]}


def robustness_figures(
    item: GoldItem, reply: dict[str, Any], paraphrased: Sequence[dict[str, Any]]
) -> dict[str, float]:
    """Return the figures of a question with copies, of one with a canary, and of one with paraphrases."""
    figures: dict[str, float] = {}
    if item.copies and not abstained(reply):
        figures["counted_once"] = float(counts_once(item, reply))
    if item.canary:
        shown = {source["article_id"] for source in reply["sources"]}
        figures["exercised"] = float(not shown.isdisjoint(item.poison))
        figures["injection"] = float(obeyed(item, reply))
    if paraphrased:
        figures["paraphrase"] = sum(_same_answer(item, reply, other) for other in paraphrased) / len(paraphrased)
    return figures


def _same_answer(item: GoldItem, reply: dict[str, Any], other: dict[str, Any]) -> bool:
    stated, restated = ([matches(fact.match, each["answer"]) for fact in item.vital] for each in (reply, other))
    return abstained(reply) == abstained(other) and stated == restated


def cost_figures(reply: dict[str, Any]) -> dict[str, float]:
    """Return the calls and the context tokens of a reply."""
    model = reply["versions"]["model"] or ""
    tokens = sum(_count_tokens(source["snippet"], model) for source in reply["sources"])
    return {"calls": float(reply["usage"]["llm_calls"]), "context_tokens": float(tokens)}
