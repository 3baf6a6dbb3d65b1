"""The names under which files state the fields of an article."""

import re
from collections.abc import Iterable, Mapping

# Names are compared without case, spaces and punctuation: `pubDate`, `pub_date` and `Pub-Date` are one.
ALIASES: dict[str, tuple[str, ...]] = {
    "title": ("title", "headline"),
    "url": ("url", "link", "canonicalurl"),
    "source": ("source",),
    "authors": ("authors", "author"),
    "section": ("section", "category"),
    "language": ("language", "lang"),
    "tags": ("tags", "keywords"),
    "published_at": (
        "publishedat", "published", "publisheddate", "publishedon", "datepublished", "publishdate", "pubdate",
        "publicationdate", "date",
    ),
    "updated_at": (
        "updatedat", "updated", "updateddate", "dateupdated", "lastmod", "lastmodified", "lastmodifiedat", "modified",
        "modifiedat", "modifieddate", "datemodified",
    ),
}  # fmt: skip


class Unreadable:
    """The value of a field that its file states in a way that cannot be read; it stays unknown, and is named."""

    def __init__(self, written: str) -> None:
        self._written = written

    def __repr__(self) -> str:
        return repr(self._written)


def plain(name: str) -> str:
    """A field's name as names are compared."""
    return re.sub(r"[\W_]", "", name).casefold()


def with_own_names(fields: Mapping[str, object]) -> dict[str, object]:
    """Fields with those that have another common name under Dateline's names as well; the own name counts first.

    Of `categories` the first is the section, where there is none, and the others are tags.
    """
    known: dict[str, object] = {}
    for name, value in fields.items():
        if value not in (None, "") and not isinstance(value, bool):
            known.setdefault(plain(name), value)
    found = dict(fields)
    for name, aliases in ALIASES.items():
        if found.get(name) in (None, ""):
            found[name] = next((known[alias] for alias in aliases if alias in known), None)
    if str(found["authors"]).isdecimal():
        # The number of an author in a database is not a name.
        found["authors"] = None
    if found["section"] is None:
        found["section"], *others = _listed(known.get("categories")) or [None]
        found["tags"] = [*_listed(found["tags"]), *others] if others else found["tags"]
    return found


def _listed(value: object) -> list[object]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else [value] if value else []
