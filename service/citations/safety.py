"""Detect unsafe text of a language model: links, markup, invisible characters and secrets.

Clients render Markdown and HTML, turn addresses into links, and follow direction overrides. A sentence may have these
only if the text that it quotes has them.
"""

import re
import unicodedata
from dataclasses import dataclass

from index.terms import normal_form

EXCERPT = 300
"""Code points of a withheld sentence that a reply repeats; nearly every sentence is shorter."""

SHORTEST_SECRET = 8
"""Characters of the shortest secret that is searched for: a shorter key may be a word of the news."""

_REMOVED = "…"
_LINK = re.compile(
    r"\w[:：][/／]{2}|\bwww\.|\]\(|<[a-z!/?]|\S@[\w-]+\.\w"
    # a host name, alone or with a path; not `Vane.He`, which lacks a space
    r"|(?<![\w.])(?-i:[^\W_][\w-]+(?:\.[a-z0-9-]+)*\.[a-z]{2,}(?![\w.]*\w))",
    re.IGNORECASE,
)
_EMOJI = "\u00a9\u00ae\u203c-\u3299\U0001f000-\U0001faff"
# Scripts that need joiners: Arabic and its neighbours, the scripts of India, Burmese, Khmer, Mongolian.
_JOINED = "\u0620-\u08ff\u0900-\u0dff\u1000-\u109f\u1780-\u18af\ufb50-\ufdff\ufe70-\ufefc\U00011000-\U00011dff"
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff"  # Thai, Lao, Burmese, Khmer: no visible space between words
_HAN = "\u3400-\u9fff\U00020000-\U0003ffff"
_ALLOWED = re.compile(
    rf"(?<=[{_JOINED}])[\u200c\u200d](?=[{_JOINED}])"
    rf"|(?<=[{_UNSPACED}])\u200b(?=[{_UNSPACED}])"
    rf"|(?<=[{_EMOJI}\ufe0f\U0001f3fb-\U0001f3ff])\u200d(?=[{_EMOJI}])"
    rf"|(?<=[{_EMOJI}0-9#*])[\ufe0e\ufe0f]"
    rf"|(?<=[{_HAN}])[\ufe00-\ufe02\U000e0100-\U000e01ef]"
    r"|(?<=[\u1820-\u18aa])[\u180b-\u180d\u180f]"
    r"|\U0001f3f4[\U000e0030-\U000e007a]{2,6}\U000e007f"
)
# Invisible, though their category does not say so: fillers, a grapheme joiner, a blank, selectors of variants.
_INVISIBLE = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2028\u2029\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]"
)
_HIDDEN_CATEGORIES = frozenset(["Cc", "Cf", "Co", "Cs"])
_WHITE_SPACE = frozenset("\t\n\r")
_TRIM = "\"'“”‘’«»()[]{}.,;:!?…*_"


@dataclass(frozen=True, slots=True)
class Safety:
    """A detector of unsafe text; `secrets` are keys that no reply may show."""

    secrets: tuple[str, ...] = ()

    def is_unsafe(self, text: str, quoted: str = "") -> bool:
        """Return whether a text has a link, markup, a hidden character or a secret that the quoted text lacks."""
        if any(_contains(text, secret) for secret in self.secrets):
            return True
        hidden, known = _hidden(text), quoted.casefold()
        for word in re.finditer(r"[^ \t\n\r]+", text):
            if any(hidden[word.start() : word.end()]) or _LINK.search(word.group()):
                bare = word.group().strip(_TRIM) or word.group()
                if bare.casefold() not in known:
                    return True
        # A resolver of addresses reads wide and styled letters as plain ones.
        plain = normal_form("NFKC", text)
        return bool(_LINK.search(plain)) and not _LINK.search(text)

    def excerpt(self, text: str) -> str:
        """Return the beginning of a withheld text, without anything unsafe."""
        visible = "".join(char for char, hidden in zip(text, _hidden(text), strict=True) if not hidden)
        shown = " ".join(_REMOVED if _LINK.search(word) else word for word in visible.split())
        if len(shown) > EXCERPT:
            shown = shown[: EXCERPT - 1].rstrip() + _REMOVED
        has_secret = any(_contains(text, secret) for secret in self.secrets)
        return _REMOVED if has_secret or self.is_unsafe(shown) else shown


def _contains(text: str, secret: str) -> bool:
    """Return whether a text has a secret, however its letters and digits are separated."""
    letters, wanted = ("".join(char for char in each.casefold() if char.isalnum()) for each in (text, secret))
    return len(wanted) >= SHORTEST_SECRET and wanted in letters


def _hidden(text: str) -> list[bool]:
    """Return for each character whether it is invisible or changes the direction without need of a script."""
    masked = _ALLOWED.sub(lambda found: "x" * len(found.group()), text)
    return [
        char not in _WHITE_SPACE
        and (unicodedata.category(char) in _HIDDEN_CATEGORIES or _INVISIBLE.match(char) is not None)
        for char in masked
    ]
