"""`dateline remove ID…`: take articles down."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.exit_codes import FAILED
from dateline.options import Data, Json, settings_of
from dateline.replicas import ago, name_of, values_of

if TYPE_CHECKING:
    from index.admin import Takedown
    from index.replicas.takedown import ListedReplica, Reached


def remove(
    article_ids: Annotated[list[str], typer.Argument(metavar="ID...", help="Ids of the articles to take down.")],
    data: Data = None,
    wait: Annotated[float, typer.Option("--wait", min=0, help="Seconds to wait for replicas.")] = 60,
    json_: Json = False,
) -> None:
    """Remove articles from the data folder, and with DATELINE_STORE from the store and its replicas.

    Removes them from the index and its older generations, and removes the feedback that cites them. Prints "complete"
    once nothing of them is left anywhere; exit 1 while something is: run it again. An article of a feed or site does
    not come back from it.
    """
    from index.admin import take_down
    from index.chroma_server import server_of
    from index.replicas.store import Store
    from index.replicas.takedown import announced_take_down, reach
    from ingest.sources.identity import is_address
    from ingest.sources.state import forget
    from ingest.sources.taken_down import remembered
    from service.feedback import FeedbackStore
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings, data=data)
    store, server = Store(settings.store) if settings.store else None, server_of(settings.chroma_url)
    with remembered(settings.data, article_ids) as taken_down:
        if store is None:
            takedown = take_down(settings.data, article_ids, server)
        else:
            takedown = announced_take_down(settings.data, store, article_ids, server)
    taken_down.discard([each for each, origin in takedown.origins.items() if not is_address(origin)])
    forget(settings.data, takedown.origins.values())
    feedback = FeedbackStore(settings.data, settings.feedback_limit).delete_citing(takedown.article_ids)
    reached = None if store is None else reach(settings.data, store, wait)
    complete = takedown.complete and (reached is None or reached.complete)
    if json_:
        typer.echo(json.dumps({"complete": complete, **_values(takedown, feedback), **_values_of_store(reached)}))
    else:
        typer.echo(_summary(takedown, feedback, reached))
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
    raise typer.Exit(0 if complete else FAILED)


def _values(takedown: "Takedown", feedback: int) -> dict[str, object]:
    return {
        "article_ids": takedown.article_ids,
        "generation": takedown.generation,
        "rewritten_segments": takedown.rewritten_segments,
        "removed_chunks": takedown.removed_chunks,
        "waiting": takedown.waiting,
        "removed_feedback": feedback,
    }


def _values_of_store(reached: "Reached | None") -> dict[str, object]:
    if reached is None:
        return {}
    return {
        "pointer": reached.pointer,
        "removed_objects": reached.removed_objects,
        "replicas": [{**values_of(each), "complete": each not in reached.waiting} for each in reached.replicas],
    }


def _summary(takedown: "Takedown", feedback: int, reached: "Reached | None") -> str:
    if takedown.generation:
        made = f"generation {takedown.generation} is without them"
    elif takedown.rewritten_segments:
        made = "only old generations had them"
    elif reached is not None:
        made = "the data folder has nothing of them"
    else:
        made = "only pushes that were not published yet had them"
    removed = f"{takedown.removed_chunks} chunks and {feedback} feedback entries were removed"
    if reached is not None:
        removed += f"; {reached.removed_objects} objects were removed from the store"
    left = _left(takedown, reached)
    if not left:
        everywhere = "" if reached is None else f"; {len(reached.replicas)} replicas have nothing of them"
        return f"complete: {made}; {removed}{everywhere}"
    return "\n".join([f"NOT complete: {made}; {removed}", *left, "Then run the command again."])


def _left(takedown: "Takedown", reached: "Reached | None") -> list[str]:
    """Return a line for each place that may have something of the articles."""
    lines: list[str] = []
    if not takedown.complete:
        lines.append(
            f"Still in {', '.join(takedown.waiting)}: a service reads these, or the Chroma server did not answer."
        )
    waiting = () if reached is None else reached.waiting
    return [*lines, *map(_waits_for, waiting)]


def _waits_for(replica: "ListedReplica") -> str:
    return (
        f"Replica {name_of(replica)} has not acknowledged, seen {ago(replica)}: start `dateline pull` there, or"
        f" `dateline replicas forget {replica.report.id}` if that machine no longer exists."
    )
