"""Lines as a page sets them, joined to paragraphs as they were written."""

import re
from collections.abc import Iterable, Iterator

# A line this much shorter than the full ones of its page is the last of its paragraph.
_SHORT = 0.75
_BROKEN_WORD = re.compile(r"(?<![^\W\d_])(?P<first>[^\W\d_]+)-\n(?P<rest>[^\W\d_]+)")
_SENTENCE_END = re.compile(r"[.!?…:。！？][\"'”’»)\]]*$")


def joined(pages: Iterable[str]) -> str:
    """The text of pages: a paragraph on one line, a blank line between two; words cut at a line's end are whole.

    A paragraph ends at a blank line, or with a line clearly shorter than the full lines of its page
    unless the next one goes on in lower case. A page whose last line ends no sentence runs on.
    """
    paragraphs: list[str] = []
    for page in pages:
        found = list(_paragraphs(page))
        if paragraphs and found and _runs_on(paragraphs[-1], found[0]):
            paragraphs[-1] += "\n" + found.pop(0)
        paragraphs += found
    return re.sub(r"(?<!\n)\n(?!\n)", " ", _mended("\n\n".join(paragraphs)))


def _paragraphs(page: str) -> Iterator[str]:
    lines = [line.strip() for line in page.splitlines()]
    lengths = sorted(len(line) for line in lines if line)
    full = lengths[int(len(lengths) * 0.9)] if lengths else 0
    paragraph: list[str] = []
    for number, line in enumerate(lines):
        following = lines[number + 1] if number + 1 < len(lines) else ""
        if line:
            paragraph.append(line)
        if paragraph and (not line or not following or _is_last(line, following, full)):
            yield "\n".join(paragraph)
            paragraph = []


def _is_last(line: str, following: str, full: int) -> bool:
    return len(line) < _SHORT * full and not line.endswith(("-", ",")) and not following[:1].islower()


def _runs_on(paragraph: str, following: str) -> bool:
    return not _SENTENCE_END.search(paragraph[-20:]) and following[:1].islower()


def _mended(text: str) -> str:
    """The text with every word that a line end cuts put together.

    Whether its hyphen belongs to it shows where the same word stands unbroken elsewhere in the text;
    a word that stands nowhere else loses it, as a name with a capital after the hyphen does not.
    """
    words = set(re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*", text))

    def whole(cut: re.Match[str]) -> str:
        with_hyphen, without = f"{cut['first']}-{cut['rest']}", f"{cut['first']}{cut['rest']}"
        keeps = (with_hyphen in words and without not in words) or cut["rest"][0].isupper()
        return with_hyphen if keeps else without

    return _BROKEN_WORD.sub(whole, text)
