"""The encodings of files: as they declare them, by the names that the web uses, or guessed for a message."""

import codecs
import re

UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_HEAD = 10_000
_COMMENT = re.compile(rb"<!--.*?-->", re.DOTALL)
_META = re.compile(rb"<meta\b[^<>]*?\bcharset\s*=\s*[\"']?\s*([\w.:-]+)", re.IGNORECASE)
_XML = re.compile(rb"\s*<\?xml\b[^>]*?\bencoding\s*=\s*[\"']([\w.:-]+)", re.IGNORECASE)
# The names for which browsers take another encoding than Python does (WHATWG Encoding Standard, section 4.2).
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
# Text in these is ASCII, and so UTF-8 of other words.
_SEVEN_BITS = ("iso2022_jp", "iso2022_kr", "hz")
# Encodings that an ASCII declaration cannot mean, or that browsers do not read.
_NOT_MEANT = re.compile(r"utf_?(?:7|16|32)\b|utf_?(?:16|32)_?[bl]e|idna|punycode|.*escape|mbcs|oem|undefined|charmap")
_GUESSES = ("cp1252", "cp1250", "cp1251", "cp1253", "cp1254", "cp1255", "cp1256", "cp1257", "koi8_r", "cp932", "euc_jp",
            "gb18030", "big5", "cp949")  # fmt: skip
_WESTERN = frozenset("ÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜßàáâãäåæçèéêëìíîïñòóôõöøùúûüÿœŒ¡¿ªº«»€£§©®°·–—‘’“”„…•´\xa0")
_WESTERN_SHARE = 0.3


def of_page(data: bytes) -> str | None:
    """The codec that an HTML page declares in a meta element or an XML declaration, None where it declares none."""
    head = _COMMENT.sub(b"", data[:_HEAD])
    declared = _META.search(head) or _XML.match(head)
    return codec(declared[1].decode("ascii", "replace")) if declared else None


def of_xml(data: bytes) -> str | None:
    """The codec that an XML declaration names, None where there is none."""
    declared = _XML.match(data[:_HEAD])
    return codec(declared[1].decode("ascii", "replace")) if declared else None


def codec(label: str) -> str | None:
    """Python's name of an encoding by its name on the web; None for what is not the encoding of a text file."""
    name = label.strip().lower()
    try:
        found = codecs.lookup(_WEB_NAMES.get(name, name)).name.replace("-", "_")
        "".encode(found)
    except (LookupError, UnicodeError, ValueError):
        return None
    return None if _NOT_MEANT.fullmatch(found) else found


def is_seven_bit(name: str) -> bool:
    """Whether text in a codec is ASCII with escape sequences."""
    return name in _SEVEN_BITS


def of_utf_16(data: bytes) -> str | None:
    """The codec of UTF-16 text: by its mark or, for text that is mostly ASCII, by where its zero bytes are."""
    if data.startswith(UTF_16_MARKS):
        return "utf_16"
    head = data[: _HEAD // 2 * 2]
    even, odd = head[::2].count(0), head[1::2].count(0)
    most, few = 0.4 * len(head) / 2, 0.02 * len(head) / 2
    if not data or len(data) % 2 or max(even, odd) < most or min(even, odd) > few:
        return None
    return "utf_16_be" if even > odd else "utf_16_le"


def guess(sample: bytes) -> str | None:
    """Guess the encoding of undeclared text, by a name that editors know."""
    western = sample.decode("cp1252", "replace")
    letters = sum(char.isalpha() for char in western)
    foreign = [char for char in western if not char.isascii()]
    if set(foreign) <= _WESTERN and sum(map(str.isalpha, foreign)) <= _WESTERN_SHARE * letters:
        return "windows-1252"
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_isolation=list(_GUESSES)).best()
    return re.sub(r"^cp(?=12)", "windows-", best.encoding) if best else None
