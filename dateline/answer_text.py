"""An answer as lines of a terminal: the same verdicts as the API and the widget, in plain words."""

from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.answer import Answer, Citation, Source

CLOSE = 0.3
"""Cosine from which an article is named as related, as in the widget; below it they are about something else."""

_VERDICTS = {
    "conflict": "Reports differ.",
    "interrupted": "Incomplete: the answer was interrupted.",
    "withheld": "Partial answer: the rest could not be verified.",
    "stale": "Old reports: things may have changed since.",
    "weak": "Closest match: this may not fully answer your question.",
}
_DIFFERS = "Wording differs: compare with the quote."


def answer_lines(answer: "Answer") -> list[str]:
    """Return the text, the verdict where it is not a clean answer, each quote with its source and date, and notes."""
    lines = [answer.answer, *_verdict(answer), *_latest(answer)]
    sources = {source.id: source for source in answer.sources}
    for citation in answer.citations:
        lines += _quote(citation, sources[citation.source_id])
    lines += _related(answer)
    lines += [f"left out ({withheld.reason}): {withheld.text}" for withheld in answer.unsupported]
    said = {"stale"} if answer.verdict == "stale" else set()
    return lines + [f"note: {warning.message}" for warning in answer.warnings if warning.code not in said]


def headline(source: "Source") -> str:
    """Return the title of a source's article with its publisher and date."""
    from service.staleness import day

    date = day(datetime.fromisoformat(source.published_at)) if source.published_at else "undated"
    return f"{source.title or source.article_id} ({', '.join(filter(None, (source.source, date)))})"


def _verdict(answer: "Answer") -> Iterator[str]:
    differs = any(map(_differs, answer.citations))
    if answer.verdict == "interrupted" and not differs:
        yield f"{_VERDICTS['interrupted']} What you see was checked."
    elif answer.verdict in _VERDICTS:
        yield _VERDICTS[answer.verdict]
    elif differs:
        yield _DIFFERS
    if answer.verdict != "weak" and answer.status_reason == "weak_evidence":
        yield _VERDICTS["weak"]


def _latest(answer: "Answer") -> Iterator[str]:
    from service.staleness import age, day

    if answer.freshness.newest_cited_at:
        newest = datetime.fromisoformat(answer.freshness.newest_cited_at)
        ago = age(newest, datetime.fromisoformat(answer.created_at))
        yield f"Latest report: {', '.join(filter(None, (day(newest), ago)))}"


def _quote(citation: "Citation", source: "Source") -> Iterator[str]:
    from index.markup import readable

    yield f"\n[{citation.marker}] {headline(source)}"
    yield f"    “{readable(citation.cited_text)}”"
    if _differs(citation):
        yield f"    {_DIFFERS}"
    yield f"    {citation.article_id}, characters {citation.start_char_index} to {citation.end_char_index}"


def _differs(citation: "Citation") -> bool:
    return citation.verification.status != "verified"


def _related(answer: "Answer") -> Iterator[str]:
    close = [source for source in answer.sources if source.scores.dense >= CLOSE]
    titles = dict.fromkeys(source.title or source.article_id for source in close)
    if answer.verdict == "none" and titles:
        yield f"Related articles: {'; '.join([*titles][:3])}"
