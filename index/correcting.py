"""Recognise corrections by their words, in English and German: of another article, or a note in the article itself.

The words are in `correcting.json`. The phrases are searched in texts that have one of their hints: looking for a few
words is six times faster.
"""

import json
import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import NamedTuple

from index.records import Article, Span
from index.text import sentence_spans

LONGEST = 100_000
"""Code points of a body that are searched for words of a correction."""


class _Words(NamedTuple):
    title: re.Pattern[str]
    tags: frozenset[str]
    about_a_report: re.Pattern[str]
    report_hints: tuple[str, ...]
    note: re.Pattern[str]
    note_hints: tuple[str, ...]
    note_anywhere: re.Pattern[str]


@cache
def _words() -> _Words:
    lists = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    every = {name: [entry for entries in of.values() for entry in entries] for name, of in lists.items()}
    return _Words(
        re.compile(
            rf"^\W*(?:{'|'.join(every['openings'])})(?!\w)|(?<!\w)(?:{'|'.join(every['openings'])})\W*$"
            rf"|(?<!\w)(?:{'|'.join(every['titles'])})(?!\w)",
            re.IGNORECASE,
        ),
        frozenset(every["tags"]),
        re.compile(rf"\b(?:{'|'.join(every['about_a_report'])})", re.IGNORECASE),
        tuple(every["report_hints"]),
        re.compile(rf"[\W_]*(?:{'|'.join(every['notes'])})", re.IGNORECASE),
        tuple(every["note_hints"]),
        re.compile(rf"(?<![^\W_])(?:{'|'.join(every['notes'])})", re.IGNORECASE),
    )


def corrects_another(article: Article) -> bool:
    """Return whether the title, the tags or the text of an article say that it corrects another one."""
    return (
        is_titled_correction(article)
        or any(tag.casefold() in _words().tags for tag in article.tags)
        or _is_about_a_report(article.body[:LONGEST])
    )


def is_titled_correction(article: Article) -> bool:
    """Return whether the title of an article says that it is a correction."""
    return bool(_words().title.search(article.title or ""))


def _is_about_a_report(text: str) -> bool:
    return _has_any(_words().report_hints, text) and bool(_words().about_a_report.search(text))


def _has_any(hints: Iterable[str], text: str) -> bool:
    folded = text.casefold()
    return any(hint in folded for hint in hints)


def is_note(sentence: str) -> bool:
    """Return whether a sentence begins a note that its own article was corrected."""
    return bool(_words().note.match(sentence))


def notes_of(body: str) -> list[Span]:
    """Return the notes in a body that say that it was corrected, each with the sentence behind it in its paragraph.

    An article that is longer than LONGEST is not searched.
    """
    known = _words()
    if len(body) > LONGEST or not _has_any(known.note_hints, body) or not known.note_anywhere.search(body):
        return []
    spans = sentence_spans(body)
    found: list[Span] = []
    for at, span in enumerate(spans):
        if not is_note(body[span.start : span.end]) or (found and span.start < found[-1].end):
            continue
        end = span.end
        if at + 1 < len(spans) and "\n\n" not in body[span.end : spans[at + 1].start]:
            end = spans[at + 1].end
        found.append(Span(span.start, end))
    return found
