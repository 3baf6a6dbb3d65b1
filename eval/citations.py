"""Metrics of citations: the cited words should support each sentence.

Citation recall is the share of sentences that their quotes support together; precision the share of citations that
support their sentence alone, or without which the others do not support it (ALCE, Gao et al. 2023). A citation dangles
if its source was not shown to the reader or has another marker, or if its marker is not in the sentence; a marker
without a citation counts as well.

Support is judged by hard tokens and not by the service's own check: the quotes must contain every number and every
capitalised word within the sentence, the same words must follow a negation, and the quotes must contain half of the
sentence's content words.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from eval.matching import normalised, plain, without_markers
from eval.metrics import cited_articles, sufficient
from eval.records import GoldItem
from index.lexical import Terms
from index.records import Article
from index.text import sentence_spans

COVERED = 0.5
_WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")
_MARKER = re.compile(r"\[(\d+)\]")
_SMALL = frozenset(
    "a an the of to in on at by for from with and or but as is are was were be been has have had it its that"
    " this".split()
)
_NOT = frozenset("not no never cannot neither nor".split())


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
    same_negated = _negated(sentence) == _negated(" ".join(quotes)) & _stems(sentence)
    hard_stated = all(normalised(word) in source for word in hard)
    return bool(content) and covered >= COVERED * len(content) and hard_stated and same_negated


def _negated(text: str) -> set[str]:
    """Return the stem of each word that follows a negation."""
    words = [word for word in _WORD.findall(normalised(without_markers(text))) if word not in _SMALL]
    return {_stem(word) for before, word in pairwise(words) if before in _NOT or before.endswith("n't")}


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(normalised(text))}


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
