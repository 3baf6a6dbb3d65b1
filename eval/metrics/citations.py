"""Citations: does every sentence rest on the words of an article that it names?

    dangling            citations whose source was not shown to the reader, or whose marker does not stand in the answer
    quote exactness     citations with body[start:end] == cited_text / citations
    citation recall     sentences whose quotes, together, bear them out / sentences        (ALCE, Gao et al. 2023)
    citation precision  citations that bear out their sentence, alone or because without them the others no longer do
                        / citations                                                         (ALCE)
    gold sources        1 where the cited articles hold a sufficient set of evidence, else the best share of one

Whether quotes bear a sentence out is judged by its hard tokens, not by the service's own check: every number and
every capitalised word within the sentence must stand in the quotes, and half of its content words.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from eval.matching import normalised, without_markers
from eval.metrics.retrieval import sufficient
from eval.records import GoldItem
from index.records import Article

COVERED = 0.5
_WORD = re.compile(r"[^\W_]+(?:['’.,-][^\W_]+)*")
_SMALL = frozenset(
    "a an the of to in on at by for from with and or but as is are was were be been has have had it its that"
    " this".split()
)


def citation_figures(item: GoldItem, reply: dict[str, Any], articles: Mapping[str, Article]) -> dict[str, float]:
    """The figures of one answer that says something of the articles."""
    if reply["status"] == "not_in_sources":
        return {}
    citations: list[dict[str, Any]] = reply["citations"]
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
    count = max(1, len(citations))
    return {
        "dangling": sum(is_dangling(citation, reply) for citation in citations),
        "quote_exactness": sum(is_exact(citation, articles) for citation in citations) / count if citations else 0.0,
        "citation_recall": sum(borne) / (len(groups) + _uncited(reply["answer"], groups)) if groups else 0.0,
        "citation_precision": sum(precise) / count if citations else 0.0,
        **_gold_sources(item, citations),
    }


def is_dangling(citation: Mapping[str, Any], reply: Mapping[str, Any]) -> bool:
    """Whether a citation names a source that the reader never saw, or a marker that is not in its sentence."""
    shown = {source["id"]: source["article_id"] for source in reply["sources"]}
    sentence = reply["answer"][citation["start_index"] : citation["end_index"]]
    return shown.get(citation["source_id"]) != citation["article_id"] or f"[{citation['marker']}]" not in sentence


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


def _uncited(answer: str, groups: Mapping[tuple[int, int], object]) -> int:
    """1 where words of the answer stand outside of every cited sentence, else 0."""
    kept = "".join(" " if any(start <= at < end for start, end in groups) else char for at, char in enumerate(answer))
    return int(bool(_WORD.search(kept)))


def _bears_out(quotes: Sequence[str], sentence: str) -> bool:
    plain = without_markers(sentence)
    source = set(_WORD.findall(normalised(" ".join(quotes))))
    words = _WORD.findall(plain)
    hard = [word for at, word in enumerate(words) if any(map(str.isdigit, word)) or (at and word[0].isupper())]
    content = [word for word in map(normalised, words) if word not in _SMALL]
    covered = sum(word in source for word in content)
    return all(normalised(word) in source for word in hard) and covered >= COVERED * len(content)


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
