"""Filters as conditions on the catalogue's table of articles."""

import json
from collections.abc import Sequence

from index.records import Filters, isoformat

LISTED = "(SELECT value FROM json_each(?))"
"""A list of any length as one SQL value."""

PUBLISHED = "rtrim(published_at, 'Z')"
"""The date of publication as text that sorts by time: with its Z, half a second past would sort before the second."""


def filter_conditions(filters: Filters) -> tuple[list[str], list[str]]:
    """The filters as SQL conditions and their values, in the same order."""
    conditions: list[str] = []
    values: list[str] = []
    if filters.article_ids:
        conditions.append(f"article_id IN {LISTED}")
        values.append(json.dumps(filters.article_ids))
    for column, wanted in (
        ("source", filters.sources),
        ("section", filters.sections),
        ("language", filters.languages),
    ):
        if wanted:
            conditions.append(_among(column, wanted))
            values.append(_listed(wanted))
    if filters.exclude_sources:
        conditions.append(f"(source IS NULL OR NOT {_among('source', filters.exclude_sources)})")
        values.append(_listed(filters.exclude_sources))
    for column, wanted in (("authors", filters.authors), ("tags", filters.tags)):
        if wanted:
            held = f"SELECT 1 FROM json_each({column}) AS held"
            conditions.append(f"EXISTS ({held} WHERE {_among('held.value', wanted)})")
            values.append(_listed(wanted))
    for operator, moment in ((">=", filters.published_after), ("<", filters.published_before)):
        if moment is not None:
            conditions.append(f"{PUBLISHED} {operator} rtrim(?, 'Z')")
            values.append(isoformat(moment) or "")
    return conditions, values


def _among(column: str, wanted: Sequence[str]) -> str:
    """The condition that a column holds one of the values, whatever their case; bind `_listed` to it."""
    # SQLite itself folds ASCII only; beyond that each row costs a call.
    return f"{column} COLLATE NOCASE IN {LISTED}" if _is_ascii(wanted) else f"fold({column}) IN {LISTED}"


def _listed(wanted: Sequence[str]) -> str:
    return json.dumps(wanted if _is_ascii(wanted) else [value.casefold() for value in wanted])


def _is_ascii(wanted: Sequence[str]) -> bool:
    return all(value.isascii() for value in wanted)


def folded(value: str | None) -> str | None:
    """A value as it is compared: whatever its case."""
    return None if value is None else value.casefold()
