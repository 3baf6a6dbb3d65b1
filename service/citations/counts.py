"""What each number and date of a sentence is said of: two of a source must not trade places."""

from collections import defaultdict
from collections.abc import Iterator, Sequence

from service.citations.dates import WEEKDAYS, written_dates
from service.citations.english import english, stem
from service.citations.number_words import CURRENCIES, UNITS
from service.citations.numbers import Number, with_numbers

REACH = 3
"""Content words on either side of a number that may say what it counts."""

_STOPS = frozenset(",;:.!?()—–")
_TELLING = frozenset(["from", "to"])
"""Stop words that tell two numbers apart."""

Figure = float | tuple[int, int | None]
"""A number or a year, or a month with its day."""

Beside = tuple[str, str]
"""A side, `before` or `behind`, and the stem of a word that stands there."""


def figure_of_another(claim: str, source: str) -> Figure | None:
    """A figure that a claim puts beside a word beside which its source has other figures only, or None.

    One that shares any word near it with the source stays: `12 boats sank` is right where of 30 boats 12 sank.
    """
    stated: defaultdict[Beside, set[Figure]] = defaultdict(set)
    figures: set[Figure] = set()
    for figure, before, behind in _placed(source, across=True):
        figures.add(figure)
        for beside in (*before, *behind):
            stated[beside].add(figure)
    for figure, before, behind in _placed(claim, across=False):
        others = [beside for beside in (*before[:1], *behind[:1]) if stated[beside] and figure not in stated[beside]]
        if figure in figures and others and not any(figure in stated[beside] for beside in (*before, *behind)):
            return figure
    return None


def _placed(text: str, *, across: bool) -> Iterator[tuple[Figure, list[Beside], list[Beside]]]:
    """Each figure with the words before it, the nearest first, and those behind it.

    `across`: where another figure is next to it, what stands beyond counts for both: `fell by 3 and 5 percent`.
    """
    tokens = list(_with_figures(text))
    for at, token in enumerate(tokens):
        if not isinstance(token, str):
            before = [("before", word) for word in _near(tokens[:at][::-1], across=across)]
            behind = [("behind", word) for word in _near(tokens[at + 1 :], across=across)]
            yield token, before, behind


def _with_figures(text: str) -> Iterator[str | Figure]:
    """The words and stops of a text in order, its numbers and dates read."""
    position = 0
    for span, date in sorted(written_dates(text)):
        yield from map(_figure, with_numbers(text[position : span.start]))
        yield (date.month, date.day) if date.month else float(date.year or 0)
        position = span.end
    yield from map(_figure, with_numbers(text[position:]))


def _figure(token: str | Number) -> str | Figure:
    return token if isinstance(token, str) else round(token.value, 6)


def _near(tokens: Sequence[str | Figure], *, across: bool) -> list[str]:
    """The stems of the nearest content words up to a stop, another figure or a direction, at most three."""
    found: list[str] = []
    for token in tokens:
        if not isinstance(token, str):
            if found or not across:
                break
        elif token in _STOPS:
            break
        elif _tells(token.lower()):
            found.append(stem(token, english().terms))
            if len(found) == REACH or token.lower() in _TELLING:
                break
    return found


def _tells(word: str) -> bool:
    if word in _TELLING:
        return True
    return not (word in english().terms.stop_words or word in UNITS or word in CURRENCIES or word in WEEKDAYS)
