from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from babel.dates import format_date
from hypothesis import given
from hypothesis import strategies as st

from ingest.load.dates import moment, moment_of

LANGUAGES = (
    "ar ar_IQ ca cs da de el en eo es et eu fa fi fr ga hi hu hy id it lt nb ne nl nn pl pt ro ru sr sr_Latn sv ta"
    " tr yi"
).split()


def at(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@given(st.datetimes(timezones=st.just(UTC)))
def test_dates_come_back_as_they_were_stated(when: datetime) -> None:
    """A moment in ISO 8601 is read as that moment."""
    assert moment(when.isoformat()) == when
    assert moment(when.replace(tzinfo=None).isoformat(sep=" ")) == when
    assert moment(when.date().isoformat()) == when.replace(hour=0, minute=0, second=0, microsecond=0)


@given(
    st.datetimes().map(lambda when: when.replace(microsecond=0)).filter(lambda when: 1000 <= when.year < 9999),
    st.integers(-14 * 60, 14 * 60),
)
def test_zones_are_turned_into_utc(when: datetime, minutes: int) -> None:
    """A moment with a zone is stored in UTC, from ISO 8601 and from RFC 822 alike."""
    local = when.replace(tzinfo=timezone(timedelta(minutes=minutes)))
    assert moment(local.isoformat()) == moment(local.strftime("%a, %d %b %Y %H:%M:%S %z")) == local
    assert moment(local.isoformat()).tzinfo is UTC


@given(
    st.text() | st.from_regex(r"[0-9TZ:. +/-]{4,30}", fullmatch=True) | st.from_regex(r"[0-9]{1,20}", fullmatch=True)
)
def test_a_text_is_a_date_or_a_value_error(text: str) -> None:
    """Any text is parsed to a moment in UTC, or raises ValueError."""
    with suppress(ValueError):
        assert moment(text).tzinfo is UTC


@given(
    st.dates(min_value=date(1000, 1, 1)),
    st.sampled_from(LANGUAGES),
    st.sampled_from(["long", "full", "d MMM y", "EEE, d MMMM y"]),
)
def test_month_names_of_every_language_are_read(day: date, language: str, pattern: str) -> None:
    """A day with the name of its month in any language of an index is parsed."""
    assert moment(format_date(day, pattern, language)) == at(day.year, day.month, day.day)


@given(st.dates(min_value=date(1000, 1, 1)), st.sampled_from("/-"))
def test_numbers_alone_are_read_where_they_can_be_one_day_only(day: date, mark: str) -> None:
    """With the year last, a date is ambiguous unless day or month is above 12."""
    year_last = [f"{day.day}{mark}{day.month}{mark}{day.year:04}", f"{day.month}{mark}{day.day}{mark}{day.year:04}"]
    assert moment(f"{day.year:04}{mark}{day.month}{mark}{day.day} 0:00") == at(day.year, day.month, day.day)
    assert moment(f"{day.day}.{day.month}.{day.year:04}") == at(day.year, day.month, day.day)
    for stated in year_last:
        if day.day > 12 or day.day == day.month:
            assert moment(stated) == at(day.year, day.month, day.day)
        else:
            with pytest.raises(ValueError, match="ambiguous"):
                moment(stated)


@given(st.integers(10**8, 10**10 - 1))
def test_numbers_since_1970_are_read(seconds: int) -> None:
    """The number of digits distinguishes seconds, milliseconds and microseconds since 1970."""
    when = datetime.fromtimestamp(seconds, UTC)
    assert moment_of(seconds) == moment_of(float(seconds)) == moment(str(seconds)) == when
    if seconds >= 10**9:
        assert moment_of(seconds * 1_000) == moment(f"/Date({seconds * 1_000})/") == moment_of(seconds * 10**6) == when


@pytest.mark.parametrize(
    ("stated", "when"),
    [
        ("2022-5-5 22:17:36", at(2022, 5, 5, 22, 17, 36)),
        ("2016/6/29", at(2016, 6, 29)),
        ("2024-W18-3", at(2024, 5, 1)),
        ("2024-122T10:00Z", at(2024, 5, 1, 10)),
        ("20240501T1000+0200", at(2024, 5, 1, 8)),
        ("20240501100000", at(2024, 5, 1, 10)),
        ("2024-05-01+02:00", at(2024, 4, 30, 22)),
        ("2024-05-01 10:00:00 +0200", at(2024, 5, 1, 8)),
        ("2024-05-01T10:00:00+02:00[Europe/Berlin]", at(2024, 5, 1, 8)),
        ("2024-05-01 10:00:00 +0200 CEST", at(2024, 5, 1, 8)),
        ("2024-05-01T24:00:00Z", at(2024, 5, 2)),
        ("1 May 2024", at(2024, 5, 1)),
        ("Wed, 01 May 2024 10:00:00 GMT", at(2024, 5, 1, 10)),
        ("Wednesday, 01-May-24 10:00:00 GMT", at(2024, 5, 1, 10)),
        ("Wed May  1 10:00:00 2024", at(2024, 5, 1, 10)),
        ("Wed May 1 10:00:00 UTC 2024", at(2024, 5, 1, 10)),
        ("Wed May 1 10:00:00 2024 +0200", at(2024, 5, 1, 8)),
        ("Wed May 01 2024 10:00:00 GMT+0200 (Central European Summer Time)", at(2024, 5, 1, 8)),
        ("Wed,01 May 2024 10:00:00 GMT+2", at(2024, 5, 1, 8)),
        ("Wed, 01 May 2024 10:00:00 CEST", at(2024, 5, 1, 8)),
        ("Wed, 01 May 2024 10:00 AM EST", at(2024, 5, 1, 15)),
        ("May 1st, 2024 12:30 a.m.", at(2024, 5, 1, 0, 30)),
        ("Wednesday, May 1, 2024 - 3:04pm", at(2024, 5, 1, 15, 4)),
        ("Mi, 1 Mai 24 10:00", at(2024, 5, 1, 10)),
        ("1. Mai 2024 um 10.30 Uhr", at(2024, 5, 1, 10, 30)),
        ("le 1er mai 2024 à 10h30", at(2024, 5, 1, 10, 30)),
        ("1 de mayo de 2024 a las 10:30", at(2024, 5, 1, 10, 30)),
        ("1 мая 2024 г.", at(2024, 5, 1)),
        ("2024年5月1日 10:00", at(2024, 5, 1, 10)),
        ("٢١ مايو ٢٠٢٤", at(2024, 5, 21)),
    ],
)
def test_dates_are_read_as_publishers_write_them(stated: str, when: datetime) -> None:
    """The forms of ISO 8601, RFC 822 and 850, asctime, names of zones and months, and their variants are parsed."""
    assert moment(stated) == when
    assert moment(f"  {stated} ") == when


@pytest.mark.parametrize(
    "stated",
    ["2024-05", "May 2024", "1 May", "32 May 2024", "31 Feb 2024", "01 May 2024 10:00 IST", "01 May 2024 10:61",
     "01 May 2024 13:00 AM", "1/5/24", "24-5-1", "mar 5 mai lun 2024 june", "1 May 2 June 2024", "Posted 1 May 2024",
     "0000-00-00 00:00:00", "2024-13-01", "10:00", "01 May 2024 10:00 +2500", "01 May 2024 10:00 EST-3", "1" * 119],
)  # fmt: skip
def test_what_could_be_two_days_or_none_is_not_read(stated: str) -> None:
    """Incomplete dates, impossible days and times, ambiguous zones and unknown words raise ValueError."""
    with pytest.raises(ValueError, match=r"."):
        moment(stated)


def test_dates_of_their_own_type_are_read() -> None:
    """A date object is converted to UTC; one without a zone is UTC."""
    local = datetime(2024, 5, 1, 10, tzinfo=timezone(timedelta(hours=2)))
    assert moment_of(local) == at(2024, 5, 1, 8)
    assert moment_of(local.replace(tzinfo=None)) == at(2024, 5, 1, 10)
    assert moment_of(date(2024, 5, 1)) == at(2024, 5, 1)
