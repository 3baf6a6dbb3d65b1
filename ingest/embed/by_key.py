"""Values by the keys of texts, in a temporary file: a job may have more texts than fit into memory."""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice

from index.errors import ConfigurationError

PAGE = 500
"""Keys of one query."""

CACHE_KB = 64_000


class ByKey:
    """Values by key. The file is in SQLITE_TMPDIR, TMPDIR or /var/tmp and has no name: a killed run leaves nothing."""

    def __init__(self) -> None:
        self._rows = sqlite3.connect("")
        self._rows.execute(f"PRAGMA cache_size = -{CACHE_KB}")
        self._rows.execute("PRAGMA journal_mode = OFF")
        self._rows.execute("CREATE TABLE value (key BLOB PRIMARY KEY, value BLOB NOT NULL)")

    def close(self) -> None:
        """Remove the file."""
        self._rows.close()

    def __len__(self) -> int:
        """Return the number of keys."""
        count: int = self._rows.execute("SELECT count(*) FROM value").fetchone()[0]
        return count

    def add(self, values: Iterable[tuple[bytes, bytes]]) -> None:
        """Add values; a key that is there keeps its value. Raises ConfigurationError if the disk is full."""
        try:
            with self._rows:
                self._rows.executemany("INSERT OR IGNORE INTO value VALUES (?, ?)", values)
        except sqlite3.OperationalError as error:
            raise ConfigurationError(
                f"the temporary file of the job cannot be written: {error}",
                "Set SQLITE_TMPDIR to a folder with 2 GB for each million chunks.",
            ) from error

    def of(self, keys: Sequence[bytes]) -> dict[bytes, bytes]:
        """Return the values that there are, by key."""
        found: dict[bytes, bytes] = {}
        for start in range(0, len(keys), PAGE):
            some = keys[start : start + PAGE]
            marks = ",".join("?" * len(some))
            found |= self._rows.execute(f"SELECT key, value FROM value WHERE key IN ({marks})", some)  # noqa: S608
        return found

    def pages(self, size: int) -> Iterator[list[bytes]]:
        """Yield all values in the order of their keys, `size` at a time."""
        values = (value for (value,) in self._rows.execute("SELECT value FROM value ORDER BY key"))
        while page := list(islice(values, size)):
            yield page
