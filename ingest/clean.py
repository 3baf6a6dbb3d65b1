"""The text as it is stored: offsets everywhere later are those of the cleaned body.

Cleaning takes away what a reader cannot see and what a store cannot hold, and nothing else: the
body of an ordinary article equals the text of its file without the outer white space.
"""

import re

from index.terms import normal_form

REPLACEMENT = "\ufffd"

_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# Zero-width joiner and non-joiner stay: emoji and several scripts are written with them.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff]")
# Marks that turn the direction of text or show nothing. A title, a name or a tag stands within other text, where they
# could turn or fake what is around it; the marks of one position (U+200E, U+200F, U+061C) stay, as Arabic and Hebrew
# are written with them. A body keeps all of them: it is quoted as it was published, and shown in a block of its own.
_DISGUISES = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180e\u202a-\u202e\u2061-\u206f\u3164\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# The look behind keeps a long run of spaces from being tried again at each of them.
_TRAILING = re.compile("(?<![ \t])[ \t]+$", re.MULTILINE)
_BLANK_LINES = re.compile("\n{4,}")


def clean(text: str) -> str:
    r"""The body that is stored for a text; cleaning it again changes nothing.

    Every line end becomes `\n`; control characters, soft hyphens, zero-width spaces and byte order
    marks go; lone surrogates become U+FFFD; what is left is normalised to NFC, and a letter keeps at
    most 30 combining marks; every Unicode space becomes a plain one; white space at the end of lines
    and of the text goes; three or more blank lines become one.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _INVISIBLE.sub("", _SURROGATES.sub(REPLACEMENT, text))
    text = _SPACES.sub(" ", normal_form("NFC", text))
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip()


def clean_line(text: str) -> str:
    """A text that stands on one line, such as a title or a name.

    It is cleaned, marks of direction and invisible characters go, and runs of white space become one space.
    """
    return " ".join(clean(_DISGUISES.sub("", text)).split())
