"""`dateline search "words"`: the passages for a question, without reading them."""

import asyncio
from typing import Annotated

import typer

from dateline.answer_text import headline
from dateline.ask import checked
from dateline.options import After, Before, Data, Json, Source, filters_of
from dateline.trouble import settings_of


def search(
    words: Annotated[str, typer.Argument(help="A question, or words to look for.")],
    data: Data = None,
    json_: Json = False,
    source: Source = None,
    after: After = None,
    before: Before = None,
) -> None:
    """Show the passages that retrieval finds, best first."""
    from index.markup import readable
    from service.answer import to_json
    from service.build import build_pipeline
    from service.records import Question
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings, data=data)
    pipeline = build_pipeline(settings)
    try:
        question = Question(checked(words), filters=filters_of(source, after, before))
        result = asyncio.run(pipeline.search(question))
    finally:
        pipeline.library.close()
    if json_:
        typer.echo(to_json(result))
        return
    for source_ in result.sources:
        typer.echo(f"{source_.score:.3f}  {headline(source_)}  {source_.chunk_id}")
        typer.echo(f"       {' '.join(readable(source_.snippet).split())[:200]}")
