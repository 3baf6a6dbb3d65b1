"""Markdown's small parts: words of others made harmless, tables, folds, figures."""

import html
import re
from collections.abc import Iterable, Sequence

from eval.report.tables import Shift
from eval.report.words import clip, visible

_MARKUP = re.compile(r"([\\`*_\[\]|~$])")
_NAMED = re.compile(r"([@#])(?=[\w-])")
_LINK = re.compile(r"://|(?<=www)\.", re.IGNORECASE)


def escaped(text: str, length: int) -> str:
    """Words of others on one line of at most `length` code points: neither markup nor HTML, link or mention."""
    quiet = _MARKUP.sub(r"\\\1", in_html(text, length))
    return _LINK.sub(lambda found: ":\\//" if found[0] == "://" else "\\.", quiet)


def in_html(text: str, length: int) -> str:
    """The same for a place where Markdown is not read, such as a `<summary>`."""
    plain = html.escape(clip(" ".join(visible(text).split()), length), quote=False)
    return _NAMED.sub("\\1\u2060", plain)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown already."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def folded(title: str, body: str) -> str:
    """A part that opens on a click."""
    return f"<details><summary>{title}</summary>\n\n{body}\n\n</details>"


def size(parts: Iterable[str]) -> int:
    """Bytes of parts with a blank line after each."""
    return sum(len(part.encode()) + 2 for part in parts)


def fitting(parts: Iterable[str], room: int, what: str) -> list[str]:
    """The parts that fit into so many bytes, and a line that says how many do not."""
    kept: list[str] = []
    left, dropped = room - 120, 0
    for part in parts:
        if (taken := size([part])) <= left:
            kept.append(part)
            left -= taken
        else:
            dropped += 1
    return [*kept, f"_{dropped} {what} had no room here: see the HTML report._"] if dropped else kept


def value(shift: Shift, form: str = "{:.2f}") -> str:
    """The mean now."""
    return form.format(shift.now.value) if shift.now else ""


def before(shift: Shift, form: str = "{:.2f}") -> str:
    """The mean before."""
    return form.format(shift.before.value) if shift.before else ""


def interval(shift: Shift, form: str = "{:.2f}") -> str:
    """The 95 % interval of the mean now."""
    return f"{form.format(shift.now.low)}–{form.format(shift.now.high)}" if shift.now else ""


def delta(shift: Shift, form: str = "{:+.3f}") -> str:
    """How far the mean moved; 0 where it did not, empty where there is nothing to compare with."""
    return form.format(shift.delta) if shift.delta else "0" if shift.delta == 0 else ""
