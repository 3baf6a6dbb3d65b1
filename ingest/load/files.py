"""Article files: find them in folders, each once, and read their bytes or their text."""

import codecs
import json
import re
import stat
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import TextIOWrapper
from os import path, scandir
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from index.errors import ConfigurationError
from ingest.report import ArticleRejected, megabytes

if TYPE_CHECKING:
    from ingest.load.fieldmap import FieldMap

TEXT_FILE_LIMIT = 20_000_000
UNDECODABLE = "\ufdd0"
"""A noncharacter, which no text contains, in place of a byte that cannot be decoded."""
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 10_000
_PIECE = 1_000_000
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_META = re.compile(rb"<meta\b[^<>]*?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
_LISTS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
# Names that mean another encoding to browsers than to Python (WHATWG Encoding Standard, section 4.2).
_WEB_NAMES = {name: codec for codec, names in _LISTS["codecs"].items() for name in names.split()}
# Encodings made of ASCII bytes: their text also decodes as UTF-8, to other characters.
_SEVEN_BITS = ("iso2022_jp", "iso2022_kr", "hz")
# Encodings that cannot contain an ASCII declaration, or that browsers do not support.
_NOT_MEANT = re.compile(r"utf_?(?:7|16|32)\b|utf_?(?:16|32)_?[bl]e|idna|punycode|.*escape|mbcs|oem|undefined|charmap")
_GUESSES: list[str] = _LISTS["guesses"].split()
# A few zero bytes are damage; more mean that the file is not text.
_STRAY_ZEROS, _STRAY_SHARE = 8, 0.001
_UNUSED = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
_CONTROLS = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
_SAMPLE = 4_000


@dataclass(frozen=True, slots=True)
class ArticleFile:
    """A file that may contain articles, and the folder that its ids are relative to; both paths are absolute.

    `root` is the ingested folder, or the file's own folder if the file itself was given. Loading also rejects a folder
    that cannot be listed, and a link to a target outside of the ingested folders (`leads_to`). The entries of a JSON
    file are read by the `field_map`, if it has one; `site` is the address of the site of an export that states none. A
    fetched file has the `address` that it was fetched from, and the `charset` that its server states.
    """

    path: Path
    root: Path
    leads_to: str | None = None
    field_map: "FieldMap | None" = None
    site: str | None = None
    address: str | None = None
    charset: str | None = None

    @property
    def origin(self) -> str:
        """The origin of an article of this file."""
        return self.address or self.path.as_posix()


def find(paths: Sequence[Path], *, follow_links: bool = False) -> list[ArticleFile]:
    """List the files under the paths, sorted by path, each file once.

    Hidden files and folders (a leading dot) inside a folder are skipped. A link is followed if it is one of the paths
    or leads to a target under them; any other only with `follow_links`, because a user who may create a link may lack
    the right to publish its target. A file that is found twice gets the outermost root, and its real path rather than
    a link. Files that are not regular are listed too, so that loading rejects them.

    Raises:
        ConfigurationError: A path does not exist or is not accessible.
    """
    best: dict[str, tuple[tuple[int, bool, Path], ArticleFile]] = {}
    existing = list(map(_existing, paths))
    bounds = None if follow_links else [Path(path.realpath(named)) for named in existing]
    for named in existing:
        for real, is_linked, file in _below(named, bounds):
            rank = (len(file.root.parts), is_linked, file.path)
            if real not in best or rank < best[real][0]:
                best[real] = rank, file
    return sorted((file for _, file in best.values()), key=lambda file: file.path)


def _existing(named: Path) -> Path:
    try:
        named.stat()
    except OSError as error:
        hint = "Give files or folders of articles that this user may read."
        raise ConfigurationError(f"{named} cannot be ingested: {error.strerror}.", hint) from error
    # Links stay unresolved: a folder that links to the latest one keeps its name in ids and origins.
    return Path(path.abspath(named))  # noqa: PTH100


def _below(named: Path, bounds: Sequence[Path] | None) -> Iterator[tuple[str, bool, ArticleFile]]:
    """Yield the files of a folder, or the file itself, each with its real path and whether a link leads to it.

    Links that lead out of `bounds` are not followed.
    """
    if not named.is_dir():
        yield path.realpath(named), False, ArticleFile(named, named.parent)
        return
    seen: set[str] = set()
    folders = deque([(named, False)])
    while folders:
        folder, linked = folders.popleft()
        real_folder = path.realpath(folder)
        if real_folder in seen:
            continue
        seen.add(real_folder)
        try:
            with scandir(folder) as entries:
                visible = [entry for entry in entries if not entry.name.startswith(".")]
        except OSError:
            yield real_folder, linked, ArticleFile(folder, named)
            continue
        for entry in visible:
            inside, is_link = Path(entry.path), entry.is_symlink()
            real = path.realpath(inside) if is_link else f"{real_folder}/{entry.name}"
            if is_link and bounds is not None and not any(Path(real).is_relative_to(bound) for bound in bounds):
                yield entry.path, True, ArticleFile(inside, named, leads_to=real)
            elif not path.isdir(inside):  # noqa: PTH112 - Path.is_dir raises if it is inaccessible
                yield real, linked or is_link, ArticleFile(inside, named)
            elif is_link:
                # Linked folders come after all real ones, so that loops end and real paths come first.
                folders.append((inside, True))
            else:
                folders.appendleft((inside, linked))


def open_file(file: ArticleFile) -> BinaryIO:
    """Open a file for reading bytes.

    Raises:
        ArticleRejected: It is not a regular file; reading a pipe or a device may never end.
        OSError: It cannot be opened.
    """
    if file.path.is_dir():
        # `find` returns only folders that it cannot list: repeat the error.
        next(file.path.iterdir(), None)
    if not stat.S_ISREG(file.path.stat().st_mode):
        raise ArticleRejected(file.origin, "it is a pipe, a device or a folder; expected a regular file", "unreadable")
    return file.path.open("rb")


def read_bytes(file: ArticleFile, limit: int) -> bytes:
    """Read all bytes of a file.

    Raises:
        ArticleRejected: The file is empty, or larger than `limit` bytes.
        OSError: It cannot be read.
    """
    with open_file(file) as stream:
        data = stream.read(limit + 1)
    if not data:
        raise ArticleRejected(file.origin, "the file is empty", "empty")
    if len(data) > limit:
        raise ArticleRejected(file.origin, f"the file is larger than {megabytes(limit)}: split it", "too_large")
    return data


def read_text(file: ArticleFile, limit: int = TEXT_FILE_LIMIT, *, is_markup: bool = False) -> str:
    """Read the text of a file; its server, or markup, may declare the encoding. Raises as `read_bytes` and `decode`."""
    data = read_bytes(file, limit)
    stated = _codec(file.charset) if file.charset else None
    return decode(data, file.origin, stated or (_declared(data) if is_markup else None))


def open_text(file: ArticleFile) -> TextIOWrapper:
    """Open a file of markup of any size as text, in the encoding that `read_text` would read it in.

    UNDECODABLE stands for each byte that is not in the encoding. Raises as `open_file`.
    """
    with open_file(file) as stream:
        head = stream.read(_HEAD)
        codec = _utf_16_codec(head)
        if codec is None:
            codec = "utf_8_sig" if _is_utf_8(stream, head) else _declared(head) or "utf_8_sig"
    return TextIOWrapper(open_file(file), codec, "dateline.mark", newline="")


def _is_utf_8(stream: BinaryIO, head: bytes) -> bool:
    decoder = codecs.getincrementaldecoder("utf_8")()
    try:
        decoder.decode(head)
        while data := stream.read(_PIECE):
            decoder.decode(data)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _mark(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return UNDECODABLE * (error.end - error.start), error.end


codecs.register_error("dateline.mark", _mark)


def decode(data: bytes, origin: str, declared: str | None = None) -> str:
    """Decode bytes as UTF-8, as UTF-16, or in the declared codec; remove a byte order mark and stray zero bytes.

    Valid UTF-8 is decoded as UTF-8 whatever is declared, because copies of pages keep the declaration of the original.

    Raises:
        ArticleRejected: The bytes are not text, or in an unknown encoding; the reason states the first invalid byte
            and a guess.
    """
    if utf_16 := _utf_16_codec(data):
        return _decoded(data, utf_16, origin).removeprefix("\ufeff")
    zeros = data.count(0)
    if zeros > max(_STRAY_ZEROS, len(data) * _STRAY_SHARE):
        raise _binary(data, origin)
    text = data.replace(b"\0", b"") if zeros else data
    if declared in _SEVEN_BITS:
        return _decoded(text, declared, origin)
    try:
        return text.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if declared and declared != "utf_8":
            return _decoded(text, declared, origin)
        raise _binary(data, origin) if zeros else _undecodable(error, "UTF-8", origin) from error


def _binary(data: bytes, origin: str) -> ArticleRejected:
    reason = f"it is binary: {data.count(0):,} bytes are NUL, the first is byte {data.index(0):,}; expected text"
    return ArticleRejected(origin, reason, "binary")


def _decoded(data: bytes, codec: str, origin: str) -> str:
    try:
        return data.decode(codec)
    except UnicodeDecodeError as error:
        if codec.startswith("cp125") and data[error.start] in _UNUSED:
            # Browsers decode the bytes that Windows leaves unused as control characters.
            return data.decode(codec, "surrogateescape").translate(_CONTROLS)
        raise _undecodable(error, codec, origin) from error


def _undecodable(error: UnicodeDecodeError, codec: str, origin: str) -> ArticleRejected:
    byte = error.object[error.start]
    guess = _guess(error.object[max(0, error.start - _SAMPLE) : error.start + _SAMPLE])
    guessed = f"; it looks like {guess}" if guess else ""
    reason = f"byte {error.start:,} (0x{byte:02x}) is not {codec}{guessed}: convert the file to UTF-8"
    return ArticleRejected(origin, reason, "undecodable")


def _declared(data: bytes) -> str | None:
    """Return the codec that an XML declaration, or a meta element of a page, states; or None."""
    head = _COMMENT.sub(b"", data[:_HEAD])
    stated = _XML.match(head) or _META.search(head)
    return _codec(stated[1].decode("ascii", "replace")) if stated else None


def _codec(label: str) -> str | None:
    """Return Python's name of an encoding by its name on the web; None if it is not an encoding of text files."""
    name = label.strip().lower()
    try:
        found = codecs.lookup(_WEB_NAMES.get(name, name)).name.replace("-", "_")
        "".encode(found)
    except (LookupError, UnicodeError, ValueError):
        return None
    return None if _NOT_MEANT.fullmatch(found) else found


def _utf_16_codec(data: bytes) -> str | None:
    """Return the codec of UTF-16 text, by its byte order mark or, for mostly ASCII text, by its zero bytes; or None."""
    if data.startswith(UTF_16_MARKS):
        return "utf_16"
    head = data[: _HEAD // 2 * 2]
    even, odd = head[::2].count(0), head[1::2].count(0)
    most, few = 0.4 * len(head) / 2, 0.02 * len(head) / 2
    if not data or len(data) % 2 or max(even, odd) < most or min(even, odd) > few:
        return None
    return "utf_16_be" if even > odd else "utf_16_le"


def _guess(sample: bytes) -> str | None:
    """Guess the encoding of a text, by a name that editors know."""
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=_GUESSES).best()
    if best is None:
        return None
    # A short text is often the same in several encodings; windows-1252 is the most common one.
    name = "cp1252" if "cp1252" in best.could_be_from_charset else best.encoding
    return re.sub(r"^cp(?=12)", "windows-", name)
