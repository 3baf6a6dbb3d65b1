"""`dateline generations list|rollback|prune`: the generations of the index."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Data, Json
from dateline.trouble import settings_of

if TYPE_CHECKING:
    from index.generations import ListedGeneration

app = typer.Typer(name="generations", help="List the generations of the index, go back to one, remove old ones.")
app.info.no_args_is_help = True


@app.command(name="list")
def list_(data: Data = None, json_: Json = False) -> None:
    """List the generations, newest first; `dateline doctor` says whether they are whole."""
    from index.generations import list_generations
    from index.settings import IndexSettings

    listed = list_generations(settings_of(IndexSettings, data=data).data)
    if json_:
        typer.echo(json.dumps({"generations": [_values(generation) for generation in listed]}))
        return
    for generation in listed:
        typer.echo(_line(generation))
    if not listed:
        typer.echo("there are none", err=True)


@app.command()
def rollback(
    generation: Annotated[str, typer.Argument(help="A generation's name, or a beginning that no other has.")],
    data: Data = None,
    json_: Json = False,
) -> None:
    """Answer from an earlier generation, once it is seen to be whole; the next ingest goes on from there."""
    from index.dense import server_of
    from index.generations import roll_back
    from index.settings import IndexSettings

    settings = settings_of(IndexSettings, data=data)
    name = roll_back(settings.data, generation, server_of(settings.chroma_url))
    typer.echo(json.dumps({"current": name}) if json_ else f"{name} is the current generation")


@app.command()
def prune(
    data: Data = None,
    keep: Annotated[
        int | None, typer.Option("--keep", min=1, help="How many stay; default DATELINE_KEEP_GENERATIONS.")
    ] = None,
    json_: Json = False,
) -> None:
    """Remove old generations, and what killed runs left; the current one and those being read stay."""
    from index.dense import server_of
    from index.generations import prune as prune_generations
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
    holds = f"{manifest.article_count} articles, {manifest.chunk_count} chunks" if manifest else "manifest not readable"
    marks = [word for word, holds_ in (("current", generation.current), ("in use", generation.in_use)) if holds_]
    return f"{generation.name}  {holds}, {generation.size / 1e6:.1f} MB{''.join(f', {mark}' for mark in marks)}"
