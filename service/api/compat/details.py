"""The object `dateline` of a reply: the fields of the native answer that OpenAI's API has no place for."""

from dataclasses import dataclass

from service.answer import Answer, Freshness, Versions
from service.records import (
    AnswerWarning,
    Citation,
    Conflict,
    Correction,
    Development,
    Source,
    Status,
    StatusReason,
    Unsupported,
    Verdict,
)


@dataclass(frozen=True, slots=True)
class AnswerDetails:
    """The fields of the answer, as `/v1/ask` has them, with the warnings about the request."""

    status: Status
    status_reason: StatusReason | None
    verdict: Verdict
    citations: tuple[Citation, ...]
    unsupported: tuple[Unsupported, ...]
    sources: tuple[Source, ...]
    freshness: Freshness
    conflicts: tuple[Conflict, ...]
    developments: tuple[Development, ...]
    corrections: tuple[Correction, ...]
    versions: Versions
    warnings: tuple[AnswerWarning, ...]
    as_of: str | None
    permalink: str | None
    cached: bool


def details(answer: Answer, warnings: tuple[AnswerWarning, ...] = ()) -> AnswerDetails:
    """Return the details of an answer; `warnings` are those about the request."""
    fields = {name: getattr(answer, name) for name in AnswerDetails.__slots__}
    return AnswerDetails(**{**fields, "warnings": (*warnings, *answer.warnings)})
