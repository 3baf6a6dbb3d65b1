"""`dateline remove ID…`: take articles down."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.exit_codes import FAILED
from dateline.options import Data, Json, settings_of

if TYPE_CHECKING:
    from index.admin import Takedown


def remove(
    article_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of the articles to take down.")],
    data: Data = None,
    json_: Json = False,
) -> None:
    """Remove articles from the whole data folder.

    Removes them from the index and its older generations, and removes the feedback that cites them. Prints "complete"
    once nothing of them is left; exit 1 while something is. An article of a feed or site does not come back from it.
    """
    from index.admin import take_down
    from index.chroma_server import server_of
    from ingest.sources.identity import is_address
    from ingest.sources.state import forget
    from ingest.sources.taken_down import remembered
    from service.feedback import FeedbackStore
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings, data=data)
    with remembered(settings.data, article_ids) as taken_down:
        takedown = take_down(settings.data, article_ids, server_of(settings.chroma_url))
    taken_down.discard([each for each, origin in takedown.origins.items() if not is_address(origin)])
    forget(settings.data, takedown.origins.values())
    feedback = FeedbackStore(settings.data, settings.feedback_limit).delete_citing(takedown.article_ids)
    typer.echo(json.dumps(_values(takedown, feedback)) if json_ else _summary(takedown, feedback))
    for article_id, origin in takedown.origins.items():
        if is_address(origin):
            typer.echo(
                f"{article_id} does not come back from a feed or site; `dateline ingest {origin}` adds it again",
                err=True,
            )
        elif Path(origin.partition("#")[0]).exists():
            typer.echo(
                f"{article_id} was read from {origin}: remove it there too, or the next ingest adds it again", err=True
            )
    raise typer.Exit(0 if takedown.complete else FAILED)


def _values(takedown: "Takedown", feedback: int) -> dict[str, object]:
    return {
        "complete": takedown.complete,
        "article_ids": takedown.article_ids,
        "generation": takedown.generation,
        "rewritten_segments": takedown.rewritten_segments,
        "removed_chunks": takedown.removed_chunks,
        "waiting": takedown.waiting,
        "removed_feedback": feedback,
    }


def _summary(takedown: "Takedown", feedback: int) -> str:
    if takedown.generation:
        made = f"generation {takedown.generation} is without them"
    elif takedown.rewritten_segments:
        made = "only old generations had them"
    else:
        made = "only pushes that were not published yet had them"
    removed = f"{takedown.removed_chunks} chunks and {feedback} feedback entries were removed"
    if takedown.complete:
        return f"complete: {made}; {removed}"
    return (
        f"NOT complete: {made}; {removed}; still in {', '.join(takedown.waiting)}\n"
        "A service still reads these, or the Chroma server did not answer. Run the command again."
    )
