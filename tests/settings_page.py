"""`docs/settings.md` and `.env.example`, written from the settings classes: `python -m tests.settings_page`."""

from collections.abc import Iterator
from pathlib import Path
from types import NoneType
from typing import Literal, NamedTuple, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from eval.settings import EvalSettings
from index.settings import IndexSettings
from ingest.settings import IngestSettings
from service.settings import ServiceSettings

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "settings.md"
EXAMPLE = ROOT / ".env.example"

_KINDS: dict[object, str] = {
    Path: "path",
    str: "text",
    SecretStr: "secret",
    bool: "`0` or `1`",
    int: "whole number",
    float: "number",
    dict: "JSON object",
    tuple: "list, with commas",
}
_BOUNDS = {"ge": "at least", "gt": "over", "le": "at most", "lt": "under"}
_HEAD = """\
# Settings

This page is written from the settings classes by `make docs`; do not edit it.

Every setting is an environment variable, or a line of a file `.env` in the folder where Dateline starts;
the environment wins. `.env.example` lists them all. An invalid value is refused when a
command starts, with exit code 2 and a message that names it. An empty value counts as unset.

"""
_EXAMPLE_HEAD = """\
# Copy this file to .env and uncomment the settings you change. Each is described in docs/settings.md.
# Written from the settings classes by `make docs`; do not edit it.
"""


class Setting(NamedTuple):
    """An environment variable with its type, default and meaning."""

    variable: str
    value: str
    default: str
    meaning: str


def declared_settings(kind: type[IndexSettings]) -> list[Setting]:
    """Return the settings that a class declares itself, in their order, without inherited ones."""
    inherited = {name for base in kind.__mro__[1:] for name in getattr(base, "model_fields", {})}
    return [_setting(name, field) for name, field in kind.model_fields.items() if name not in inherited]


def page() -> str:
    """Return the text of `docs/settings.md`."""
    index = _section("The index", "`index/settings.py`; every command reads these.", IndexSettings)
    ingest = _section("Fetching", "`ingest/settings.py`; `ingest` reads these.", IngestSettings)
    service = _section("The service", "`service/settings.py`; `serve`, `ask` and `search` read these.", ServiceSettings)
    evaluation = _section("Evaluation", "`eval/settings.py`; `eval run` reads these.", EvalSettings)
    return _HEAD + "\n".join([*index, *ingest, *service, *evaluation])


def example() -> str:
    """Return the text of `.env.example`, with every setting commented out."""
    return _EXAMPLE_HEAD + "".join(
        f"\n# {setting.meaning.replace('`', '')}\n#{setting.variable}={setting.default}\n"
        for kind in (IndexSettings, IngestSettings, ServiceSettings, EvalSettings)
        for setting in declared_settings(kind)
    )


def _section(title: str, read_by: str, kind: type[IndexSettings]) -> Iterator[str]:
    yield from (f"## {title}", "", f"{(kind.__doc__ or '').splitlines()[0]} Source: {read_by}", "")
    yield from ("| variable | value | when unset | meaning |", "|---|---|---|---|")
    for setting in declared_settings(kind):
        default = f"`{setting.default}`" if setting.default else "—"
        yield f"| `{setting.variable}` | {setting.value} | {default} | {setting.meaning} |"
    yield ""


def _setting(name: str, field: FieldInfo) -> Setting:
    alias = field.validation_alias
    prefix = IndexSettings.model_config.get("env_prefix", "")
    # The type without `| None`, and without the element type of a container.
    kind = next(
        (part for part in get_args(field.annotation) if NoneType in get_args(field.annotation)), field.annotation
    )
    bounds = [
        f"{words} {getattr(constraint, bound):,}"
        for constraint in field.metadata
        for bound, words in _BOUNDS.items()
        if hasattr(constraint, bound)
    ]
    default = field.get_default(call_default_factory=True)
    return Setting(
        variable=alias if isinstance(alias, str) else f"{prefix}{name}".upper(),
        value=", ".join([_values_of(kind), *bounds]),
        default="" if default in (None, {}, ()) else str(int(default) if isinstance(default, bool) else default),
        meaning=field.description or "",
    )


def _values_of(kind: object) -> str:
    if get_origin(kind) is Literal:
        return " or ".join(f"`{value}`" for value in get_args(kind))
    return _KINDS[get_origin(kind) or kind]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    EXAMPLE.write_text(example(), encoding="utf-8")
