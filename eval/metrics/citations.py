"""Citations: does every sentence rest on the words of an article that it names?

    dangling            citations whose source was not shown to the reader or has another marker, or whose marker does
                        not stand in the sentence; and markers of the answer that no citation has
    quote exactness     citations with body[start:end] == cited_text / citations
    citation recall     sentences whose quotes, together, bear them out / sentences        (ALCE, Gao et al. 2023)
    citation precision  citations that bear out their sentence, alone or because without them the others no longer do
                        / citations                                                         (ALCE)
    gold sources        1 where the cited articles hold a sufficient set of evidence, else the best share of one

Whether quotes bear a sentence out is judged by its hard tokens, not by the service's own check: every number and
every capitalised word within the sentence must stand in the quotes, the same words must follow a negation, and half
of its content words must be there.
"""

import re
from collections.abc import Mapping, Sequence
from functools import cache
from itertools import pairwise
from typing import Any

from eval.matching import normalised, plain, without_markers
from eval.metrics.retrieval import sufficient
from eval.records import GoldItem
from index.records import Article
from index.terms import Terms
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
    """The figures of one answer that says something of the articles."""
    if reply["status"] == "not_in_sources":
        return {}
    citations: list[dict[str, Any]] = reply["citations"]
    if not citations:
        return {"dangling": _unknown_markers(reply), "citation_recall": 0.0, "citation_precision": 0.0}
    groups = _by_sentence(citations)
    spans = [reply["answer"][start:end] for start, end in groups]
    borne = [
        _bears_out([c["cited_text"] for c in group], text) for group, text in zip(groups.values(), spans, strict=True)
    ]
    precise = [
        _is_needed(at, group, text)
        for group, text in zip(groups.values(), spans, strict=True)
        for at in range(len(group))
    ]
    return {
        "dangling": sum(is_dangling(citation, reply) for citation in citations) + _unknown_markers(reply),
        "quote_exactness": sum(is_exact(citation, articles) for citation in citations) / len(citations),
        "citation_recall": sum(borne) / (len(groups) + _uncited(reply["answer"], groups)),
        "citation_precision": sum(precise) / len(citations),
        **_gold_sources(item, citations),
    }


def is_dangling(citation: Mapping[str, Any], reply: Mapping[str, Any]) -> bool:
    """Whether a citation names a source that the reader never saw so, or a marker that is not in its sentence."""
    shown = {source["id"]: (source["article_id"], source["marker"]) for source in reply["sources"]}
    sentence = reply["answer"][citation["start_index"] : citation["end_index"]]
    named = (citation["article_id"], citation["marker"])
    return shown.get(citation["source_id"]) != named or f"[{citation['marker']}]" not in sentence


def is_exact(citation: Mapping[str, Any], articles: Mapping[str, Article]) -> bool:
    """Whether the cited words stand at the place that is named, in the article that is named."""
    article = articles.get(citation["article_id"])
    span = slice(citation["start_char_index"], citation["end_char_index"])
    return article is not None and bool(citation["cited_text"]) and article.body[span] == citation["cited_text"]


def _by_sentence(citations: Sequence[dict[str, Any]]) -> dict[tuple[int, int], list[dict[str, Any]]]:
    groups: dict[tuple[int, int], list[dict[str, Any]]] = {}
    for citation in citations:
        groups.setdefault((citation["start_index"], citation["end_index"]), []).append(citation)
    return groups


def _unknown_markers(reply: Mapping[str, Any]) -> int:
    """How many numbers stand in brackets in the answer and lead nowhere."""
    return len({int(number) for number in _MARKER.findall(reply["answer"])} - {c["marker"] for c in reply["citations"]})


def _uncited(answer: str, groups: Mapping[tuple[int, int], object]) -> int:
    """How many sentences, or pieces of one, stand outside of every cited sentence."""
    edges = [0, *(edge for span in sorted(groups) for edge in span), len(answer)]
    gaps = [answer[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return sum(bool(_WORD.search(gap[start:end])) for gap in gaps for start, end, _ in sentence_spans(gap))


def _bears_out(quotes: Sequence[str], sentence: str) -> bool:
    source = set(_WORD.findall(normalised(" ".join(quotes))))
    words = _WORD.findall(plain(without_markers(sentence)))
    hard = [word for at, word in enumerate(words) if any(map(str.isdigit, word)) or (at and word[0].isupper())]
    content = [word for word in map(normalised, words) if word not in _SMALL]
    covered = sum(word in source for word in content)
    same_negated = _negated(sentence) == _negated(" ".join(quotes)) & _stems(sentence)
    hard_stated = all(normalised(word) in source for word in hard)
    return bool(content) and covered >= COVERED * len(content) and hard_stated and same_negated


def _negated(text: str) -> set[str]:
    """The stems that a negation stands right before."""
    words = [word for word in _WORD.findall(normalised(without_markers(text))) if word not in _SMALL]
    return {_stem(word) for before, word in pairwise(words) if before in _NOT or before.endswith("n't")}


def _stems(text: str) -> set[str]:
    return {_stem(word) for word in _WORD.findall(normalised(text))}


def _stem(word: str) -> str:
    # A stop word is its own stem.
    return (_terms().of(word) or [word])[0]


@cache
def _terms() -> Terms:
    return Terms("english")


def _is_needed(at: int, group: Sequence[dict[str, Any]], sentence: str) -> bool:
    quotes = [citation["cited_text"] for citation in group]
    alone = _bears_out([quotes[at]], sentence)
    others = [quote for number, quote in enumerate(quotes) if number != at]
    return _bears_out(quotes, sentence) and (alone or not others or not _bears_out(others, sentence))


def _gold_sources(item: GoldItem, citations: Sequence[dict[str, Any]]) -> dict[str, float]:
    if not item.gold_articles:
        return {}
    cited = {citation["article_id"] for citation in citations}
    return {"gold_sources": max(len(group & cited) / len(group) for group in sufficient(item))}
