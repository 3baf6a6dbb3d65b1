"""`dateline doctor`: is the index whole?"""

import json
from dataclasses import asdict

import typer

from dateline.options import Data, Json
from dateline.trouble import WRONG, settings_of


def doctor(data: Data = None, json_: Json = False) -> None:
    """Say what of the index is whole, missing or damaged; exit 1 if anything is."""
    from index.health import examine
    from index.settings import IndexSettings

    settings = settings_of(IndexSettings, data=data)
    findings = examine(settings.data)
    healthy = all(finding.whole for finding in findings)
    if json_:
        listed = [asdict(finding) for finding in findings]
        typer.echo(json.dumps({"healthy": healthy, "findings": listed}, ensure_ascii=False))
    else:
        for finding in findings:
            typer.echo(f"{'whole  ' if finding.whole else 'DAMAGED'}  {finding.what}: {finding.detail}")
    raise typer.Exit(0 if healthy else WRONG)
