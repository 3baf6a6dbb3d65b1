"""`dateline ask "question"`: print a cited answer."""

import asyncio
import json
import os
import sys
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import After, Before, Data, Json, Source, filters_of, settings_of

if TYPE_CHECKING:
    from service.answer import Answer, Citation, Event
    from service.answer import Source as AnswerSource
    from service.pipeline import Pipeline
    from service.records import Question

CLOSE = 0.3
"""Cosine from which an article is named as related, as in the widget; below it, articles are about something else."""

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


def ask(
    question: Annotated[str, typer.Argument(help="The question, in a sentence.")],
    data: Data = None,
    json_: Json = False,
    stream: Annotated[
        bool, typer.Option("--stream", help="Print each sentence once it is verified; with --json, an event a line.")
    ] = False,
    source: Source = None,
    after: After = None,
    before: Before = None,
) -> None:
    """Answer a question from the articles.

    Each sentence cites an article and is checked against its words.
    """
    from service.build import build_pipeline
    from service.records import Question
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings, data=data)
    pipeline = build_pipeline(settings)
    asked = Question(checked_question(question), filters=filters_of(source, after, before))
    try:
        asyncio.run(_ask(pipeline, asked, stream=stream, as_json=json_))
    finally:
        pipeline.library.close()


def checked_question(question: str) -> str:
    """Return a question without surrounding white space; raises QuestionRefused if it is empty or too long."""
    from service.errors import QuestionRefused
    from service.records import QUESTION_LENGTH

    text = question.strip()
    if not 1 <= len(text) <= QUESTION_LENGTH:
        raise QuestionRefused(f"the question has {len(text)} characters, expected 1 to {QUESTION_LENGTH}", "question")
    return text


async def _ask(pipeline: "Pipeline", question: "Question", *, stream: bool, as_json: bool) -> None:
    from service.answer import event_data, to_json

    if not stream:
        answer = await pipeline.ask(question)
        typer.echo(to_json(answer) if as_json else "\n".join(answer_lines(answer)))
        return
    async for event in pipeline.stream(question):
        if as_json:
            typer.echo(json.dumps(event_data(event), ensure_ascii=False))
        else:
            _show(event)


def _show(event: "Event") -> None:
    from service.answer import AnswerDelta, Completed

    if isinstance(event, AnswerDelta):
        typer.echo(event.text, nl=False)
    elif isinstance(event, Completed):
        typer.echo()
        typer.echo("\n".join(answer_lines(event.answer)[1:]))


def answer_lines(answer: "Answer") -> list[str]:
    """Return the text, the verdict unless it is `answered`, each quote with its source and date, and notes."""
    lines = [answer.answer, *_verdict(answer), *_latest(answer)]
    sources = {source.id: source for source in answer.sources}
    for citation in answer.citations:
        lines += _quote(citation, sources[citation.source_id])
    lines += _related(answer)
    lines += [f"left out ({withheld.reason}): {withheld.text}" for withheld in answer.unsupported]
    said = {"stale"} if answer.verdict == "stale" else set()
    return lines + [f"note: {warning.message}" for warning in answer.warnings if warning.code not in said]


def headline(source: "AnswerSource") -> str:
    """Return the title of a source's article with its publisher and date."""
    from service.answer import day

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
    from service.answer import age, day

    if answer.freshness.newest_cited_at:
        newest = datetime.fromisoformat(answer.freshness.newest_cited_at)
        ago = age(newest, datetime.fromisoformat(answer.created_at))
        yield f"Latest report: {', '.join(filter(None, (day(newest), ago)))}"


def _quote(citation: "Citation", source: "AnswerSource") -> Iterator[str]:
    yield f"\n[{citation.marker}] {headline(source)}"
    yield f"    “{_quoted_words(citation)}”"
    if _differs(citation):
        yield f"    {_DIFFERS}"
    yield f"    {citation.article_id}, characters {citation.start_char_index} to {citation.end_char_index}"


def _quoted_words(citation: "Citation") -> str:
    """Return a quote without markup; on a terminal, the answer's words in it are bold and underlined."""
    from index.markup import readable

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


def _differs(citation: "Citation") -> bool:
    return citation.verification.status != "verified"


def _related(answer: "Answer") -> Iterator[str]:
    close = [source for source in answer.sources if source.scores.dense >= CLOSE]
    titles = dict.fromkeys(source.title or source.article_id for source in close)
    if answer.verdict == "none" and titles:
        yield f"Related articles: {'; '.join([*titles][:3])}"
