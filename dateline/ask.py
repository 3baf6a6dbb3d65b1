"""`dateline ask "question"` and `dateline search "words"`: print a cited answer, or the passages for a question."""

import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import After, AsOf, Before, Data, Json, Source, as_of_moment, filters_of, settings_of

if TYPE_CHECKING:
    from service.pipeline import Pipeline
    from service.records import Question


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
    as_of: AsOf = None,
) -> None:
    """Answer a question from the articles.

    Each sentence cites an article and is checked against its words.
    """
    with opened(data) as pipeline:
        asyncio.run(_ask(pipeline, _question(question, source, after, before, as_of), stream=stream, as_json=json_))


def search(
    words: Annotated[str, typer.Argument(help="A question, or words to look for.")],
    data: Data = None,
    json_: Json = False,
    source: Source = None,
    after: After = None,
    before: Before = None,
    as_of: AsOf = None,
) -> None:
    """Print the passages for a question, best first."""
    from dateline.answer_text import passage_lines
    from service.answer import to_json

    with opened(data) as pipeline:
        result = asyncio.run(pipeline.search(_question(words, source, after, before, as_of)))
    if json_ or result.sources:
        typer.echo(to_json(result) if json_ else "\n".join(passage_lines(result.sources)))


async def _ask(pipeline: "Pipeline", question: "Question", *, stream: bool, as_json: bool) -> None:
    from dateline.answer_text import answer_lines
    from service.answer import AnswerDelta, Completed, event_data, to_json

    if not stream:
        answer = await pipeline.ask(question)
        typer.echo(to_json(answer) if as_json else "\n".join(answer_lines(answer)))
        return
    async for event in pipeline.stream(question):
        if as_json:
            typer.echo(json.dumps(event_data(event), ensure_ascii=False))
        elif isinstance(event, AnswerDelta):
            typer.echo(event.text, nl=False)
        elif isinstance(event, Completed):
            typer.echo("\n".join(["", *answer_lines(event.answer)[1:]]))


@contextmanager
def opened(data: Path | None) -> "Iterator[Pipeline]":
    """Build a pipeline on the index of a data folder, and close it at the end."""
    from service.build import build_pipeline
    from service.settings import ServiceSettings

    pipeline = build_pipeline(settings_of(ServiceSettings, data=data))
    try:
        yield pipeline
    finally:
        pipeline.library.close()


def _question(
    text: str, source: list[str] | None, after: str | None, before: str | None, as_of: str | None
) -> "Question":
    """Return the question of a command; raises QuestionRefused if its text is empty or too long."""
    from service.errors import QuestionRefused
    from service.records import QUESTION_LENGTH, Question

    text = text.strip()
    if not 1 <= len(text) <= QUESTION_LENGTH:
        raise QuestionRefused(f"the question has {len(text)} characters, expected 1 to {QUESTION_LENGTH}", "question")
    return Question(text, filters=filters_of(source, after, before), as_of=as_of_moment(as_of))
