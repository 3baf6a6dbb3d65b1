"""Raw articles: the fields of an article as its file states them, the common names of fields, and ids from paths."""

import hashlib
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from index.terms import without_accents
from ingest.load.files import ArticleFile

# In `normal_name` form: `pubDate`, `pub_date` and `Pub-Date` are one name.
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
ID_LENGTH = 200
# Browsers resolve a path segment of dots alone to another address.
ID = re.compile(rf"(?!\.+\Z)[A-Za-z0-9._:-]{{1,{ID_LENGTH}}}")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/*")


@dataclass(frozen=True, slots=True)
class RawArticle:
    """The fields of an article as its file states them, before validation; unknown ones are None, empty or missing.

    `fallback_id` is its id if the fields state none, and `make_title` derives its title from the cleaned body if they
    state none. A `public` one comes from a file that readers can see as well, such as a feed; any other comes from an
    export, which may contain unpublished articles.
    """

    origin: str
    fallback_id: str
    fields: Mapping[str, object]
    public: bool = False
    make_title: Callable[[str], str | None] | None = None


class Unreadable:
    """The value of a field that cannot be parsed; the field stays unknown, and a notice quotes the value."""

    def __init__(self, written: str) -> None:
        self._written = written

    def __repr__(self) -> str:
        return repr(self._written)


def normal_name(name: str) -> str:
    """Return the name of a field without case, spaces and punctuation."""
    return re.sub(r"[\W_]", "", name).casefold()


def with_standard_names(fields: Mapping[str, object]) -> dict[str, object]:
    """Add Dateline's names for fields that the file states under other common names; stated names have precedence.

    Without a section, the first of `categories` becomes the section, and the others become tags.
    """
    known: dict[str, object] = {}
    for name, value in fields.items():
        if value not in (None, "") and not isinstance(value, bool):
            known.setdefault(normal_name(name), value)
    found = dict(fields)
    for name, aliases in ALIASES.items():
        if found.get(name) in (None, ""):
            found[name] = next((known[alias] for alias in aliases if alias in known), None)
    if str(found["authors"]).isdecimal():
        # The number of an author in a database is not a name.
        found["authors"] = None
    if found["section"] is None:
        found["section"], *others = _as_list(known.get("categories")) or [None]
        found["tags"] = [*_as_list(found["tags"]), *others] if others else found["tags"]
    return found


def path_id(file: ArticleFile, number: int | None = None) -> str:
    """Make the id of a file's article, or of its n-th article: a slug of the path below the root, without extension."""
    relative = file.path.relative_to(file.root).with_suffix("").as_posix()
    return slug(relative, "" if number is None else f".{number}")


def guid_id(guid: str, feed: str) -> str:
    """Make the id of a feed's entry: a slug and a hash, because two addresses may have the same slug.

    An address or a tag is globally unique; any other guid is unique within its `feed` only.
    """
    unique = guid if _SCHEME.match(guid) else f"{feed} {guid}"
    return slug(_SCHEME.sub("", guid, count=1), f"-{_hash(unique)}")


def slug(text: str, suffix: str = "") -> str:
    """Make an id of at most 200 characters, `suffix` included, from a text.

    Letters, digits, `_` and `-` stay without accents, `/` becomes `.`, any other run of characters one `-`. A text with
    letters outside of ASCII, without letters, or longer than an id gets a hash, so that different texts stay different.
    """
    plain = without_accents(text)
    readable = ".".join(_OTHER.sub("-", part) for part in plain.split("/") if part)
    room = ID_LENGTH - len(suffix)
    lost = any(char.isalnum() and not char.isascii() for char in plain)
    if lost or not re.search(r"\w", readable):
        readable = f"{readable.strip('-.')}-{_hash(plain)}".lstrip("-")
    if len(readable) > room:
        readable = f"{readable[: room - 11].rstrip('-.')}-{_hash(plain)}"
    return f"{readable}{suffix}"


def _as_list(value: object) -> list[object]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else [value] if value else []


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
