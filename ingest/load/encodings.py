"""Read the text of a file: in UTF-8, in UTF-16, or in the encoding that the file declares."""

import codecs
import re

from ingest.errors import ArticleRejected
from ingest.load.files import ArticleFile, read_bytes

TEXT_FILE_LIMIT = 20_000_000
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 10_000
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_META = re.compile(rb"<meta\b[^<>]*?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
# Names that mean another encoding to browsers than to Python (WHATWG Encoding Standard, section 4.2).
_WEB_NAMES = {
    **dict.fromkeys(("ascii", "us-ascii", "ansi", "latin1", "l1", "iso-8859-1", "iso8859-1", "iso_8859-1", "cp1252",
                     "windows-1252", "x-cp1252", "x-user-defined"), "cp1252"),
    **dict.fromkeys(("iso-8859-9", "iso8859-9", "latin5", "l5", "windows-1254"), "cp1254"),
    **dict.fromkeys(("tis-620", "iso-8859-11", "windows-874"), "cp874"),
    **dict.fromkeys(("gb2312", "gbk", "x-gbk", "gb_2312-80", "chinese", "gb18030"), "gb18030"),
    **dict.fromkeys(("shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji", "windows-31j"), "cp932"),
    **dict.fromkeys(("euc-kr", "ks_c_5601-1987", "ksc5601", "korean", "windows-949"), "cp949"),
    **dict.fromkeys(("big5", "big5-hkscs", "x-x-big5", "cn-big5"), "big5hkscs"),
    "iso-8859-8-i": "iso8859_8", "x-euc-jp": "euc_jp", "x-mac-roman": "mac_roman", "macintosh": "mac_roman",
    "x-mac-cyrillic": "mac_cyrillic", "koi": "koi8_r", "koi8": "koi8_r",
}  # fmt: skip
# Encodings made of ASCII bytes: their text also decodes as UTF-8, to other characters.
_SEVEN_BITS = ("iso2022_jp", "iso2022_kr", "hz")
# Encodings that cannot contain an ASCII declaration, or that browsers do not support.
_NOT_MEANT = re.compile(r"utf_?(?:7|16|32)\b|utf_?(?:16|32)_?[bl]e|idna|punycode|.*escape|mbcs|oem|undefined|charmap")
_GUESSES = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "cp932", "euc_jp",
            "gb18030", "big5", "cp949")  # fmt: skip
# A few zero bytes are damage; more mean that the file is not text.
_STRAY_ZEROS, _STRAY_SHARE = 8, 0.001
_UNUSED = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
_CONTROLS = {0xDC00 + byte: byte for byte in range(0x80, 0x100)}
_SAMPLE = 4_000


def read_text(file: ArticleFile, limit: int = TEXT_FILE_LIMIT, *, is_markup: bool = False) -> str:
    """Read the text of a file; markup may declare its encoding. Raises as `read_bytes` and `decode`."""
    data = read_bytes(file, limit)
    return decode(data, file.origin, _declared(data) if is_markup else None)


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

    best = from_bytes(sample, cp_isolation=list(_GUESSES)).best()
    if best is None:
        return None
    # A short text is often the same in several encodings; windows-1252 is the most common one.
    name = "cp1252" if "cp1252" in best.could_be_from_charset else best.encoding
    return re.sub(r"^cp(?=12)", "windows-", name)
