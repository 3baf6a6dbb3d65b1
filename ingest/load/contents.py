"""What a file holds: its bytes and its text, as far as they are fit to be read."""

import stat
from collections.abc import Callable
from typing import BinaryIO

from ingest.errors import ArticleRejected
from ingest.load import encodings
from ingest.load.files import ArticleFile

TEXT_FILE_LIMIT = 20_000_000
# A zero byte here and there is damage; more of them are not text.
_STRAY_ZEROS, _STRAY_SHARE = 8, 0.001
_UNUSED = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
_CONTROLS = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
_SAMPLE = 4_000
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


def decoded(data: bytes, origin: str, declared: str | None = None) -> str:
    """The text of bytes, without a byte order mark: in UTF-8, in UTF-16, or in the codec that the file declares.

    Text that is valid UTF-8 is read as that whatever is declared, as copies of pages keep the declaration of their
    original. Stray zero bytes are left out.

    Raises:
        ArticleRejected: The bytes are not text, or text in another encoding; the wrong byte and a guess are named.
    """
    utf_16 = encodings.of_utf_16(data)
    if utf_16:
        return _decoded(data, utf_16, origin).removeprefix("\ufeff")
    if (zeros := data.count(0)) > max(_STRAY_ZEROS, len(data) * _STRAY_SHARE):
        reason = f"it is binary: {zeros:,} bytes are NUL, the first is byte {data.index(0):,}; expected text"
        raise ArticleRejected(origin, reason, "binary")
    without_zeros = data.replace(b"\0", b"") if zeros else data
    if declared and encodings.is_seven_bit(declared):
        return _decoded(without_zeros, declared, origin)
    try:
        return without_zeros.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if declared and declared != "utf_8":
            return _decoded(without_zeros, declared, origin)
        if zeros:
            raise ArticleRejected(
                origin, f"it is binary: byte {data.index(0):,} is NUL; expected text", "binary"
            ) from error
        raise _undecodable(error, "UTF-8", origin) from error


def _decoded(data: bytes, codec: str, origin: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        if codec.startswith("cp125") and data[error.start] in _UNUSED:
            # Browsers read the bytes that Windows leaves unused as control characters.
            return data.decode(codec, "surrogateescape").translate(_CONTROLS)
        raise _undecodable(error, codec, origin) from error


def _undecodable(error: UnicodeDecodeError, codec: str, origin: str) -> ArticleRejected:
    byte = error.object[error.start]
    looks_like = encodings.guess(error.object[max(0, error.start - _SAMPLE) : error.start + _SAMPLE])
    guessed = f"; it looks like {looks_like}" if looks_like else ""
    reason = f"byte {error.start:,} (0x{byte:02x}) is not {codec}{guessed}: convert the file to UTF-8"
    return ArticleRejected(origin, reason, "undecodable")


def text(file: ArticleFile, limit: int = TEXT_FILE_LIMIT, declared: Callable[[bytes], str | None] | None = None) -> str:
    """The text of the file, in the codec that `declared` finds in its bytes; raises as `content` and `decoded` do."""
    data = content(file, limit)
    return decoded(data, file.origin, declared(data) if declared else None)


def megabytes(size: int) -> str:
    """A size in bytes as people say it."""
    return f"{size / 1_000_000:g} MB"


def shown(value: object) -> str:
    """A value from a file as a reason quotes it: unmistakable, on one line, at most 80 characters."""
    quoted = repr(value)
    return quoted if len(quoted) <= 80 else f"{quoted[:79]}…"
