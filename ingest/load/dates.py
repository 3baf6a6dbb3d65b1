"""Dates as articles state them, stored in UTC; a date that does not state a whole day is not read."""

import re
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# fromisoformat also reads weeks ("2024-W18") and would make a Monday of them.
_ISO_8601 = re.compile(r"[0-9]{4}(-[0-9]{2}-[0-9]{2}|[0-9]{4})([T ][0-9].*)?")
# Zones by other names than these are ambiguous, and the standard library would take them for UTC.
_RFC_822 = re.compile(
    r"([A-Z]{3,9},? +)?[0-9]{1,2} +[A-Z]{3,9} +([0-9]{4}|[0-9]{2})"
    r"( +[0-9]{1,2}:[0-9]{2}(:[0-9]{2})?( +([+-][0-9]{4}|GMT|UTC?|Z|[ECMP][SD]T))?)?"
)


def moment(stated: str) -> datetime:
    """The moment an ISO 8601 date, with or without a time, states; in UTC, and read as UTC where it has no zone.

    Raises:
        ValueError: It is no such date, or it lies outside the years 1 to 9999.
    """
    stated = stated.strip().upper()
    if not _ISO_8601.fullmatch(stated):
        raise ValueError(f"{stated!r} states no day in ISO 8601")
    return _in_utc(datetime.fromisoformat(stated))


def feed_moment(stated: str) -> datetime:
    """The moment the date of a feed states: RFC 822 as RSS has it, or ISO 8601 as Atom has it; else as `moment`."""
    stated = " ".join(stated.upper().split())
    if not _RFC_822.fullmatch(stated):
        return moment(stated)
    return _in_utc(parsedate_to_datetime(stated if ":" in stated else f"{stated} 00:00:00"))


def _in_utc(found: datetime) -> datetime:
    if found.tzinfo is None:
        return found.replace(tzinfo=UTC)
    try:
        return found.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{found} lies outside the years 1 to 9999 in UTC") from error
