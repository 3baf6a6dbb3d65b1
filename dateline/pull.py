"""`dateline pull [URL]`: fill the data folder of a replica from an object store."""

import json
import socket
from dataclasses import asdict
from functools import partial
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Data, Json, StoreUrl, settings_of, store_of
from dateline.stopping import follow

if TYPE_CHECKING:
    from index.replicas.pull import PullReport
    from index.replicas.tombstones import Tombstones


def pull(
    url: StoreUrl = None,
    data: Data = None,
    name: Annotated[
        str | None, typer.Option("--name", help="Name of this replica in reports; default: the host's name.")
    ] = None,
    watch: Annotated[bool, typer.Option("--watch", help="Go on: pull each new generation, until stopped.")] = False,
    every: Annotated[
        float, typer.Option("--every", min=0.1, help="Seconds between two looks at the store with --watch.")
    ] = 1,
    temporary: Annotated[
        bool,
        typer.Option(
            "--temporary", help="With --watch: the folder ends with this process, so forget the replica when it stops."
        ),
    ] = False,
    json_: Json = False,
) -> None:
    """Bring the data folder to the generation that was pushed last to an object store.

    A running service then answers from it. Only what the folder lacks is copied, and all of it is verified. The keys
    of the publisher become those of the folder.
    """
    from index.chroma_server import server_of
    from index.replicas.follow import Follower
    from index.replicas.keys import KeyFollower
    from index.replicas.pull import replica_of
    from index.settings import IndexSettings
    from service.keys import KeyStore

    settings = settings_of(IndexSettings, data=data, store=url)
    store, server = store_of(settings.store), server_of(settings.chroma_url)
    with replica_of(
        settings.data, store, name or socket.gethostname(), keep=settings.keep_generations, server=server
    ) as replica:
        replica.forget = partial(_delete_feedback, settings.data)
        keys = KeyFollower(replica, KeyStore(settings.data).replace)
        if watch:
            # A revoked key does not wait for the copy of a large segment.
            Thread(target=Follower(keys.try_to_look, every).run, daemon=True).start()
            at_end = replica.leave if temporary else None
            follow(replica.look, every, settings.log_format, _summary, what=store.url, json_=json_, at_end=at_end)
            return
        keys.look()
        report = replica.pull()
    typer.echo(json.dumps(asdict(report)) if json_ else _summary(report))


def _delete_feedback(data: Path, tombstones: "Tombstones", after: int) -> None:
    """Delete the feedback that cites an article of the takedowns after a number."""
    from service.feedback import FeedbackStore

    feedback = FeedbackStore(data, limit=0)
    cited = {citation.article_id for entry in feedback.entries() for citation in entry.feedback.citations}
    feedback.delete_citing([id_ for id_ in cited if tombstones.names(id_, after)])


def _summary(report: "PullReport") -> str:
    if report.generation is None:
        return "the store has no generation yet"
    if not report.is_new:
        return f"nothing to pull: generation {report.generation} of pointer {report.pointer} is current"
    return (
        f"pulled generation {report.generation} of pointer {report.pointer}: segments: {len(report.segments)},"
        f" objects: {report.objects}, {report.bytes / 1e6:.1f} MB; {report.seconds:.1f} s"
    )
