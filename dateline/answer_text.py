"""An answer, or the passages of a search, as lines for the terminal."""

import os
import sys
from collections.abc import Iterable, Iterator
from datetime import datetime

import typer

from index.markup import readable
from service.answer import Answer, age, day
from service.records import Citation, Conflict, Correction, Development, Source

CLOSE = 0.3
"""Cosine from which an article is named as related, as in the widget; below it, articles are about something else."""

NAMED = 3
"""Other outlets of a story that are named."""

_VERDICTS = {
    "conflict": "Reports differ.",
    "interrupted": "Incomplete: the answer was interrupted.",
    "withheld": "Partial answer: the rest could not be verified.",
    "stale": "Old reports: things may have changed since.",
    "weak": "Closest match: this may not fully answer your question.",
}
_DIFFERS = "Wording differs: compare with the quote."

_SIGNS = "*_`~[> "
_BEGIN, _END = "\ue000", "\ue001"
"""Characters without a meaning, which keep the place of the answer's words while markup is removed."""


def answer_lines(answer: Answer) -> list[str]:
    """Return the text, the verdict unless it is `answered`, each quote with its source and date, and notes."""
    lines = [answer.answer, *_verdict(answer)]
    if answer.as_of:
        lines.append(f"As of {day(answer.as_of)}: later articles are left out.")
    if answer.freshness.newest_cited_at:
        newest = datetime.fromisoformat(answer.freshness.newest_cited_at)
        ago = age(newest, datetime.fromisoformat(answer.as_of or answer.created_at))
        lines.append(f"Latest report: {', '.join(filter(None, (day(newest), ago)))}")
    sources = {source.id: source for source in answer.sources}
    for citation in answer.citations:
        lines += [f"\n[{citation.marker}] {_headline(sources[citation.source_id])}", f"    “{_quoted_words(citation)}”"]
        lines += [f"    {' '.join(each.text.split())} [{_written(each.date)}]" for each in citation.dates]
        lines += [f"    {_DIFFERS}"] if _differs(citation) else []
        lines.append(f"    {citation.article_id}, characters {citation.start_char_index} to {citation.end_char_index}")
        lines += [f"    {url}" for url in [sources[citation.source_id].url] if url]
        lines += [f"    {line}" for line in _also(sources[citation.source_id])]
    close = [source for source in answer.sources if source.scores.dense >= CLOSE]
    titles = dict.fromkeys(source.title or source.article_id for source in close)
    if answer.verdict == "none" and titles:
        lines.append(f"Related articles: {'; '.join([*titles][:3])}")
    lines += [f"left out ({withheld.reason}): {withheld.text}" for withheld in answer.unsupported]
    lines += [line for conflict in answer.conflicts for line in _positions("Reports differ on", conflict)]
    lines += [line for each in answer.developments for line in _positions("Reports over time on", each)]
    lines += map(_correction, answer.corrections)
    said = {"stale"} if answer.verdict == "stale" else set()
    return lines + [f"note: {warning.message}" for warning in answer.warnings if warning.code not in said]


def passage_lines(passages: Iterable[Source]) -> Iterator[str]:
    """Yield the score and the beginning of each passage, with its article."""
    for passage in passages:
        yield f"{passage.score:.3f}  {_headline(passage)}  {passage.chunk_id}"
        yield f"       {' '.join(readable(passage.snippet).split())[:200]}"
        yield from (f"       {line}" for line in _also(passage))


def _positions(opening: str, found: Conflict | Development) -> Iterator[str]:
    """Yield the topic of a conflict or a development, and each position with its article and quote."""
    yield f"\n{opening} {found.topic}:"
    for each in found.positions:
        article = ", ".join(filter(None, (each.source or each.title or each.article_id, day(each.published_at))))
        kind = ", correction" if each.is_correction else ""
        yield f"    {each.value} ({article}{kind}): “{' '.join(readable(each.quote).split())}”"


def _correction(correction: Correction) -> str:
    """Return a correction with the words after and before it, as far as they are known."""
    moment = f", {day(correction.corrected_at)}" if correction.corrected_at else ""
    before = f"; before: {correction.before}" if correction.before else ""
    article = correction.corrected_by or correction.article_id
    return f"correction ({article}{moment}): {correction.after or correction.note}{before}"


def _also(source: Source) -> Iterator[str]:
    """Yield the other outlets that have the story, the first three by name."""
    outlets = dict.fromkeys(each.source or each.title or each.article_id for each in source.duplicates)
    names = [" ".join(outlet.split()) for outlet in outlets if outlet != source.source]
    if names:
        others = f" and {len(names) - NAMED} more" if len(names) > NAMED else ""
        yield f"Also reported by {', '.join(names[:NAMED])}{others}"


def _headline(source: Source) -> str:
    """Return the title of a source's article with its publisher and date."""
    return f"{source.title or source.article_id} ({', '.join(filter(None, (source.source, day(source.published_at))))})"


def _verdict(answer: Answer) -> Iterator[str]:
    differs = any(map(_differs, answer.citations))
    if answer.verdict == "interrupted" and not differs:
        yield f"{_VERDICTS['interrupted']} What you see was checked."
    elif answer.verdict in _VERDICTS:
        yield _VERDICTS[answer.verdict]
    elif differs:
        yield _DIFFERS
    if answer.verdict != "weak" and answer.status_reason == "weak_evidence":
        yield _VERDICTS["weak"]


def _quoted_words(citation: Citation) -> str:
    """Return a quote without markup; on a terminal, the answer's words in it are bold and underlined."""
    quote, place, first = citation.cited_text, citation.highlight, citation.start_char_index
    shown = readable(quote)
    if place is None or not sys.stdout.isatty() or os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return shown
    start, end = place.start_char_index - first, place.end_char_index - first
    # Signs of markup at both ends stay outside, where `readable` recognises them.
    start += len(quote[start:end]) - len(quote[start:end].lstrip(_SIGNS))
    end -= len(quote[start:end]) - len(quote[start:end].rstrip(_SIGNS))
    marked = readable(f"{quote[:start]}{_BEGIN}{quote[start:end]}{_END}{quote[end:]}")
    before, _, rest = marked.partition(_BEGIN)
    words, _, after = rest.partition(_END)
    is_same = before + words + after == shown
    return f"{before}{typer.style(words, bold=True, underline=True)}{after}" if is_same else shown


def _written(date: str) -> str:
    """Return a day, a month or a year in ISO 8601 in words: "4 December 2025", "December 2025", "2025"."""
    precision = date.count("-")
    words = day(date + "-01" * (2 - precision))
    return words.split(" ", 2 - precision)[-1]


def _differs(citation: Citation) -> bool:
    return citation.verification.status != "verified"
