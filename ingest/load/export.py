"""Common parts of the JSON formats: a table of fields, marks of publication, and the identity of an article."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from ingest.load.article import ID, clean_line, guid_id
from ingest.load.fieldmap import FieldTable, value_at
from ingest.report import ArticleRejected, Notice

Entry = Mapping[str, object]
"""An article as JSON states it."""

Export = Mapping[str, object]
"""The object around a list of entries, which may state more about them; empty for a plain list."""

SITE = "--site"
"""The key in an export for the address of its site, as the command gives it."""

# Von, par, por and the like may also begin a surname.
_BY = re.compile(r"\A(?:by\s+|(?:von|par|por|door|av|af)\s+(?=\S+\s+\S))", re.IGNORECASE)
# The `e` and `y` of other languages are also parts of names.
_BETWEEN = re.compile(r"\s*(?:[,;/]|\s(?:and|und|et|en|og|och|&)\s)\s*", re.IGNORECASE)
_UNIQUE_LENGTH = 20
"""Characters from which an id is that of a UUID, a urn or the like, and not a number of one system."""


def _same(entry: Entry, _: Export) -> Entry:
    return entry


def _nothing(_: Entry, __: str) -> None:
    return None


def _no_notices(_: Entry, __: str) -> tuple[Notice, ...]:
    return ()


@dataclass(frozen=True, slots=True)
class Format:
    """A format of JSON.

    An entry belongs to it if it has all the names of one of `known_by`, in `normal_name` form, and a value at each path
    of `needs`. `prepare` adds what the export states elsewhere, then `fields` says where the fields are; `marks` are
    the fields that say whether it is published, and `refuse` returns why an entry is not an article. Readers see the
    articles of a `public` format as well. `id_prefix` sets its ids apart from those of other formats.
    """

    name: str
    known_by: tuple[tuple[str, ...], ...]
    fields: FieldTable
    needs: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    prepare: Callable[[Entry, Export], Entry] = _same
    refuse: Callable[[Entry, str], ArticleRejected | None] = _nothing
    notices: Callable[[Entry, str], tuple[Notice, ...]] = _no_notices
    public: bool = False
    id_prefix: str = ""

    def fits(self, entry: Entry, names: set[str]) -> bool:
        """Return whether an entry with these normal names is of this format."""
        is_known = any(names.issuperset(known) for known in self.known_by)
        return is_known and all(value_at(entry, path) is not None for path in self.needs)


def global_id(stated: object, scope: str) -> str | None:
    """Return the id of an article by what its system states, an address, a name or a number; None if nothing is.

    A urn or a UUID is unique and stays; a number is unique only within its system, the `scope`.
    """
    text = clean_line(str(stated)) if isinstance(stated, str | int) and not isinstance(stated, bool) else ""
    if not text:
        return None
    is_unique = len(text) >= _UNIQUE_LENGTH and ID.fullmatch(text)
    return text if is_unique else guid_id(text, scope)


def byline_names(byline: object) -> list[str]:
    """Return the names of a byline, without the word before them."""
    if not isinstance(byline, str):
        return []
    return [name for name in _BETWEEN.split(_BY.sub("", clean_line(byline))) if name]


def no_article(origin: str, mark: str) -> ArticleRejected:
    """Return the rejection of an entry that is not an article, such as a page or a picture, or not a public one."""
    return ArticleRejected(origin, f"it is not a published article: {mark}", "unpublished")
