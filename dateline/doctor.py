"""`dateline doctor`: check the index, and repair it."""

import json
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from dateline.exit_codes import FAILED
from dateline.options import Data, Json, settings_of

if TYPE_CHECKING:
    from index.chroma_server import ChromaServer
    from index.doctor import Finding
    from index.settings import IndexSettings


GAIN = 1.2
"""How many times faster int8 must be to be recommended."""


def doctor(
    data: Data = None,
    repair: Annotated[bool, typer.Option("--repair", help="Repair what is corrupt from what is intact.")] = False,
    benchmark: Annotated[
        bool, typer.Option("--benchmark", help="Measure the local model in int8 and fp32, and recommend one.")
    ] = False,
    json_: Json = False,
) -> None:
    """Check the index, and repair it if asked to.

    Exit 1 if a part is missing or corrupt, with --repair if one still is.
    """
    from index.chroma_server import server_of
    from index.doctor import examine
    from index.settings import IndexSettings

    settings = settings_of(IndexSettings, data=data)
    if benchmark:
        typer.echo(_benchmark(settings, json_=json_))
        return
    server = server_of(settings.chroma_url)
    findings = examine(settings.data, server)
    repairs: list[str] = []
    if repair and not _healthy(findings):
        if not json_:
            _show(findings)
        repairs = _repaired(settings, server, quiet=json_)
        findings = examine(settings.data, server)
    if json_:
        listed = [asdict(finding) for finding in findings]
        values = {"healthy": _healthy(findings), "findings": listed, "repairs": repairs}
        typer.echo(json.dumps(values, ensure_ascii=False))
    else:
        _show(findings)
    if not repair and not _healthy(findings):
        typer.echo("Run `dateline doctor --repair` to repair it.", err=True)
    raise typer.Exit(0 if _healthy(findings) else FAILED)


def _benchmark(settings: "IndexSettings", *, json_: bool) -> str:
    from index.embedding.local import texts_per_second

    speeds = {wanted: texts_per_second(settings.models_folder, wanted) for wanted in ("int8", "fp32")}
    # Vectors in fp32 are exact: 8 bits must be worth it.
    faster = "int8" if speeds["int8"][1] > GAIN * speeds["fp32"][1] else "fp32"
    if json_:
        listed = {
            wanted: {"graph": graph, "chunks_per_second": round(rate)} for wanted, (graph, rate) in speeds.items()
        }
        return json.dumps({"embedding_graph": listed, "recommended": faster})
    lines = [f"{wanted}  {rate:.0f} chunks a second ({graph})" for wanted, (graph, rate) in speeds.items()]
    return "\n".join([*lines, f"Recommended for a new index on this machine: DATELINE_EMBEDDING_GRAPH={faster}"])


def _healthy(findings: "list[Finding]") -> bool:
    return all(finding.whole for finding in findings)


def _show(findings: "list[Finding]") -> None:
    for finding in findings:
        typer.echo(f"{'ok     ' if finding.whole else 'corrupt'}  {finding.what}: {finding.detail}")


def _repaired(settings: "IndexSettings", server: "ChromaServer | None", *, quiet: bool) -> list[str]:
    from index.doctor import repair
    from index.embedding import build_embedder

    done: list[str] = []
    for step in repair(settings.data, lambda: build_embedder(settings), server):
        done.append(step)
        if not quiet:
            typer.echo(f"repair   {step}")
    return done
