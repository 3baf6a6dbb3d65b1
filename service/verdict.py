"""The verdict: one word for how far a reader may rely on an answer. Every client shows this scale."""

from typing import TYPE_CHECKING

from service.records import Verdict

if TYPE_CHECKING:
    from service.answer import Answer

STALE = "stale"
"""Code of the warning that a question about the present is answered from old articles."""


def verdict_of(answer: "Answer") -> Verdict:
    """Return the worst that is true of an answer: conflict, interrupted, withheld, stale, weak, else answered.

    `answered` needs a checked citation for every sentence, so an answer shown unchecked (citation modes `markers`
    and `off`) is at best weak.
    """
    causes: dict[Verdict, bool] = {
        "none": answer.status == "not_in_sources",
        "conflict": bool(answer.conflicts),
        "interrupted": answer.status_reason == "interrupted",
        "withheld": bool(answer.unsupported) or answer.status_reason == "unsupported_withheld",
        "stale": any(warning.code == STALE for warning in answer.warnings),
        "weak": answer.status == "partial" or not _is_checked(answer),
    }
    return next((verdict for verdict, present in causes.items() if present), "answered")


def _is_checked(answer: "Answer") -> bool:
    """Return whether supported citations span the text; a sentence without a citation was not checked."""
    end = 0
    for citation in sorted(answer.citations, key=lambda citation: citation.start_index):
        if citation.verification.status == "unverified" or answer.answer[end : citation.start_index].strip():
            return False
        end = max(end, citation.end_index)
    return not answer.answer[end:].strip()
