"""The id of an article: as its file states it, else made from where it lies."""

import hashlib
import re

from index.terms import without_accents
from ingest.load.files import ArticleFile

ID_LENGTH = 200
# An address with a part of dots alone leads a browser elsewhere.
ID = re.compile(rf"(?!\.+\Z)[A-Za-z0-9._:-]{{1,{ID_LENGTH}}}")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/*")


def path_id(file: ArticleFile, number: int | None = None) -> str:
    """The id of a file's article, or of its n-th one: a slug of the path below the root, without extension."""
    relative = file.path.relative_to(file.root).with_suffix("").as_posix()
    return slug(relative, "" if number is None else f".{number}")


def guid_id(guid: str, feed: str) -> str:
    """The id of a feed's entry: readable, and told apart by a hash, as a slug alone may fit two addresses.

    An address or a tag is one of a kind; any other guid is so within its `feed` only.
    """
    unique = guid if _SCHEME.match(guid) else f"{feed} {guid}"
    return slug(_SCHEME.sub("", guid, count=1), f"-{_hash(unique)}")


def slug(text: str, suffix: str = "") -> str:
    """A text as an id of at most 200 characters, `suffix` included.

    Letters, digits, `_` and `-` stay, `/` becomes `.`, every other run of characters one `-`. Accents
    go; a text with letters that ASCII cannot show, or with none at all, gets a hash of itself, so that
    two of them stay two; so does one that has to be cut.
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


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]
