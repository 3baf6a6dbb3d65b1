"""`dateline ask "question"`: a cited answer on the terminal."""

import asyncio
import json
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.answer_text import answer_lines
from dateline.options import After, Before, Data, Json, Source, filters_of
from dateline.trouble import settings_of

if TYPE_CHECKING:
    from service.answer import Event
    from service.pipeline import Pipeline
    from service.records import Question


def ask(
    question: Annotated[str, typer.Argument(help="The question, in a sentence.")],
    data: Data = None,
    json_: Json = False,
    stream: Annotated[bool, typer.Option("--stream", help="Print sentences as they are checked.")] = False,
    source: Source = None,
    after: After = None,
    before: Before = None,
) -> None:
    """Answer a question; every sentence is cited, and every citation is checked against the article's words."""
    from service.build import build_pipeline
    from service.records import Question
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings, data=data)
    pipeline = build_pipeline(settings)
    asked = Question(checked(question), filters=filters_of(source, after, before))
    try:
        asyncio.run(_ask(pipeline, asked, stream=stream, as_json=json_))
    finally:
        pipeline.library.close()


def checked(question: str) -> str:
    """The question without the white space around it; raises QuestionRefused where it is empty or too long."""
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
