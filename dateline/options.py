"""Options that several commands share, and the values that they stand for."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, cast

import typer
from pydantic import ValidationError
from pydantic_settings import BaseSettings

from index.errors import ConfigurationError
from index.records import Filters, parse_as_of, parse_moment

if TYPE_CHECKING:
    from index.replicas.store import Store

SettingsT = TypeVar("SettingsT", bound=BaseSettings)

DATE = "an ISO 8601 date such as 2026-01-31"

Data = Annotated[Path | None, typer.Option("--data", help="Folder of the index; default: DATELINE_DATA, else ./data.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Rebuild = Annotated[bool, typer.Option("--rebuild", help="Chunk and embed every article again.")]
FollowLinks = Annotated[bool, typer.Option("--follow-links", help="Follow symbolic links that lead out of PATH.")]
Site = Annotated[
    str | None,
    typer.Option("--site", metavar="URL", help="Address of the site of an export that states none: Ghost."),
]
FieldMapText = Annotated[
    str | None,
    typer.Option("--map", metavar="FIELD=PATH,...", help="Where JSON files have the fields: title=headline."),
]
Source = Annotated[list[str] | None, typer.Option("--source", help="Only articles of this source; may be repeated.")]
After = Annotated[str | None, typer.Option("--after", help="Only articles published on or after this ISO 8601 date.")]
Before = Annotated[str | None, typer.Option("--before", help="Only articles published before this ISO 8601 date.")]
AsOf = Annotated[
    str | None, typer.Option("--as-of", help="Answer as of this ISO 8601 date: no later article or update is seen.")
]
StoreUrl = Annotated[
    str | None,
    typer.Argument(metavar="[URL]", help="Address of the store, such as s3://bucket/paper; default: DATELINE_STORE."),
]


def settings_of(kind: type[SettingsT], **given: object) -> SettingsT:
    """Return settings from the given values (None: not given), the environment and `.env`.

    Raises ConfigurationError naming each setting that is invalid.
    """
    try:
        settings: SettingsT = cast("Any", kind)(**{name: value for name, value in given.items() if value is not None})
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, item['loc'])) or 'settings'}: {item['msg']}" for item in error.errors()]
        raise ConfigurationError(
            f"the settings are not usable: {'; '.join(faults)}", "Each setting is described in docs/settings.md."
        ) from error
    return settings


def filters_of(source: list[str] | None, after: str | None, before: str | None) -> Filters:
    """Return the filters that `--source`, `--after` and `--before` ask for."""
    return Filters(
        sources=tuple(source or ()),
        published_after=moment_of("--after", after) if after is not None else None,
        published_before=moment_of("--before", before) if before is not None else None,
    )


def as_of_moment(text: str | None) -> datetime | None:
    """Return the moment that `--as-of` asks for."""
    return moment_of("--as-of", text, parse_as_of) if text is not None else None


def moment_of(
    option: str, text: str, parse: Callable[[str], datetime] = parse_moment, *, expected: str = DATE
) -> datetime:
    """Return the moment that an option names; `expected` says what it takes."""
    try:
        return parse(text)
    except (ValueError, OverflowError) as error:
        raise ConfigurationError(f"{option} is {text!r}, expected {expected}") from error


def store_of(url: str | None) -> "Store":
    """Return the store at an address; raises ConfigurationError if none is given."""
    from index.replicas.store import Store

    if url is None:
        raise ConfigurationError("no store is given", "Give its address, or set DATELINE_STORE.")
    return Store(url)
