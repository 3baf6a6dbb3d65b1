"""Options that several commands share."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from index.errors import ConfigurationError
from index.records import Filters

Data = Annotated[Path | None, typer.Option("--data", help="Folder of the index; default DATELINE_DATA or ./data.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Source = Annotated[list[str] | None, typer.Option("--source", help="Only articles of this source; may be repeated.")]
After = Annotated[str | None, typer.Option("--after", help="Only articles published on or after this ISO date.")]
Before = Annotated[str | None, typer.Option("--before", help="Only articles published before this ISO date.")]


def filters_of(source: list[str] | None, after: str | None, before: str | None) -> Filters:
    """The filters that these options mean."""
    return Filters(
        sources=tuple(source or ()),
        published_after=_moment("--after", after),
        published_before=_moment("--before", before),
    )


def _moment(option: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise ConfigurationError(f"{option} is {text!r}, expected an ISO 8601 date such as 2026-01-31") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
