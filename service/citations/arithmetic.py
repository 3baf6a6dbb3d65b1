"""Work out a claim's number from the numbers of its source: sums, differences, shares, multiples, other units.

Two numbers are combined if they have one unit, or one of them has none. A result must be exact, or agree with the
hedge of the claim: `just under a third` for 31 percent.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations

from service.citations.numbers import Number, rounds_to

NEAR = 0.1
"""Largest relative difference between a hedged share or multiple and its exact value."""

MOST_PARTS = 12
"""Largest divisor of a sum that is shared."""

FIRST_YEAR = 1900
"""Earlier years are read as numbers."""

_OF = {
    "fortnight": (14.0, "day"),
    "week": (7.0, "day"),
    "day": (24.0, "hour"),
    "hour": (60.0, "minute"),
    "minute": (60.0, "second"),
    "decade": (10.0, "year"),
    "century": (100.0, "year"),
    "year": (12.0, "month"),
    "km": (1000.0, "metre"),
    "metre": (100.0, "cm"),
    "tonne": (1000.0, "kg"),
}
"""Units in terms of the next smaller one."""


def can_be_worked_out(wanted: Number, stated: Sequence[Number], years: Iterable[int] = ()) -> bool:
    """Return whether a number follows from one or two numbers, or from two years, of a source."""
    stated = [number._replace(unit=None) if number.unit == "times" else number for number in stated]
    known = [*stated, *(_in_unit(number, wanted.unit) for number in stated)]
    results = [*_from_one(wanted, known), *_from_two(wanted, known)]
    if wanted.unit in (None, "year"):
        early = {int(number.value) for number in stated if number.unit is None and 1000 <= number.value < FIRST_YEAR}
        results += [float(abs(one - other)) for one, other in combinations({*years, *early}, 2)]
    return any(_agrees(wanted, value) for value in results)


def _agrees(wanted: Number, value: float) -> bool:
    if abs(wanted.value - value) <= 1e-6 * max(1.0, abs(value)):
        return True
    if wanted.hedge is None:
        return False
    near = rounds_to(value, wanted.value) or abs(value - wanted.value) <= NEAR * wanted.value
    return near and {"about": True, "over": value > wanted.value, "under": value < wanted.value}[wanted.hedge]


def _in_unit(number: Number, unit: str | None) -> Number:
    """Return a number in another unit of the same kind, or as it is."""
    value, current = number.value, number.unit
    for _ in _OF:
        if current == unit or current not in _OF:
            break
        factor, current = _OF[current]
        value *= factor
    if current == unit:
        return Number(value, unit, number.text)
    factor, small = _OF.get(unit or "", (1.0, ""))
    return Number(number.value / factor, unit, number.text) if small and number.unit == small else number


def _from_one(wanted: Number, stated: Iterable[Number]) -> Iterator[float]:
    """Yield the values of one number as another: percent as a fraction, the rest of a whole, another unit."""
    for number in stated:
        if number.unit == wanted.unit and number.text != wanted.text:
            yield number.value
        if number.unit == "percent" and wanted.unit in (None, "percent"):
            scale = 1.0 if wanted.unit else 0.01
            yield from (scale * number.value, scale * (100 - number.value))
        if number.unit is None and 0 < number.value < 1:
            scale = 100.0 if wanted.unit == "percent" else 1.0
            yield from (scale * number.value, scale * (1 - number.value))


def _from_two(wanted: Number, stated: Sequence[Number]) -> Iterator[float]:
    """Yield the results of two numbers whose unit may be that of the wanted one."""
    is_share = wanted.unit == "percent" or 0 < wanted.value < 1
    is_multiple = wanted.text.lower() in ("twice", "double", "doubled", "triple", "tripled") or wanted.unit == "times"
    for one, other in combinations(stated, 2):
        small, large = sorted((one, other), key=lambda number: number.value)
        if small.value <= 0:
            continue
        same = small.unit == large.unit
        if is_share and (same or None in (small.unit, large.unit)):
            yield small.value / large.value * (100 if wanted.unit else 1)
        elif same and is_multiple:
            yield large.value / small.value
        elif same and wanted.unit in (small.unit, "point"):
            yield from (large.value - small.value, large.value + small.value)
        if not is_share and None in (small.unit, large.unit) and wanted.unit in (None, small.unit, large.unit):
            yield small.value * large.value
            if small.unit is None and 1 < small.value <= MOST_PARTS and small.value == int(small.value):
                yield large.value / small.value
