"""Dates: found in every form, and stated at the precision of the source."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from service.citations.dates import MONTHS, WEEKDAYS, Date, find_dates, missing_date

DAYS = st.dates(date(1950, 1, 1), date(2049, 12, 31))


def month(day: date) -> str:
    """Return the name of a day's month."""
    return MONTHS[day.month - 1].capitalize()


FORMS: list[Callable[[date], str]] = [
    lambda d: d.isoformat(),
    lambda d: f"{d.day} {month(d)} {d.year}",
    lambda d: f"{month(d)} {d.day}, {d.year}",
    lambda d: f"{d.day:02} {month(d)[:3]} {d.year}",
    lambda d: f"{month(d)[:3]}{'' if d.month == 5 else '.'} {d.day} {d.year}",
    lambda d: f"{d.day}th of {month(d)}, {d.year}",
    lambda d: f"{WEEKDAYS[d.weekday()].capitalize()}, {d.day} {month(d)} {d.year}",
]
WRITTEN = st.sampled_from(range(len(FORMS)))


def missing(claim: str, source: str, *published: date) -> Date | None:
    """Return the first date of a claim's text that a source does not state."""
    return missing_date(find_dates(claim).dates, source, published)


@given(day=DAYS, form=WRITTEN)
def test_a_day_is_found_in_every_form(day: date, form: int) -> None:
    """ISO, day first, month first, abbreviated and with a weekday: all are the same day and leave no number."""
    found = find_dates(f"It sank on {FORMS[form](day)} in the bay.")
    assert Date(day.year, day.month, day.day) in found.dates
    assert not any(map(str.isdigit, found.rest))
    assert len(found.rest) == len(f"It sank on {FORMS[form](day)} in the bay.")


@given(day=DAYS, other=DAYS, form=WRITTEN, other_form=WRITTEN)
@example(day=date(2024, 6, 12), other=date(2024, 6, 13), form=0, other_form=1)
@example(day=date(2024, 6, 12), other=date(2024, 7, 12), form=1, other_form=2)
@example(day=date(2024, 6, 12), other=date(2023, 6, 12), form=2, other_form=0)
def test_only_the_same_day_agrees(day: date, other: date, form: int, other_form: int) -> None:
    """A source states a day if and only if it names that day, in any form."""
    found = missing(f"It sank on {FORMS[form](day)}.", f"It was on {FORMS[other_form](other)}.")
    assert (found is None) == (day == other)


@given(day=DAYS, form=WRITTEN)
def test_a_claim_may_be_less_precise(day: date, form: int) -> None:
    """A day states its month and its year, and neither of them states the day."""
    source = f"It sank on {FORMS[form](day)}."
    for coarser in (f"{month(day)} {day.year}", f"in {month(day)}", f"{day.year}", f"{day.day} {month(day)}"):
        assert missing(f"It sank in {coarser}.", source) is None
    for coarser in (f"{month(day)} {day.year}", f"{day.year}"):
        assert missing(f"It sank on {day.day} {month(day)} {day.year}.", f"It sank in {coarser}.") is not None


@given(issue=DAYS, back=st.integers(0, 6), away=st.integers(-9, 9))
def test_a_weekday_is_one_of_the_last_seven_days(issue: date, back: int, away: int) -> None:
    """A weekday in an article means the last such day up to its publication, and no other."""
    meant = issue - timedelta(days=back)
    said = meant + timedelta(days=away)
    source = f"It sank on {WEEKDAYS[meant.weekday()].capitalize()} in the bay."
    assert (missing(f"It sank on {said.isoformat()}.", source, issue) is None) == (away == 0)
    assert missing(f"It sank on {said.isoformat()}.", source) is not None


@given(issue=DAYS, ahead=st.integers(1, 7), away=st.integers(-6, 6))
def test_next_weekday_is_one_of_the_coming_seven_days(issue: date, ahead: int, away: int) -> None:
    """`Next Monday` means the first Monday after publication, and no other day."""
    meant = issue + timedelta(days=ahead)
    said = meant + timedelta(days=away)
    source = f"It sails next {WEEKDAYS[meant.weekday()].capitalize()}."
    assert (missing(f"It sails on {said.isoformat()}.", source, issue) is None) == (away == 0)


@given(issue=DAYS, day=DAYS)
def test_a_day_without_a_year_is_of_the_year_of_publication(issue: date, day: date) -> None:
    """`12 June` means the 12 June of the year of publication, and nothing where that is unknown."""
    claim, source = f"on {day.isoformat()}", f"It sank on {day.day} {month(day)}."
    assert (missing(claim, source, issue) is None) == (day.year == issue.year)
    assert missing(claim, source) is not None


@given(text=st.text(max_size=60), issue=DAYS)
@example(text="2024-13-45 and 0 January or 39 May 1999 on monday", issue=date(2024, 1, 1))
def test_every_text_bears_its_own_dates_out(text: str, issue: date) -> None:
    """Any text can be processed, and agrees with itself."""
    assert missing(text, text, issue) is None
    assert len(find_dates(text).rest) == len(text)


ISSUE = date(2024, 6, 14)  # a Friday

BORNE_OUT = [
    ("on 13 June 2024", "It sank yesterday."),
    ("on 14 June 2024", "It sank today."),
    ("on 15 June 2024", "It sails tomorrow."),
    ("in 2023", "It sank last year."),
    ("in 2025", "It sails next year."),
    ("in May 2024", "It sank last month."),
    ("on 17 June 2024", "It will sail on Monday."),
    ("on 10 June 2024", "It will sail, the firm said on Monday."),
    ("last year", "It sank last year."),
    ("on Wednesday", "It sank on Wednesday."),
    ("on Wednesday", "It sank on 12 June."),
    ("on 12 June", "It sank on Wednesday."),
    ("on Saturday", "It sank on 1 June."),
    ("on 3 May 2019", "In 2019 the harbour froze. On 3 May it was free."),
    ("May the boats return", "The boats returned."),
    ("in the 1990s", "in the 1990s"),
]
NOT_BORNE_OUT = [
    ("on 14 June 2024", "It sank yesterday."),
    ("yesterday", "It sank on Thursday."),
    ("last year", "It sank this year."),
    ("in 2024", "It sank last year."),
    ("in 2024", "It sank."),
    ("on Wednesday", "It sank on Thursday."),
    ("on Tuesday", "It sank on 12 June."),
    ("on 10 June 2024", "It sails next Monday."),
    ("on 17 June 2024", "It sank on Monday."),
    ("in June", "It sank in July."),
    ("in May", "It may sink."),
    ("on 3 May 2019", "In 2018 the harbour froze. On 3 May it was free."),
]


@pytest.mark.parametrize(("claim", "source"), BORNE_OUT)
def test_dates_are_counted_from_publication(claim: str, source: str) -> None:
    """Weekdays and words such as yesterday mean days counted from the day of publication."""
    assert missing(claim, source, ISSUE) is None


@pytest.mark.parametrize(("claim", "source"), NOT_BORNE_OUT)
def test_other_dates_are_missing(claim: str, source: str) -> None:
    """Another day, month, year or relative date is not stated."""
    assert missing(claim, source, ISSUE) is not None


def test_numbers_are_no_years() -> None:
    """Money, shares and quantities of four digits are not dates."""
    assert find_dates("It cost $2024, 1990 percent of 2,000 and 19.99, or €1999.").dates == [Date(1990)]
    assert find_dates("2024% of 20240 and 12024").dates == []
