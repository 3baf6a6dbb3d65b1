"""An object store: named objects that are created once, in S3, Google Cloud Storage, Azure, a folder or memory.

An address is `s3://BUCKET/PREFIX`, `gs://…`, `az://…`, `file:///FOLDER` or `memory:///`. Credentials and the address of
a server of one's own come from the variables that these services define, such as AWS_ACCESS_KEY_ID, AWS_REGION,
AWS_ENDPOINT and AWS_ALLOW_HTTP.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote, urlsplit

from index.errors import ConfigurationError, StoreUnavailable

if TYPE_CHECKING:
    from obstore.store import ObjectStore

SCHEMES = ("s3", "gs", "az", "file", "memory")

PIECE = 4 * 1024 * 1024
"""Bytes of an object that are in memory while it is downloaded."""

SINGLE_REQUEST = 8 * 1024 * 1024
"""Bytes of the largest file that is created in a single request, for which it is read into memory."""

RETRY_TIMEOUT = timedelta(seconds=30)
MAX_RETRIES = 5

_UNFINISHED = re.compile(r"#[0-9]+$")
"""The end of a file's name while the object is written into a folder."""


class StoredObject(NamedTuple):
    """An object in a list: its size in bytes, and when it was written by the store's clock."""

    name: str
    size: int
    modified: datetime


class Store:
    """An object store; safe to share between threads.

    Names have slashes: `pointers/0000000042`. Every method raises StoreUnavailable if the store does not answer or
    refuses a request. Raises ConfigurationError for an address that is not one.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self._objects = _open(url)

    def create(self, name: str, content: bytes | Path) -> bool:
        """Create an object from bytes or from a file; return False if the name exists, which is then unchanged.

        A file is read into memory, because stores create an object in parts without a condition only.
        The store decides between two who create one name at the same time. A request that was repeated because its
        reply was lost returns False for an object that this call created: compare the content.
        """
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        with self._translated():
            try:
                obstore.put(self._objects, name, content, mode="create")
            except (AlreadyExistsError, PreconditionError):
                return False
        return True

    def replace(self, name: str, content: bytes | Path) -> None:
        """Create an object, or replace it; a large file is sent in parts, and read as it is sent."""
        import obstore

        with self._translated():
            obstore.put(self._objects, name, content, mode="overwrite")

    def read(self, name: str) -> bytes | None:
        """Return the content of an object; None if it does not exist."""
        import obstore

        with self._translated():
            try:
                return bytes(obstore.get(self._objects, name).bytes())
            except FileNotFoundError:
                return None

    def size(self, name: str) -> int | None:
        """Return the number of bytes of an object; None if it does not exist."""
        import obstore

        with self._translated():
            try:
                return int(obstore.head(self._objects, name)["size"])
            except FileNotFoundError:
                return None

    def pieces(self, name: str) -> Iterator[bytes]:
        """Yield the content of an object in pieces; raises FileNotFoundError if it does not exist."""
        import obstore

        with self._translated():
            for piece in obstore.get(self._objects, name).stream(min_chunk_size=PIECE):
                yield bytes(piece)

    def names(self, prefix: str, after: str = "") -> Iterator[str]:
        """Yield the names under a prefix that ends with a slash, if they are greater than `after`; unsorted."""
        import obstore

        with self._translated():
            for page in obstore.list(self._objects, prefix.rstrip("/"), offset=after or None):
                yield from (meta["path"] for meta in page)

    def listed(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects under a prefix that ends with a slash, with sizes and times; unsorted."""
        import obstore

        with self._translated():
            for page in obstore.list(self._objects, prefix.rstrip("/")):
                yield from (StoredObject(meta["path"], meta["size"], meta["last_modified"]) for meta in page)

    def remove_unfinished(self) -> None:
        """Remove what killed uploads left in a folder; other stores have a rule for incomplete uploads in parts."""
        address = urlsplit(self.url)
        if address.scheme == "file":
            with self._translated():
                for path in Path(unquote(address.path)).rglob("*#*"):
                    if _UNFINISHED.search(path.name):
                        path.unlink(missing_ok=True)

    def remove(self, name: str) -> None:
        """Remove an object, if it exists."""
        import obstore

        with self._translated():
            try:
                obstore.delete(self._objects, name)
            except FileNotFoundError:
                return

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """Raise StoreUnavailable for the errors of the store; a missing object is for the caller."""
        from obstore.exceptions import BaseError

        try:
            yield
        except FileNotFoundError:
            raise
        except (BaseError, OSError, ValueError) as error:
            # The first line is a sentence, the others are a dump of structures.
            raise StoreUnavailable(
                f"{self.url} did not serve a request: {str(error).partition(chr(10))[0]}",
                "Check the address, the credentials and the network, then run this again.",
            ) from error


def _open(url: str) -> "ObjectStore":
    from obstore.exceptions import BaseError
    from obstore.store import from_url

    scheme = urlsplit(url).scheme
    if scheme not in SCHEMES:
        raise ConfigurationError(
            f"{url!r} is not the address of an object store",
            f"Give one that begins with {', '.join(f'{each}://' for each in SCHEMES)}.",
        )
    options: dict[str, Any] = {
        "file": {"mkdir": True},
        "memory": {},
    }.get(scheme, {"retry_config": {"max_retries": MAX_RETRIES, "retry_timeout": RETRY_TIMEOUT}})
    try:
        opened: ObjectStore = from_url(url, **options)
    except (BaseError, OSError, ValueError) as error:
        raise ConfigurationError(
            f"the object store {url} cannot be opened: {str(error).partition(chr(10))[0]}",
            "Check the address, and the variables of the service such as AWS_REGION.",
        ) from error
    return opened
