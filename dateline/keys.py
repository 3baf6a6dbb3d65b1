"""`dateline keys create|list|revoke`: keys for the service."""

import json
import re
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from dateline.exit_codes import FAILED, exit_code_of
from dateline.options import After, Before, Data, Json, filters_of, moment_of, settings_of, store_of
from dateline.push import key_publisher
from index.errors import ConfigurationError, DatelineError, IndexUnavailable
from index.records import NO_BOUNDS, Filters, isoformat
from service.caller import SCOPES, Scope

if TYPE_CHECKING:
    from index.replicas.store import Store
    from service.keys import Key, KeyStore
    from service.settings import ServiceSettings

app = typer.Typer(name="keys", help="Create, list and revoke keys of the service.", no_args_is_help=True)

PATIENCE_S = 20.0
"""How long `revoke` waits for the replicas, in seconds: a pull looks for keys every two."""

LOOK_S = 0.5

_DAYS = re.compile(r"([1-9][0-9]{0,4})d")
_EXPIRY = "days such as 90d, or an ISO 8601 date such as 2026-01-31"


@app.command()
def create(
    name: Annotated[str, typer.Option("--name", help="Who or what uses the key.")],
    data: Data = None,
    scope: Annotated[
        list[str] | None,
        typer.Option(
            "--scope", help=f"What the key permits: {', '.join(SCOPES)}; may be repeated. Default: ask and search."
        ),
    ] = None,
    expires: Annotated[
        str | None, typer.Option("--expires", help="When the key ends: in days, such as 90d, or an ISO 8601 date.")
    ] = None,
    source: Annotated[list[str] | None, typer.Option("--source", help="Only articles of this source.")] = None,
    section: Annotated[list[str] | None, typer.Option("--section", help="Only articles of this section.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="Only articles with this tag.")] = None,
    language: Annotated[list[str] | None, typer.Option("--language", help="Only articles in this language.")] = None,
    after: After = None,
    before: Before = None,
    publishable: Annotated[
        bool, typer.Option("--publishable", help="For the source of pages: asks only, and only on --origin.")
    ] = False,
    origin: Annotated[
        list[str] | None, typer.Option("--origin", help="Origin of the pages, such as https://news.example.")
    ] = None,
    per_minute: Annotated[
        int | None, typer.Option("--per-minute", help="Limit of its questions and searches in a minute.")
    ] = None,
    tokens_per_day: Annotated[
        int | None, typer.Option("--tokens-per-day", help="Limit of a language model's tokens that it uses in a day.")
    ] = None,
    json_: Json = False,
) -> None:
    """Create a key and print it once; only its digest is stored.

    Articles that do not match its conditions do not exist for the key. Each condition may be repeated, except dates.
    """
    from dataclasses import replace

    from service.keys import READING, Grant, KeyStore

    bounds = replace(
        filters_of(source, after, before),
        sections=tuple(section or ()),
        tags=tuple(tag or ()),
        languages=tuple(language or ()),
    )
    default = frozenset[Scope](["ask"]) if publishable else READING
    grant = Grant(
        name,
        frozenset(map(_scope, scope)) if scope else default,
        bounds,
        _expiry(expires) if expires is not None else None,
        "publishable" if publishable else "secret",
        tuple(origin or ()),
        per_minute,
        tokens_per_day,
    )
    settings = _writable(data)
    text, key = KeyStore(settings.data).create(grant)
    typer.echo(json.dumps({"key": text, **_values(key)}) if json_ else text)
    if not json_:
        typer.echo(f"{_line(key)}\nKeep the key now: it cannot be shown again.", err=True)
    try:
        _share(settings)
    except DatelineError as error:
        typer.echo(f"The replicas do not have the key yet, `dateline push` sends it: {error}", err=True)
    if bounds != NO_BOUNDS and (reach := _reach(data, bounds)):
        typer.echo(reach, err=True)


@app.command(name="list")
def list_(data: Data = None, json_: Json = False) -> None:
    """List all keys, oldest first, also those that were revoked or have expired."""
    keys = _store(data).keys()
    if json_:
        typer.echo(json.dumps({"keys": [_values(key) for key in keys]}))
        return
    for key in keys:
        typer.echo(_line(key))
    if not keys:
        typer.echo("no key was created", err=True)


@app.command()
def revoke(
    key: Annotated[str, typer.Argument(help="The beginning of a key, or its name.")],
    data: Data = None,
    json_: Json = False,
) -> None:
    """Revoke a key; a running service refuses it within seconds.

    With DATELINE_STORE, the command waits until the replicas have the change; exit 1 if one of them does not.
    """
    from service.keys import KeyStore

    settings = _writable(data)
    store = KeyStore(settings.data)
    # With replicas the command can be run again, to learn whether they have the change.
    found = _the_key(store.keys(), key, or_revoked=settings.store is not None)
    store.revoke(found.id)
    if not json_:
        typer.echo(f"{found.id} ({found.grant.name}) is revoked")
    try:
        shared = _share(settings)
    except DatelineError as error:
        typer.echo(f"NOT on the replicas, which still accept the key: {error}", err=True)
        raise typer.Exit(exit_code_of(error)) from error
    late, replicas = _late(*shared) if shared else ([], 0)
    if json_:
        values = {"replicas": replicas, "waiting": late} if shared else {}
        typer.echo(json.dumps({"revoked": found.id, **values}))
    elif shared and not late:
        typer.echo(f"{replicas} replicas have the change", err=True)
    if late:
        typer.echo(
            f"NOT on every replica: {', '.join(late)} may still accept the key. Stop the service there, or start its"
            " pull and run this again; `dateline replicas forget` drops one that is gone.",
            err=True,
        )
        raise typer.Exit(FAILED)


def _writable(data: Path | None) -> "ServiceSettings":
    """Return the settings of a data folder whose keys can be changed; raises ConfigurationError for a replica."""
    from index.layout import refuse_replica
    from service.settings import ServiceSettings

    settings = settings_of(ServiceSettings, data=data)
    refuse_replica(settings.data)
    return settings


def _share(settings: "ServiceSettings") -> "tuple[Store, str] | None":
    """Send the keys to the replicas, if there is a store; return it with the digest of the keys."""
    if settings.store is None:
        return None
    store = store_of(settings.store)
    return store, key_publisher(settings.data, store).share()


def _late(store: "Store", digest: str) -> tuple[list[str], int]:
    """Wait for the replicas; return the names of those that do not have the keys, and the number of all."""
    from index.replicas.keys import replicas_without

    deadline = time.monotonic() + PATIENCE_S
    while (found := replicas_without(store, digest))[0] and time.monotonic() < deadline:
        time.sleep(LOOK_S)
    return found


def _reach(data: Path | None, bounds: Filters) -> str | None:
    """Return how many articles of the current index meet these conditions, or None if it cannot be read."""
    from index.generation import open_generation
    from index.layout import current_name
    from index.settings import IndexSettings

    folder = settings_of(IndexSettings, data=data).data
    if (name := current_name(folder)) is None:
        return None
    try:
        with closing(open_generation(folder, name)) as generation:
            found = generation.restricted(bounds).manifest.article_count
            return f"{found} of {generation.manifest.article_count} articles meet its conditions."
    except IndexUnavailable:
        return None


def _the_key(keys: Sequence["Key"], given: str, *, or_revoked: bool) -> "Key":
    """Return the key of this beginning or name; raises ConfigurationError unless there is exactly one.

    Revoked keys do not match, unless no other key does and `or_revoked` is set. A key that is given completely is found
    as well, but never repeated.
    """
    from service.keys import digest_of

    matches = [key for key in keys if given == key.grant.name or key.id.startswith(given)] or [
        key for key in keys if key.digest == digest_of(given)
    ]
    live = [key for key in matches if key.revoked_at is None] or (matches if or_revoked else [])
    if len(live) != 1:
        ids = ", ".join(key.id for key in live)
        raise ConfigurationError(
            f"{len(live)} keys that are not revoked match {given[:12]!r}{f': {ids}' if ids else ''}",
            "Give the beginning of one; `dateline keys list` shows them.",
        )
    return live[0]


def _scope(name: str) -> Scope:
    for scope in SCOPES:
        if name == scope:
            return scope
    raise ConfigurationError(f"--scope is {name!r}, expected one of {', '.join(SCOPES)}")


def _expiry(text: str) -> datetime:
    now = datetime.now(UTC)
    days = _DAYS.fullmatch(text)
    try:
        moment = now + timedelta(days=int(days[1])) if days else moment_of("--expires", text, expected=_EXPIRY)
    except OverflowError as error:
        raise ConfigurationError(f"--expires is {text!r}, which is beyond the calendar") from error
    if moment <= now:
        raise ConfigurationError(f"--expires is {text!r}, which is over", "Give a date in the future, or days: 90d.")
    return moment.astimezone(UTC).replace(microsecond=0)


def _store(data: Path | None) -> "KeyStore":
    from service.keys import KeyStore
    from service.settings import ServiceSettings

    return KeyStore(settings_of(ServiceSettings, data=data).data)


def _values(key: "Key") -> dict[str, Any]:
    """Return what is stored of a key, but for its digest."""
    grant = key.grant
    return {
        "id": key.id,
        "name": grant.name,
        "kind": grant.kind,
        "state": _state(key),
        "scopes": _scopes(key),
        "bounds": _bounds(key),
        "origins": grant.origins,
        "per_minute": grant.per_minute,
        "tokens_per_day": grant.tokens_per_day,
        "created_at": isoformat(key.created_at, "seconds"),
        "expires_at": isoformat(grant.expires_at, "seconds"),
        "revoked_at": isoformat(key.revoked_at, "seconds"),
    }


def _line(key: "Key") -> str:
    from service.keys import READING

    bounds = ", ".join(
        f"{name.replace('_', ' ')} {' or '.join(value) if isinstance(value, tuple) else value}"
        for name, value in _bounds(key).items()
    )
    grant = key.grant
    expires = isoformat(grant.expires_at, "seconds")
    parts = [
        f"{key.id}  {key.grant.name}: {_state(key)}",
        " ".join(_scopes(key)),
        *([bounds or "all articles"] if grant.scopes & READING else []),
        *(["on " + " ".join(grant.origins)] if grant.origins else []),
        *([f"{grant.per_minute:,} a minute"] if grant.per_minute else []),
        *([f"{grant.tokens_per_day:,} tokens a day"] if grant.tokens_per_day else []),
        f"created {isoformat(key.created_at, 'seconds')}",
        f"expires {expires}" if expires else "does not expire",
    ]
    return ", ".join(parts)


def _state(key: "Key") -> str:
    if key.revoked_at is not None:
        return "revoked"
    return "live" if key.is_live(datetime.now(UTC)) else "expired"


def _scopes(key: "Key") -> list[str]:
    return [scope for scope in SCOPES if scope in key.grant.scopes]


def _bounds(key: "Key") -> dict[str, Any]:
    """Return the conditions that are set."""
    return {
        name: isoformat(value) if isinstance(value, datetime) else value
        for name, value in asdict(key.grant.bounds).items()
        if value
    }
