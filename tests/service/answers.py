"""Small answers to test with: two sentences, each with a citation, from two dated articles."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from service.answer import (
    Answer,
    AnswerDelta,
    CitationAdded,
    Completed,
    Event,
    Freshness,
    Retrieval,
    RetrievalCompleted,
    Started,
    Timings,
    Versions,
)
from service.records import Citation, Scores, Source, Support, Usage, Verification

TEXT = "The pier has reopened [1]. A ticket costs 4 crowns [2]."
ASKED = "2026-11-27T10:00:00.000Z"


def answer(*support: Support, **changes: Any) -> Answer:  # noqa: ANN401 - the fields of Answer
    """Return an answer whose citations have this support; with none given, both are verified."""
    made = Answer(
        id="ans_1",
        created_at=ASKED,
        status="answered",
        status_reason=None,
        answer=TEXT,
        citations=tuple(map(_citation, (1, 2), support or ("verified", "verified"))),
        unsupported=(),
        sources=(_source(1, "2026-03-31T08:00:00Z"), _source(2, "2025-12-04T08:00:00Z")),
        freshness=Freshness(None, None, ASKED),
        retrieval=Retrieval("?", "hybrid", {}, (), 50),
        usage=Usage(0, 0, 0, None),
        timings_ms=Timings(),
        versions=Versions("extractive@2", None, None, "fake", "g1"),
        warnings=(),
    )
    return replace(made, **changes)


def events_of(made: Answer) -> Iterator[Event]:
    """Yield the events by which the pipeline gives an answer of two sentences, or an abstention."""
    yield Started(made.id, made.created_at)
    yield RetrievalCompleted(made.retrieval, made.sources, made.freshness)
    for number, part in enumerate((made.answer[:26], made.answer[26:])):
        yield AnswerDelta(part)
        if made.citations:
            yield CitationAdded(made.citations[number])
    yield Completed(made)


def _citation(number: int, support: Support) -> Citation:
    start, end = ((0, 26), (27, 55))[number - 1]
    quote = ("The pier has reopened.", "A ticket costs 4 crowns.")[number - 1]
    checked = Verification(support, "exact", 1.0)
    return Citation(f"cit_{number}", number, f"src_{number}", f"pier-{number}", start, end, quote, 0, 30, checked)


def _source(number: int, published_at: str) -> Source:
    return Source(
        id=f"src_{number}",
        marker=number,
        article_id=f"pier-{number}",
        chunk_id=f"pier-{number}#0",
        title=f"Pier, part {number}",
        url=None,
        source="Harbour Post",
        published_at=published_at,
        snippet="",
        start_char_index=0,
        end_char_index=30,
        score=1.0,
        scores=Scores(0.7, 9.0),
        cited=True,
    )
