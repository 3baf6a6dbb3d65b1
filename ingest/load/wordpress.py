"""The text of a WordPress post as its editors store it: block comments, shortcodes, and paragraphs without tags."""

import json
import re
from pathlib import Path

from ingest.load.page import html_to_text

_LISTS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
_SHORTCODES = frozenset(_LISTS["shortcodes"].split())
_WITHOUT_TEXT = frozenset(_LISTS["without_text"].split())
NOT_ARTICLES: frozenset[str] = frozenset(_LISTS["not_articles"].split())
"""The types of posts that are not articles: parts of the site, and data of plug-ins."""

_BLOCK_COMMENT = re.compile(r"<!-- /?wp:")
# A block may also consist of its opening alone, which ends in a slash.
_BLOCK_WITHOUT_TEXT = re.compile(
    rf"<!-- wp:(?P<block>{'|'.join(_LISTS['blocks_without_text'].split())})\s(?:(?!-->|<!--).)*(?<!/)-->"
    r"(?:(?!<!-- wp:).)*?<!-- /wp:(?P=block) -->",
    re.DOTALL,
)
_SHORTCODE = re.compile(
    r"(?<!\[)\[(?P<close>/)?(?P<name>[a-zA-Z][\w-]{0,60})(?P<stated>(?:\s[^\[\]]*?)?)(?P<self>/)?\](?!\])"
)
_ATTRIBUTE = re.compile(r"[\w-]+=(?:\"[^\"]*\"|'[^']*'|[^\s\"'\]]+)")
_CAPTION = re.compile(r"\bcaption=(?:\"([^\"]*)\"|'([^']*)')")
_LINE_END = re.compile(r"(?<!>)\n(?!\s*<)")
_BLANK = re.compile(r"\n[ \t]*\n\s*")
# Elements in which line ends are not paragraphs.
_KEPT = re.compile(r"<(?P<close>/)?(?P<tag>pre|script|style|table|textarea)\b", re.IGNORECASE)
# An address alone in a paragraph is shown as a player or a preview of another page.
_ADDRESS = re.compile(r"https?://\S+")


def post_text(content: str) -> str:
    """Convert the stored content of a post to text; captions and quotes stay, players and forms do not."""
    html = _without_shortcodes(_BLOCK_WITHOUT_TEXT.sub("", content.replace("\r\n", "\n")))
    if not _BLOCK_COMMENT.search(html):
        html = _with_paragraphs(html)
    blocks = html_to_text(html).split("\n\n")
    return "\n\n".join(block for block in blocks if not _ADDRESS.fullmatch(block))


def _with_paragraphs(html: str) -> str:
    """Add the line breaks that WordPress makes of line ends when it shows a post of the classic editor."""
    pieces: list[str] = []
    end, kept = 0, ""
    for found in _KEPT.finditer(html):
        tag = found["tag"].lower()
        if not kept and not found["close"]:
            pieces.append(_with_breaks(html[end : found.start()]))
            end, kept = found.start(), tag
        elif found["close"] and tag == kept:
            pieces.append(html[end : found.start()])
            end, kept = found.start(), ""
    return "".join(pieces) + _with_breaks(html[end:])


def _with_breaks(html: str) -> str:
    return _LINE_END.sub("<br>\n", _BLANK.sub("<br><br>", html))


def _without_shortcodes(content: str) -> str:
    """Remove shortcodes; the text between an opening and a closing one stays, as a block of its own.

    Square brackets are also an editor's words in a quotation. So a name in brackets is a shortcode only if it is known,
    has attributes, or is closed.
    """
    if "[" not in content:
        return content
    pieces: list[str] = []
    end, hidden = 0, ""
    closed = {found["name"] for found in _SHORTCODE.finditer(content) if found["close"]}
    for found in _SHORTCODE.finditer(content):
        name = found["name"]
        is_known = name.lower() in _SHORTCODES or name in closed or found["self"]
        if not is_known and not _ATTRIBUTE.search(found["stated"]):
            continue
        if not hidden:
            pieces.append(content[end : found.start()])
            pieces.append(_edge(found))
        if found["close"] and name == hidden:
            hidden = ""
        elif not found["close"] and not hidden and name.lower() in _WITHOUT_TEXT and name in closed:
            hidden = name
        end = found.end()
    return "".join(pieces) + content[end:]


def _edge(found: re.Match[str]) -> str:
    """Return the HTML for the start or the end of a shortcode, with the caption that it states."""
    caption = _CAPTION.search(found["stated"])
    words = (caption[1] or caption[2]) if caption else ""
    return f"<div>{words}</div>" if words else "<div></div>"
