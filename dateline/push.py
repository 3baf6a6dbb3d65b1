"""`dateline push [URL]`: copy the current generation to an object store, for replicas."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Data, Json, StoreUrl, settings_of, store_of
from dateline.stopping import follow
from index.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path

    from index.replicas.keys import KeyPublisher
    from index.replicas.push import PushReport
    from index.replicas.store import Store

LOOK_S = 0.5
"""Seconds between two looks at CURRENT."""


def push(
    url: StoreUrl = None,
    data: Data = None,
    single_publisher: Annotated[
        bool, typer.Option("--single-publisher", help="Push to a store without conditional writes.")
    ] = False,
    take_over: Annotated[
        bool, typer.Option("--take-over", help="Push although another data folder has published to the store.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair", help="Compare what the store has with its digests; replace what is corrupt.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on: push each new generation, until stopped.")] = False,
    json_: Json = False,
) -> None:
    """Copy the current generation to an object store, from which `dateline pull` fills replicas.

    Only what the store lacks is copied. The keys of this folder become those of the replicas. Exit 4 if another data
    folder has published to the store.
    """
    from index.replicas.push import Publisher
    from index.settings import IndexSettings

    settings = settings_of(IndexSettings, data=data, store=url)
    store = store_of(settings.store)
    publisher = Publisher(settings.data, store, single_publisher=single_publisher, take_over=take_over)
    keys = key_publisher(settings.data, store)

    def look() -> "PushReport | None":
        try:
            return publisher.look()
        finally:
            keys.look()

    if watch:
        if repair:
            raise ConfigurationError("--watch does not go with --repair", "Run that once, then watch.")
        follow(look, LOOK_S, settings.log_format, _summary, what=str(settings.data), json_=json_)
        return
    report = publisher.push(repair=repair)
    keys.look()
    typer.echo(json.dumps(asdict(report)) if json_ else _summary(report))


def key_publisher(data: "Path", store: "Store") -> "KeyPublisher":
    """Return what stores the keys of a publisher's data folder."""
    from index.replicas.keys import KeyPublisher
    from service.keys import KeyStore

    keys = KeyStore(data)
    return KeyPublisher(data, store, keys.path, keys.exported)


def _summary(report: "PushReport") -> str:
    if not report.is_new:
        return f"nothing to push: pointer {report.pointer} names generation {report.generation}"
    return (
        f"pushed generation {report.generation} as pointer {report.pointer}: segments: {len(report.segments)},"
        f" objects: {report.objects}, {report.bytes / 1e6:.1f} MB; {report.seconds:.1f} s"
    )
