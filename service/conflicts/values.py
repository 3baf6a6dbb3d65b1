"""The values of details, and whether two of them exclude each other: bounds, rounding, units, precision of dates."""

from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple

from index.records import Span
from service.citations.numbers import rounds_to

Kind = Literal["number", "date", "place", "name", "status"]
Bound = Literal["over", "under", "about"]

ABOUT = 0.1
"""The relative difference up to which an estimate agrees with another value."""


EQUAL = 1e-9
"""The difference of two numbers that are one number in two units."""


class Amount(NamedTuple):
    """A number in the smallest unit of its kind, with its bound; a score has two values."""

    values: tuple[float, ...]
    unit: str
    bound: Bound | None = None


class When(NamedTuple):
    """A date; what is not stated is None. `weekday` alone is a day that cannot be resolved."""

    year: int | None
    month: int | None = None
    day: int | None = None
    weekday: int | None = None


Value = Amount | When | frozenset[str] | str


@dataclass(frozen=True, slots=True)
class Detail:
    """A value of a statement, its place in the body, and the numbers of its first token and of the one behind it."""

    kind: Kind
    value: Value
    span: Span
    place: tuple[int, int]


CLOCK = "clock"
"""The unit of a time of day, in minutes."""

HALF_DAY = 720.0

SOON = 20.0
"""Minutes by which a time that is `about` may differ."""

SMALL = {
    "km": (1000.0, "metre"),
    "cm": (0.01, "metre"),
    "foot": (0.3048, "metre"),
    "mile": (1609.344, "metre"),
    "acre": (0.4047, "hectare"),
    "tonne": (1000.0, "kg"),
    "hour": (60.0, "minute"),
    "second": (1 / 60, "minute"),
    "week": (7.0, "day"),
    "fortnight": (14.0, "day"),
    "year": (12.0, "month"),
    "decade": (120.0, "month"),
    "century": (1200.0, "month"),
}
"""Units in the unit in which they are compared."""


def weekday_of(when: When) -> int | None:
    """Return the weekday of a date, if it is known."""
    if when.weekday is not None:
        return when.weekday
    if when.year and when.month and when.day:
        try:
            return date(when.year, when.month, when.day).weekday()
        except ValueError:
            return None
    return None


def excludes(before: Value, after: Value) -> bool:
    """Return whether two values cannot both be true."""
    if isinstance(before, Amount):
        return isinstance(after, Amount) and _amounts_differ(before, after)
    if isinstance(before, When):
        return isinstance(after, When) and dates_differ(before, after)
    if isinstance(before, frozenset):
        return isinstance(after, frozenset) and before.isdisjoint(after)
    return isinstance(after, str) and _states_differ(before, after)


def has_grown(before: Value, after: Value) -> bool:
    """Return whether a later number is larger than an earlier limit: at least 9, then 12."""
    if not isinstance(before, Amount) or not isinstance(after, Amount) or before.unit != after.unit:
        return False
    return before.bound == "over" and after.values[0] > (1 + ABOUT) * before.values[0]


def dates_differ(one: When, other: When) -> bool:
    """Return whether two dates of like precision differ: two years, or two days as far as they are stated."""
    if (one.month is None and one.weekday is None) != (other.month is None and other.weekday is None):
        return False
    parts = [(one.year, other.year), (one.month, other.month), (one.day, other.day)]
    if any(a is not None and b is not None and a != b for a, b in parts):
        return True
    days = weekday_of(one), weekday_of(other)
    return None not in days and days[0] != days[1]


def _states_differ(one: str, other: str) -> bool:
    """Return whether two states of one group differ: `access:open` and `access:closed`."""
    return one != other and one.partition(":")[0] == other.partition(":")[0]


def _amounts_differ(one: Amount, other: Amount) -> bool:
    if one.unit != other.unit or len(one.values) != len(other.values):
        return False
    if len(one.values) > 1:
        return one.values != other.values
    return not (_are_near(one, other) or _is_within(one, other) or _is_within(other, one))


def _are_near(one: Amount, other: Amount) -> bool:
    """Return whether two numbers are equal, one is the other rounded, or an estimate of it."""
    value, stated = one.values[0], other.values[0]
    if one.unit == CLOCK:
        # `At 7` may be `7 p.m.`; `about 7` is not 7.40.
        apart = abs(value - stated) % HALF_DAY
        return apart <= (SOON if one.bound or other.bound else 0)
    if abs(value - stated) <= ABOUT * max(abs(value), abs(stated)):
        is_estimate = one.bound is not None or other.bound is not None
        return is_estimate or rounds_to(value, stated) or rounds_to(stated, value) or abs(value - stated) < EQUAL
    return False


def _is_within(limit: Amount, other: Amount) -> bool:
    """Return whether a number is within the limit of another: 12 is at least 9, and so may be more than 5."""
    value, stated = limit.values[0], other.values[0]
    if limit.bound == "over":
        return stated >= value or other.bound == "over"
    return limit.bound == "under" and (stated <= value or other.bound == "under")
