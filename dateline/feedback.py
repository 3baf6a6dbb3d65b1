"""`dateline feedback export|delete`: users' feedback on answers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.exit_codes import FAILED
from dateline.options import Data, settings_of

if TYPE_CHECKING:
    from service.feedback import FeedbackStore

app = typer.Typer(name="feedback", help="Export and delete users' feedback.", no_args_is_help=True)


@app.command()
def export(data: Data = None) -> None:
    """Print every entry as a line of JSON, oldest first."""
    from service.answer import to_json

    for entry in _store(data).entries():
        typer.echo(to_json(entry))


@app.command()
def delete(
    ids: Annotated[
        list[str],
        typer.Argument(help="Ids of entries, such as fb_0f3c, or of answers, such as ans_71c0.", metavar="ID..."),
    ],
    data: Data = None,
) -> None:
    """Delete entries, or all entries on an answer; exit 1 naming each id without an entry."""
    store = _store(data)
    deleted = {id_: store.delete_answer(id_) if id_.startswith("ans_") else int(store.delete(id_)) for id_ in ids}
    missing = [id_ for id_, count in deleted.items() if not count]
    for id_ in missing:
        typer.echo(f"{id_}: no feedback has this id", err=True)
    typer.echo(f"{sum(deleted.values())} deleted")
    raise typer.Exit(FAILED if missing else 0)


def _store(data: Path | None) -> "FeedbackStore":
    from service.feedback import FeedbackStore
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings, data=data)
    return FeedbackStore(settings.data, settings.feedback_limit)
