"""`dateline push [URL]`: copy the current generation to an object store, for replicas."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Data, Json, settings_of
from index.errors import ConfigurationError

if TYPE_CHECKING:
    from index.replicas.push import PushReport
    from index.replicas.store import Store

Url = Annotated[
    str | None,
    typer.Argument(metavar="[URL]", help="Address of the store, such as s3://bucket/paper; default: DATELINE_STORE."),
]


def push(
    url: Url = None,
    data: Data = None,
    single_publisher: Annotated[
        bool, typer.Option("--single-publisher", help="Push to a store without conditional writes.")
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Push although another data folder has published to the store.")
    ] = False,
    json_: Json = False,
) -> None:
    """Copy the current generation to an object store, from which `dateline pull` fills replicas.

    Only what the store lacks is copied. Exit 4 if another data folder has published to the store.
    """
    from index.replicas.push import push as push_generation
    from index.settings import IndexSettings

    settings = settings_of(IndexSettings, data=data, store=url)
    report = push_generation(
        settings.data, store_of(settings.store), single_publisher=single_publisher, take_over=take_over
    )
    typer.echo(json.dumps(asdict(report)) if json_ else _summary(report))


def store_of(url: str | None) -> "Store":
    """Return the store at an address; raises ConfigurationError if none is given."""
    from index.replicas.store import Store

    if url is None:
        raise ConfigurationError("no store is given", "Give its address, or set DATELINE_STORE.")
    return Store(url)


def _summary(report: "PushReport") -> str:
    if not report.is_new:
        return f"nothing to push: pointer {report.pointer} names generation {report.generation}"
    return (
        f"pushed generation {report.generation} as pointer {report.pointer}: {len(report.segments)} segments,"
        f" {report.objects} objects, {report.bytes / 1e6:.1f} MB; {report.seconds:.1f} s"
    )
