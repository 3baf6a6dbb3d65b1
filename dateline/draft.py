"""`dateline eval draft`: readers' feedback into gold questions that a person finishes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Data
from dateline.trouble import settings_of

if TYPE_CHECKING:
    from service.feedback import FeedbackEntry


def draft(
    out: Annotated[Path, typer.Option("--out", help="File for the drafts, one JSON object a line.")],
    data: Data = None,
    feedback: Annotated[
        Path | None, typer.Option("--feedback", help="What `dateline feedback export` printed, instead of --data.")
    ] = None,
    gold: Annotated[Path | None, typer.Option("--gold", help="Gold set whose questions are left out.")] = None,
) -> None:
    """Draft gold questions from feedback; validate refuses each until a person has written its facts."""
    from eval.draft import make_drafts, to_lines
    from eval.errors import GoldInvalid

    if out.exists():
        raise GoldInvalid(f"{out} is there already", "Name a new file: drafts that somebody works on are not lost.")
    entries = _entries(data, feedback)
    drafts = make_drafts(entries, gold)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(to_lines(drafts), encoding="utf-8")
    said = {entry.id: entry.feedback for entry in entries}
    for made in drafts:
        for id_ in made.provenance.made.split()[1:]:
            given = said[id_]
            why = ", ".join([given.vote, *given.reasons])
            typer.echo(f"{made.id}  {why}{f': {given.comment}' if given.comment else ''}", err=True)
    typer.echo(f"{len(drafts)} drafts of {len(entries)} entries are in {out}; write the facts of each, then validate")


def _entries(data: Path | None, feedback: Path | None) -> "list[FeedbackEntry]":
    from eval.draft import read_export
    from service.feedback import FeedbackStore
    from service.settings import ServiceSettings

    if feedback is not None:
        return read_export(feedback)
    settings = settings_of(ServiceSettings, data=data)
    return FeedbackStore(settings.data, settings.feedback_limit).entries()
