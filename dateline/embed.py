"""`dateline embed plan|work|take-in`: embed a large archive on many machines."""

import json
import signal
from pathlib import Path
from shlex import quote
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.ingest import print_remarks, summary
from dateline.options import Data, FieldMapText, FollowLinks, Json, Rebuild, Site, settings_of
from index.errors import ConfigurationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from index.embedding import Embedder
    from index.settings import IndexSettings
    from ingest.embed.shards import Job
    from ingest.embed.work import Embedded, Share
    from ingest.job import Ingest

app = typer.Typer(
    name="embed",
    help="Embed a large archive on many machines: plan, then work on each machine, then take-in.",
    no_args_is_help=True,
)

Paths = Annotated[list[str], typer.Argument(metavar="PATH...", help="Files and folders with articles.")]
JobPlace = Annotated[
    str,
    typer.Option("--job", metavar="JOB", help="Folder, or address of an object store, that all machines reach."),
]

STOPPED = 128 + signal.SIGTERM


@app.command()
def plan(
    paths: Paths,
    job: JobPlace,
    texts: Annotated[
        int, typer.Option("--texts", min=1, help="Texts of a shard: what a killed worker repeats.")
    ] = 2_000,
    data: Data = None,
    rebuild: Rebuild = False,
    follow_links: FollowLinks = False,
    site: Site = None,
    map_: FieldMapText = None,
    json_: Json = False,
) -> None:
    """Write the texts to embed into shards.

    They are those that an ingest of PATH would embed. Runs on the machine that has the articles. The same plan again
    writes nothing. Exit 3 if some articles are rejected.
    """
    from index.embedding import build_embedder
    from index.settings import IndexSettings
    from ingest.embed.plan import plan as plan_job
    from ingest.embed.shards import Job
    from ingest.report import Progress

    settings = settings_of(IndexSettings, data=data)
    order = _order(settings, paths, rebuild=rebuild, follow_links=follow_links, site=site, map_=map_)
    embedder = build_embedder(settings, load=False)
    planned = plan_job(Job(job, create=True), order, embedder, Progress(), shard_texts=texts)
    print_remarks(planned.report)
    if json_:
        values = {"texts": planned.texts, "shards": planned.shards, "written": planned.written}
        typer.echo(json.dumps({**values, "rejected": len(planned.report.rejected)}))
    elif planned.texts:
        typer.echo(
            f"texts to embed: {planned.texts}, in shards: {planned.shards}, written: {planned.written}; now run"
            f" `dateline embed work --job {quote(job)}` on each machine"
        )
    else:
        typer.echo("no text to embed: the index or the job has them all")
    raise typer.Exit(planned.report.exit_code)


@app.command()
def work(
    job: JobPlace,
    worker: Annotated[
        str, typer.Option("--worker", metavar="I/N", help="Number of this worker, from 1, and of all workers.")
    ] = "1/1",
    ray: Annotated[
        str | None,
        typer.Option("--ray", metavar="ADDRESS", help="Use the workers of a Ray cluster: HOST:PORT, auto or local."),
    ] = None,
    data: Data = None,
    json_: Json = False,
) -> None:
    """Embed the shards of a job that have no vectors yet.

    A killed worker loses one shard. Without --worker, it embeds what others left. Exit 143 after SIGTERM.
    """
    from ingest.embed.shards import Job
    from ingest.embed.work import Share, to_do

    opened, share, done = Job(job), Share.parse(worker), 0
    opened.planned_model()
    own = len(to_do(opened, share))
    before = signal.signal(signal.SIGTERM, _stop)
    try:
        for each in _embedded(opened, share, ray, data):
            done += 1
            rate = each.texts / each.seconds
            typer.echo(f"shard {done} of {own}: {rate:.0f} texts a second", err=True)
    except _Stopped:
        typer.echo(f"stopped: {done} of {own} shards are embedded; run the command again", err=True)
        raise typer.Exit(STOPPED) from None
    finally:
        signal.signal(signal.SIGTERM, before)
    left, all_ = len(to_do(opened, Share())), len(opened.shards)
    if json_:
        typer.echo(json.dumps({"embedded": done, "left": left, "shards": all_}))
    elif left:
        typer.echo(
            f"shards embedded: {done}; without vectors: {left} of {all_}. Once the other workers have ended,"
            f" `dateline embed work --job {quote(job)}` embeds what is left"
        )
    else:
        typer.echo(
            f"shards embedded: {done}; all {all_} have vectors: now run"
            f" `dateline embed take-in PATH --job {quote(job)}`"
        )


@app.command("take-in")
def take_in(
    paths: Paths,
    job: JobPlace,
    data: Data = None,
    rebuild: Rebuild = False,
    follow_links: FollowLinks = False,
    site: Site = None,
    map_: FieldMapText = None,
    json_: Json = False,
) -> None:
    """Verify the vectors, then ingest with them.

    Runs on the machine of the plan, and takes the arguments of the plan. Exit 3 if shards have no vectors yet, or some
    articles are rejected.
    """
    from index.embedding import build_embedder
    from index.settings import IndexSettings
    from ingest.embed.shards import Job
    from ingest.embed.take_in import take_in as take_job_in
    from ingest.report import Progress

    settings = settings_of(IndexSettings, data=data)
    order = _order(settings, paths, rebuild=rebuild, follow_links=follow_links, site=site, map_=map_)
    report = take_job_in(Job(job), order, build_embedder(settings, load=False), Progress())
    print_remarks(report)
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if json_ else summary(report))
    raise typer.Exit(report.exit_code)


class _Stopped(BaseException):
    """A signal asks the worker to stop; it may stop anywhere, as if it were killed."""


def _stop(*_: object) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise _Stopped


def _embedded(job: "Job", share: "Share", ray: str | None, data: Path | None) -> "Iterator[Embedded]":
    """Embed in this process, or on a Ray cluster."""
    from ingest.embed.work import work as work_here

    if ray is None:
        return work_here(job, embedder_of_worker(job, data), share)
    from ingest.embed.ray_workers import work_on_ray

    return work_on_ray(ray, job, share, embedder_of_worker)


def embedder_of_worker(job: "Job", data: Path | None = None) -> "Embedder":
    """Return the embedder of this machine's settings, with the graph of the job."""
    from index.embedding import RemoteEmbedder, build_embedder
    from index.settings import IndexSettings

    graph = job.planned_model().graph
    local = None if graph == RemoteEmbedder.graph else graph
    return build_embedder(settings_of(IndexSettings, data=data, embedding_graph=local), load=False)


def _order(
    settings: "IndexSettings",
    paths: list[str],
    *,
    rebuild: bool,
    follow_links: bool,
    site: str | None,
    map_: str | None,
) -> "Ingest":
    """Return the ingest that `plan` prepares and `take-in` runs; raises ConfigurationError for an address."""
    from index.chroma_server import server_of
    from ingest.job import Ingest
    from ingest.load.fieldmap import parse_field_map

    if addresses := [path for path in paths if "://" in path]:
        raise ConfigurationError(
            f"{addresses[0]} is an address, expected files or folders", "Fetch addresses with `dateline ingest`."
        )
    return Ingest(
        tuple(map(Path, paths)),
        settings.data,
        settings.language,
        rebuild=rebuild,
        follow_links=follow_links,
        site=site,
        field_map=None if map_ is None else parse_field_map(map_),
        keep_generations=settings.keep_generations,
        server=server_of(settings.chroma_url),
    )
