"""`dateline search "words"`: print the passages that a question finds."""

import asyncio
from typing import Annotated

import typer

from dateline.ask import checked_question, headline
from dateline.options import After, Before, Data, Json, Source, filters_of, settings_of


def search(
    words: Annotated[str, typer.Argument(help="A question, or words to look for.")],
    data: Data = None,
    json_: Json = False,
    source: Source = None,
    after: After = None,
    before: Before = None,
) -> None:
    """Print the passages for a question, best first."""
    from index.markup import readable
    from service.answer import to_json
    from service.build import build_pipeline
    from service.records import Question
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings, data=data)
    pipeline = build_pipeline(settings)
    try:
        question = Question(checked_question(words), filters=filters_of(source, after, before))
        result = asyncio.run(pipeline.search(question))
    finally:
        pipeline.library.close()
    if json_:
        typer.echo(to_json(result))
        return
    for source_ in result.sources:
        typer.echo(f"{source_.score:.3f}  {headline(source_)}  {source_.chunk_id}")
        typer.echo(f"       {' '.join(readable(source_.snippet).split())[:200]}")
