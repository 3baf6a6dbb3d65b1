"""`dateline replicas list|forget`: the machines that pull from a store."""

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Json, StoreUrl, settings_of, store_of

if TYPE_CHECKING:
    from index.replicas.takedown import ListedReplica

app = typer.Typer(
    name="replicas",
    help="List the replicas that pull from a store, and forget one.",
    no_args_is_help=True,
)


@app.command(name="list")
def list_(url: StoreUrl = None, json_: Json = False) -> None:
    """List the replicas: the pointer and the generation of each, how far it is behind, when it reported last."""
    from index.replicas.takedown import list_replicas
    from index.settings import IndexSettings

    listed = list_replicas(store_of(settings_of(IndexSettings, store=url).store))
    if json_:
        typer.echo(json.dumps({"replicas": [values_of(replica) for replica in listed]}))
        return
    for replica in listed:
        behind = {0: "up to date", 1: "1 pointer behind"}.get(replica.behind, f"{replica.behind} pointers behind")
        serves = replica.report.generation or "nothing"
        typer.echo(
            f"{name_of(replica)}  pointer {replica.report.pointer}, {behind}; serves {serves};"
            f" seen {ago(replica)}  {replica.report.id}"
        )
    if not listed:
        typer.echo("no replica has reported to the store", err=True)


@app.command()
def forget(
    replica: Annotated[str, typer.Argument(metavar="REPLICA", help="Its id, or a name that only it has.")],
    url: StoreUrl = None,
    json_: Json = False,
) -> None:
    """Forget a replica that no longer exists, so that takedowns do not wait for it.

    One that comes back reports again with its next pull.
    """
    from index.replicas.takedown import forget_replica
    from index.settings import IndexSettings

    report = forget_replica(store_of(settings_of(IndexSettings, store=url).store), replica)
    typer.echo(json.dumps({"forgotten": report.id}) if json_ else f"forgot {report.id}")


def values_of(replica: "ListedReplica") -> dict[str, object]:
    """Return a replica as an object of JSON."""
    return {
        "id": replica.report.id,
        "name": replica.report.name,
        "pointer": replica.report.pointer,
        "behind": replica.behind,
        "generation": replica.report.generation,
        "last_takedown": replica.report.tombstone,
        "last_seen": replica.last_seen.isoformat(timespec="seconds"),
    }


def name_of(replica: "ListedReplica") -> str:
    """Return the name of a replica for a terminal: it was chosen by a writer of the store."""
    return "".join(each if each.isprintable() else "?" for each in replica.report.name)


def ago(replica: "ListedReplica") -> str:
    """Return how long ago a replica reported, in its largest unit."""
    seconds = max(0, int((datetime.now(UTC) - replica.last_seen).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"
