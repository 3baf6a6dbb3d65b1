"""The disk that a run writes to: full, read-only or failing, it is the keeper's to mend."""

import errno
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from index.errors import PublishFailed

_REFUSALS = {
    errno.EACCES,
    errno.EDQUOT,
    errno.EFBIG,
    errno.EIO,
    errno.EMFILE,
    errno.ENOSPC,
    errno.EPERM,
    errno.EROFS,
}


@contextmanager
def written(data: Path) -> Iterator[None]:
    """Translate what a disk refuses while a data folder is written into PublishFailed."""
    try:
        yield
    except (OSError, sqlite3.OperationalError) as error:
        if isinstance(error, OSError) and error.errno not in _REFUSALS:
            raise
        raise PublishFailed(
            f"{data} could not be written: {error}",
            "What CURRENT names serves on. See that the disk has room and lets itself be written, then run this again.",
        ) from error
