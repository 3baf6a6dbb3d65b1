"""`dateline ingest PATH…`: add articles to the index."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.options import Data, Json, settings_of

if TYPE_CHECKING:
    from ingest.report import IngestReport


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Article files, folders of them, or .jsonl files.")],
    data: Data = None,
    prune: Annotated[
        bool, typer.Option("--prune", help="Remove the articles whose file under PATH no longer exists.")
    ] = False,
    rebuild: Annotated[bool, typer.Option("--rebuild", help="Chunk and embed every article again.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print what would change; write nothing.")] = False,
    follow_links: Annotated[
        bool, typer.Option("--follow-links", help="Follow symbolic links that lead out of PATH.")
    ] = False,
    json_: Json = False,
) -> None:
    """Add and update articles of files and folders.

    Publishes a new generation of the index, which a running service then answers from. Exit 3 if some articles are
    rejected; each is named with its reason.
    """
    from index.chroma_server import server_of
    from index.embedding import build_embedder
    from index.settings import IndexSettings
    from ingest.job import Ingest, run
    from ingest.report import Progress

    settings = settings_of(IndexSettings, data=data)
    order = Ingest(
        tuple(paths),
        settings.data,
        settings.language,
        prune=prune,
        rebuild=rebuild,
        dry_run=dry_run,
        follow_links=follow_links,
        keep_generations=settings.keep_generations,
        server=server_of(settings.chroma_url),
    )
    report = run(order, build_embedder(settings, load=False), Progress())
    for rejection in report.rejected:
        typer.echo(f"rejected {rejection.origin}: {rejection.reason}", err=True)
    for skipped in report.skipped:
        typer.echo(f"skipped {skipped.origin}: {skipped.reason}", err=True)
    for notice in report.notices:
        typer.echo(f"notice {notice.origin}: {notice.message}", err=True)
    typer.echo(json.dumps(report.to_dict(), ensure_ascii=False) if json_ else _summary(report))
    raise typer.Exit(report.exit_code)


def _summary(report: "IngestReport") -> str:
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
    listed = ", ".join(f"{count} {name}" for count, name in counts)
    if report.dry_run:
        return f"dry run: {listed}; nothing was written"
    if not report.generation:
        return f"{listed}; nothing to publish; {report.seconds:.1f} s"
    chunks = f"{report.chunks} chunks, {report.embedded} embedded in this run"
    return f"{listed}; generation {report.generation}: {chunks}; {report.seconds:.1f} s"
