"""Examples in the API's description: the shapes of real replies, on an invented article."""

import json
from typing import Any

_CITATION: dict[str, Any] = {
    "id": "cit_1",
    "marker": 1,
    "source_id": "src_1",
    "article_id": "ferry-strike-ends",
    "start_index": 0,
    "end_index": 46,
    "cited_text": "The ferries sailed again on Wednesday morning.",
    "start_char_index": 210,
    "end_char_index": 256,
    "verification": {"status": "verified", "method": "exact", "score": 1.0},
}
_SOURCE: dict[str, Any] = {
    "id": "src_1",
    "marker": 1,
    "article_id": "ferry-strike-ends",
    "chunk_id": "ferry-strike-ends#0",
    "title": "Ferry strike ends",
    "url": None,
    "source": "Varn Sound Courier",
    "published_at": "2026-02-25T07:00:00Z",
    "snippet": "The ferries sailed again on Wednesday morning.",
    "start_char_index": 210,
    "end_char_index": 256,
    "score": 1.0,
    "scores": {"dense": 0.71, "lexical": 9.3},
    "cited": True,
    "language": "en",
    "duplicates": [],
}
ANSWER: dict[str, Any] = {
    "id": "ans_0f3c",
    "object": "answer",
    "created_at": "2026-03-01T09:30:00.000Z",
    "status": "answered",
    "status_reason": None,
    "verdict": "answered",
    "answer": "The ferries sailed again on Wednesday morning [1].",
    "offset_unit": "unicode_code_points",
    "citations": [{**_CITATION, "end_index": 50}],
    "unsupported": [],
    "conflicts": [],
    "sources": [_SOURCE],
    "freshness": {
        "newest_source_at": "2026-02-25T07:00:00Z",
        "oldest_source_at": "2026-02-25T07:00:00Z",
        "index_updated_at": "2026-03-01T06:00:00.000Z",
        "newest_cited_at": "2026-02-25T07:00:00Z",
    },
    "retrieval": {
        "standalone_question": "When did the ferries sail again?",
        "mode": "hybrid",
        "filters_applied": {},
        "filters_inferred": [],
        "candidates": 50,
    },
    "usage": {"input_tokens": 0, "output_tokens": 0, "llm_calls": 0, "cost_usd": None},
    "timings_ms": {"standalone": 0, "retrieve": 5, "read": 21, "verify": 1, "total": 29},
    "versions": {
        "reader": "extractive@1",
        "model": None,
        "prompt": None,
        "embedding_model": "local:all-MiniLM-L6-v2",
        "generation": "20260301T060000000Z-1a2b3c4d",
    },
    "warnings": [],
}
_EVENTS: tuple[dict[str, Any], ...] = (
    {"type": "answer.started", "id": "ans_0f3c", "created_at": "2026-03-01T09:30:00.000Z"},
    {"type": "retrieval.completed", "retrieval": {}, "sources": [], "freshness": {}},
    {"type": "answer.delta", "text": "The ferries sailed again on Wednesday morning [1]."},
    {"type": "citation.added", "citation": {}},
    {"type": "answer.completed", "object": "answer", "verdict": "answered"},
)
STREAM = "".join(f"id: {n}\nevent: {e['type']}\ndata: {json.dumps(e)}\n\n" for n, e in enumerate(_EVENTS))
