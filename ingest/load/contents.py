"""What a file holds: its bytes and its text, as far as they are fit to be read."""

import stat
from typing import BinaryIO

from ingest.errors import ArticleRejected
from ingest.load.files import ArticleFile

TEXT_FILE_LIMIT = 20_000_000
_UTF_16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_KINDS = {stat.S_IFIFO: "a named pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def opened(file: ArticleFile) -> BinaryIO:
    """The file open for reading bytes.

    Raises:
        ArticleRejected: It is no regular file; a pipe or a device could keep an ingest waiting for ever.
        OSError: It cannot be read.
    """
    mode = file.path.stat().st_mode
    if stat.S_ISDIR(mode):
        # Listed only where listing failed, so that the same failure is met again and named.
        next(file.path.iterdir(), None)
    if not stat.S_ISREG(mode):
        kind = _KINDS.get(stat.S_IFMT(mode), "a folder")
        raise ArticleRejected(file.origin, f"it is {kind}; expected a regular file", "unreadable")
    return file.path.open("rb")


def content(file: ArticleFile, limit: int) -> bytes:
    """All bytes of the file.

    Raises:
        ArticleRejected: There are none, or more than `limit`.
        OSError: It cannot be read.
    """
    with opened(file) as stream:
        data = stream.read(limit + 1)
    if not data:
        raise ArticleRejected(file.origin, "the file is empty", "empty")
    if len(data) > limit:
        raise ArticleRejected(file.origin, f"the file is larger than {megabytes(limit)}", "too_large")
    return data


def decoded(data: bytes, origin: str) -> str:
    """The text of UTF-8 bytes, without a byte order mark.

    Raises:
        ArticleRejected: The bytes are no text, or text in another encoding; which byte is wrong is named.
    """
    if data.startswith(_UTF_16_MARKS):
        raise ArticleRejected(origin, "it is encoded in UTF-16; expected UTF-8: convert it", "undecodable")
    if b"\0" in data:
        raise ArticleRejected(origin, f"it is binary: byte {data.index(0):,} is NUL; expected text", "binary")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reason = f"byte {error.start:,} (0x{data[error.start]:02x}) is not UTF-8: convert the file to UTF-8"
        raise ArticleRejected(origin, reason, "undecodable") from error


def text(file: ArticleFile, limit: int = TEXT_FILE_LIMIT) -> str:
    """The text of the file; raises as `content` and `decoded` do."""
    return decoded(content(file, limit), file.origin)


def megabytes(size: int) -> str:
    """A size in bytes as people say it."""
    return f"{size / 1_000_000:g} MB"


def shown(value: object) -> str:
    """A value from a file as a reason quotes it: unmistakable, on one line, at most 80 characters."""
    quoted = repr(value)
    return quoted if len(quoted) <= 80 else f"{quoted[:79]}…"
