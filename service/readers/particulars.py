"""Particulars: the names, years and numbers of a question, and those of them that its quotes' articles do not have.

Articles that have never heard of the person, the town or the year that is asked about seldom hold the answer, however
well a sentence matches: `benchmarks/reader_quality.py` measures how seldom. Only what is capitalised within the
question is a name, so a question typed in lower case has none.
"""

import re
from collections.abc import Iterable, Sequence

from index.records import Article, Span
from index.terms import without_accents, words
from index.text import sentence_spans

AROUND = 25_000
"""Code points of an article looked at on either side of a quote; nearly every article is shorter."""

LONG = 4
"""From so many letters on, one form of a name may go on where the other ends: Russia, Russian's."""

_WORD = re.compile(r"(?:[^\W\d_]\.){2,}|[^\W\d_][\w’']*")
_NUMBER = re.compile(r"(?<![\w.,-])\d+(?:[.,]\d+)*")
_DIGITS = re.compile(r"\d+(?:[.,]\d+)*")
_TELL_NOTHING = frozenset(
    "president minister prime chancellor mr mrs ms dr sir lord lady king queen pope january february march april may"
    " june july august september october november december jan feb mar apr jun jul aug sep sept oct nov dec monday"
    " tuesday wednesday thursday friday saturday sunday".split()
)
_COUNTED = "one two three four five six seven eight nine ten eleven twelve".split()
_ORDINALS = "first second third fourth fifth sixth seventh eighth ninth tenth eleventh twelfth".split()
_IN_DIGITS = {word: str(number) for listed in (_COUNTED, _ORDINALS) for number, word in enumerate(listed, 1)}


def missing_particulars(question: str, quotes: Iterable[tuple[Article, Span]]) -> list[str]:
    """The names, years and numbers of a question that stand in none of the quoted articles, their titles and dates.

    Of a very long article only what stands around its quote is read.
    """
    held = words(without_accents("\n".join(_read(article, span) for article, span in quotes)))
    return [*_missing_names(_names(without_accents(question)), held), *_missing_numbers(question, held)]


def _read(article: Article, quote: Span) -> str:
    date = f"{article.published_at:%Y %d}" if article.published_at else ""
    return f"{article.title or ''}\n{date}\n{article.body[max(0, quote.start - AROUND) : quote.end + AROUND]}"


def _names(question: str) -> list[list[str]]:
    """The capitalised words of a question but for those that open a sentence, in runs of those that stand together."""
    inner = [
        found
        for sentence in sentence_spans(question, headings=False)
        for found in list(_WORD.finditer(question, sentence.start, sentence.end))[1:]
    ]
    if all(found.group()[0].isupper() for found in inner):
        return []  # a headline, or somebody shouting: capitals tell nothing
    runs: list[list[str]] = []
    last_end = -1
    for found in inner:
        if found.group()[0].isupper():
            if found.start() != last_end + 1:
                runs.append([])
            runs[-1].append(found.group())
            last_end = found.end()
    return runs


def _missing_names(runs: Sequence[list[str]], held: list[str]) -> list[str]:
    present = set(held)
    initials = "".join(word[0] for word in held)
    missing: list[str] = []
    for run in runs:
        # Either side may have the initials of what the other has in words.
        if len(run) > 1 and "".join(name[0] for name in run).casefold() in present:
            continue
        for name in run:
            spelt_out = name.isupper() and all(word in initials for word in words(name))
            missing += [word for word in words(name) if not (spelt_out or _tells_nothing(word) or _has(word, present))]
    return missing


def _tells_nothing(word: str) -> bool:
    return len(word) == 1 or word in _TELL_NOTHING


def _has(word: str, present: set[str]) -> bool:
    if word in present:
        return True
    return len(word) >= LONG and any(
        other.startswith(word) or (len(other) >= LONG and word.startswith(other)) for other in present
    )


def _missing_numbers(question: str, held: list[str]) -> list[str]:
    asked = [number for found in _NUMBER.finditer(question) for number in words(found.group())]
    present = {found.group().lstrip("0") for word in held if (found := _DIGITS.match(word))}
    present |= {_IN_DIGITS[word] for word in held if word in _IN_DIGITS}
    return [number for number in asked if number.lstrip("0") not in present]
