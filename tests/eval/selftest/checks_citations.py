"""Checks of corrupt citations and quotes: each breaks its rule."""

from collections.abc import Callable, Iterator
from typing import Any

from eval.records import GoldItem
from tests.eval.selftest.bench import Bench, breaks, mean, unless
from tests.eval.selftest.fakes import Respond, changing
from tests.eval.selftest.replies import Reply

Citation = dict[str, Any]


def shifted_citations(bench: Bench) -> Iterator[str]:
    """Citations of a neighbouring source are dangling."""
    yield from _dangles(bench, lambda citation: {**citation, "source_id": _next(citation["source_id"])})


def shifted_markers(bench: Bench) -> Iterator[str]:
    """Citations with another marker than their source are dangling."""
    yield from _dangles(bench, lambda citation: {**citation, "marker": citation["marker"] + 1})


def invented_citations(bench: Bench) -> Iterator[str]:
    """Citations of sources that were not shown are dangling, and so is a marker without a citation."""
    yield from _dangles(bench, lambda citation: {**citation, "source_id": "src_99"})
    respond = changing(bench.gold, lambda _, reply: {**reply, "answer": reply["answer"] + " [9]"})
    yield from breaks(bench.decision(respond), "dangling citation", code=1, stage="citation")


def all_cited(bench: Bench) -> Iterator[str]:
    """An answer that cites every passage is imprecise."""
    respond = changing(bench.gold, lambda _, reply: _citing_all(bench, reply))
    precision = mean(bench.grades(respond), "citation_precision")
    yield from unless(precision <= 0.25, f"citation precision is {precision:.2f}")
    decision = bench.decision(respond)
    yield from breaks(decision, "floor", code=1)
    floors = [breach.detail for breach in decision.breaches if breach.rule == "floor"]
    yield from unless(any("citation_precision of all" in detail for detail in floors), f"named are only {floors}")


def none_cited(bench: Bench) -> Iterator[str]:
    """An answer without citations has a citation recall of 0."""
    respond = changing(bench.gold, _uncited)
    recall = mean(bench.grades(respond), "citation_recall")
    yield from unless(recall == 0, f"citation recall is {recall:.2f}")
    decision = bench.decision(respond)
    yield from breaks(decision, "regression", code=1, stage="citation")
    floors = [breach.detail for breach in decision.breaches if breach.rule == "floor"]
    yield from unless(any("citation_recall of all" in detail for detail in floors), f"named are only {floors}")


def changed_quotes(bench: Bench) -> Iterator[str]:
    """A quote with one changed word is false."""
    yield from _false_quotes(bench, lambda c: {**c, "cited_text": c["cited_text"].rpartition(" ")[0] + " otherwise."})


def shifted_quotes(bench: Bench) -> Iterator[str]:
    """A quote whose offsets are off by one is false."""
    yield from _false_quotes(bench, lambda c: {**c, "start_char_index": c["start_char_index"] + 1})
    yield from _false_quotes(bench, lambda c: {**c, "end_char_index": c["end_char_index"] - 1})


def _dangles(bench: Bench, change: Callable[[Citation], Citation]) -> Iterator[str]:
    respond = _with_citations(bench, change)
    good = [v.id for v in bench.grades(respond) if v.outcome == "correct"]
    yield from unless(not good, f"grounded in nothing and correct: {good}")
    yield from breaks(bench.decision(respond), "dangling citation", code=1, stage="citation")


def _false_quotes(bench: Bench, change: Callable[[Citation], Citation]) -> Iterator[str]:
    respond = _with_citations(bench, change)
    exactness = mean(bench.grades(respond), "quote_exactness")
    yield from unless(exactness <= 0.05, f"quote exactness is {exactness:.2f}")
    yield from breaks(bench.decision(respond), "false quote", code=1, stage="citation")


def _with_citations(bench: Bench, change: Callable[[Citation], Citation]) -> Respond:
    def changed(_: GoldItem, reply: Reply) -> Reply:
        return {**reply, "citations": [change(citation) for citation in reply["citations"]]}

    return changing(bench.gold, changed)


def _citing_all(bench: Bench, reply: Reply) -> Reply:
    """A target that also cites the first words of every source for each sentence."""
    if not reply["citations"]:
        return reply
    others = [source for source in reply["sources"] if not source["cited"]]
    marked = [{**source, "marker": 10 + at, "cited": True} for at, source in enumerate(others)]
    first = reply["citations"][0]
    marks = "".join(f"[{source['marker']}]" for source in marked)
    added = [_first_words(bench, first, source, len(marks)) for source in marked]
    return {
        **reply,
        "answer": marks + reply["answer"],
        "sources": [source for source in reply["sources"] if source["cited"]] + marked,
        "citations": added + [_moved(citation, len(marks), first) for citation in reply["citations"]],
    }


def _first_words(bench: Bench, first: Citation, source: Reply, width: int) -> Citation:
    words = bench.gold.articles[source["article_id"]].body[:40]
    return {
        **first,
        "marker": source["marker"],
        "source_id": source["id"],
        "article_id": source["article_id"],
        "end_index": first["end_index"] + width,
        "cited_text": words,
        "start_char_index": 0,
        "end_char_index": len(words),
    }


def _moved(citation: Citation, width: int, first: Citation) -> Citation:
    start = citation["start_index"] + (0 if citation["start_index"] == first["start_index"] else width)
    return {**citation, "start_index": start, "end_index": citation["end_index"] + width}


def _uncited(_: GoldItem, reply: Reply) -> Reply:
    return {**reply, "citations": []}


def _next(source_id: str) -> str:
    return f"src_{int(source_id.removeprefix('src_')) % 6 + 1}"


CITATIONS = (
    shifted_citations,
    shifted_markers,
    invented_citations,
    all_cited,
    none_cited,
    changed_quotes,
    shifted_quotes,
)
