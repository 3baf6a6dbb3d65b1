"""`dateline generations list|rollback|prune`: the generations of the index."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Data, Json, settings_of

if TYPE_CHECKING:
    from index.admin import ListedGeneration

app = typer.Typer(
    name="generations",
    help="List, roll back and prune index generations.",
    no_args_is_help=True,
)


@app.command(name="list")
def list_(data: Data = None, json_: Json = False) -> None:
    """List the generations, newest first; `dateline doctor` checks them."""
    from index.admin import list_generations
    from index.settings import IndexSettings

    listed = list_generations(settings_of(IndexSettings, data=data).data)
    if json_:
        typer.echo(json.dumps({"generations": [_values(generation) for generation in listed]}))
        return
    for generation in listed:
        typer.echo(_line(generation))


@app.command()
def rollback(
    generation: Annotated[str, typer.Argument(help="A generation's name, or a prefix that only it has.")],
    data: Data = None,
    json_: Json = False,
) -> None:
    """Make an earlier generation current.

    It is verified first. The next ingest continues from it.
    """
    from index.admin import roll_back
    from index.settings import IndexSettings

    name = roll_back(settings_of(IndexSettings, data=data).data, generation)
    typer.echo(json.dumps({"current": name}) if json_ else f"{name} is the current generation")


@app.command()
def prune(
    data: Data = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="How many to keep; default: DATELINE_KEEP_GENERATIONS.")
    ] = None,
    json_: Json = False,
) -> None:
    """Remove old generations, and what interrupted ingests left.

    The current generation and those in use stay.
    """
    from index.admin import prune as prune_generations
    from index.chroma_server import server_of
    from index.settings import IndexSettings

    settings = settings_of(IndexSettings, data=data, keep_generations=keep)
    removed = prune_generations(settings.data, settings.keep_generations, server_of(settings.chroma_url))
    if json_:
        typer.echo(json.dumps({"removed": removed}))
        return
    for name in removed:
        typer.echo(f"removed {name}")
    if not removed:
        typer.echo("nothing to remove", err=True)


def _values(generation: "ListedGeneration") -> dict[str, object]:
    manifest = generation.manifest
    return {
        "generation": generation.name,
        "current": generation.current,
        "in_use": generation.in_use,
        "bytes": generation.size,
        "created_at": manifest and manifest.created_at,
        "articles": manifest and manifest.article_count,
        "chunks": manifest and manifest.chunk_count,
        "fingerprint": manifest and manifest.fingerprint,
    }


def _line(generation: "ListedGeneration") -> str:
    manifest = generation.manifest
    counts = (
        f"{manifest.article_count} articles, {manifest.chunk_count} chunks" if manifest else "manifest not readable"
    )
    marks = f"{', current' if generation.current else ''}{', in use' if generation.in_use else ''}"
    return f"{generation.name}  {counts}, {generation.size / 1e6:.1f} MB{marks}"
