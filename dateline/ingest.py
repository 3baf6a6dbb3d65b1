"""`dateline ingest PATH|URL…`: add articles to the index."""

import json
import os
import signal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Data, FieldMapText, FollowLinks, Json, Rebuild, Site, settings_of
from index.errors import ConfigurationError

if TYPE_CHECKING:
    from index.settings import LogFormat
    from ingest.report import FetchCounts, IngestReport
    from ingest.watch import Writer


def ingest(
    sources: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PATH|URL]...", help="Files, folders; addresses of feeds, sitemaps, sites or pages."),
    ] = None,
    data: Data = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the articles whose file under PATH, or page, no longer exists.")
    ] = False,
    rebuild: Rebuild = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change; write nothing.")] = False,
    follow_links: FollowLinks = False,
    allow_private: Annotated[
        bool, typer.Option("--allow-private", help="Also fetch from hosts that are not on the public internet.")
    ] = False,
    watch: Annotated[
        bool, typer.Option("--watch", help="Go on: publish what changed, and pushed articles, until stopped.")
    ] = False,
    every: Annotated[
        float, typer.Option("--every", min=1, help="Seconds between two looks at PATH with --watch.")
    ] = 60,
    while_stdin: Annotated[
        bool, typer.Option("--while-stdin", hidden=True, help="With --watch: stop once standard input ends.")
    ] = False,
    site: Site = None,
    map_: FieldMapText = None,
    json_: Json = False,
) -> None:
    """Add and update articles of files and folders, and of feeds, sitemaps, sites and pages of the web.

    Publishes a new generation of the index, which a running service then answers from. Exit 3 if some articles are
    rejected; each is named with its reason.
    """
    if not sources and not watch:
        raise ConfigurationError("no PATH or URL is given", "Give files or folders with articles, such as `articles`.")
    from index.chroma_server import server_of
    from index.embedding import build_embedder
    from ingest.job import Ingest, run
    from ingest.load.fieldmap import parse_field_map
    from ingest.report import Progress
    from ingest.settings import IngestSettings
    from ingest.sources import Fetcher, FetchOptions

    settings = settings_of(IngestSettings, data=data)
    urls = [source for source in sources or () if "://" in source]
    options = FetchOptions(settings, thorough=prune, allow_private=allow_private)
    fetcher = Fetcher(urls, settings.data, options, dry_run=dry_run) if urls else None
    order = Ingest(
        tuple(Path(source) for source in sources or () if "://" not in source),
        settings.data,
        settings.language,
        prune=prune,
        rebuild=rebuild,
        dry_run=dry_run,
        follow_links=follow_links,
        site=site,
        field_map=None if map_ is None else parse_field_map(map_),
        fetch=None if watch else fetcher,
        keep_generations=settings.keep_generations,
        server=server_of(settings.chroma_url),
    )
    if watch:
        from ingest.sources.visits import Visits
        from ingest.watch import Writer

        if rebuild or dry_run:
            raise ConfigurationError("--watch goes with neither --rebuild nor --dry-run", "Run that once, then watch.")
        visits = Visits(fetcher) if fetcher else None
        writer = Writer(order, build_embedder(settings, load=False), every, visits)
        _watch(writer, settings.log_format, while_stdin=while_stdin)
        return
    report = run(order, build_embedder(settings, load=False), Progress())
    report.fetches = fetcher.counts if fetcher else None
    print_remarks(report)
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if json_ else summary(report))
    raise typer.Exit(report.exit_code)


def print_remarks(report: "IngestReport") -> None:
    """Print each article that was rejected or skipped, and each notice, to stderr."""
    for rejection in report.rejected:
        typer.echo(f"rejected {rejection.origin}: {rejection.reason}", err=True)
    for skipped in report.skipped:
        typer.echo(f"skipped {skipped.origin}: {skipped.reason}", err=True)
    for notice in report.notices:
        typer.echo(f"notice {notice.origin}: {notice.message}", err=True)


class _Stopped(BaseException):
    """A signal asks the writer to stop; it may stop anywhere, as if it were killed."""


def _watch(writer: "Writer", log_format: "LogFormat", *, while_stdin: bool) -> None:
    """Run the writer until a signal, or until standard input ends."""
    import logging
    from threading import Thread

    from service.log import start_log

    start_log(log_format)

    def stop(*_: object) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.SIG_IGN)
        raise _Stopped

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    if while_stdin:
        Thread(target=_stop_at_end_of_stdin, daemon=True).start()
    try:
        writer.run()
    except _Stopped:
        logging.getLogger("dateline.writer").info("stopped")


def _stop_at_end_of_stdin() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _fetches(fetches: "FetchCounts") -> list[tuple[int, str]]:
    """Return the counts of addresses; one that was fetched may have no article, or many."""
    named = ((fetches.not_modified, "not modified"), (fetches.refused, "refused"), (fetches.failed, "failed"))
    return [(fetches.fetched, "fetched"), *((count, name) for count, name in named if count)]


def summary(report: "IngestReport") -> str:
    """Return the counts of a report as a line."""
    names = ("added", "updated", "moved", "unchanged", "removed")
    counts = [
        (getattr(report, name), name) for name in names if getattr(report, name) or name in ("added", "unchanged")
    ]
    for count, one, many in (
        (report.kept, "kept that was not read", "kept that were not read"),
        (len(report.rejected), "rejected", "rejected"),
        (len(report.skipped), "skipped", "skipped"),
        (report.passed_over, "older version passed over", "older versions passed over"),
        (report.copies, "copy of another article", "copies of other articles"),
        (len(report.notices), "notice", "notices"),
    ):
        if count:
            counts.append((count, one if count == 1 else many))
    if report.fetches:
        counts += _fetches(report.fetches)
    listed = ", ".join(f"{count} {name}" for count, name in counts)
    if report.dry_run:
        return f"dry run: {listed}; nothing was written"
    if not report.generation:
        return f"{listed}; nothing to publish; {report.seconds:.1f} s"
    chunks = f"{report.chunks} chunks, {report.embedded} embedded in this run"
    return f"{listed}; generation {report.generation}: {chunks}; {report.seconds:.1f} s"
