"""Staleness: old articles are named as old where a question asks about the present."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Filters, isoformat
from service.records import Question
from service.staleness import age, day, stale_warning

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
HALF_A_YEAR = timedelta(days=180)
OPEN, OPENED = "Is the harbour bridge open?", "When did the harbour bridge open?"


def is_stale(question: str, days: float, filters: Filters | None = None) -> bool:
    """Whether an answer from an article of so many days ago warns."""
    newest = isoformat(NOW - timedelta(days=days))
    warning = stale_warning(Question(question, filters=filters or Filters()), question, newest, NOW, HALF_A_YEAR)
    return warning is not None and warning.code == "stale"


@given(days=st.integers(-400, 4_000))
def test_only_an_old_article_is_stale(days: int) -> None:
    """A question about the present warns exactly where the newest article is older than the bound."""
    assert is_stale(OPEN, days) == (days > 180)
    assert not is_stale(OPENED, days)


def test_an_unknown_date_claims_nothing() -> None:
    """Articles without a date are not called old."""
    assert stale_warning(Question(OPEN), OPEN, None, NOW, HALF_A_YEAR) is None


def test_a_filter_that_ends_in_the_past_asks_for_the_past() -> None:
    """With `published_before` old articles are what was asked for."""
    assert is_stale(OPEN, 400, Filters(sources=("Harbour Post",)))
    assert not is_stale(OPEN, 400, Filters(published_before=NOW - timedelta(days=300)))


def test_the_question_as_it_is_understood_decides() -> None:
    """A follow-up is judged by its standalone form."""
    newest = isoformat(NOW - timedelta(days=400))
    assert stale_warning(Question("And the bridge?"), OPEN, newest, NOW, HALF_A_YEAR)
    assert not stale_warning(Question(OPEN), OPENED, newest, NOW, HALF_A_YEAR)


@pytest.mark.parametrize(
    ("published", "said"),
    [
        (datetime(2026, 11, 27, 0, 1, tzinfo=UTC), "today"),
        (datetime(2026, 11, 26, 23, 59, tzinfo=UTC), "yesterday"),
        (datetime(2026, 11, 25, tzinfo=UTC), "2 days ago"),
        (datetime(2026, 11, 14, tzinfo=UTC), "13 days ago"),
        (datetime(2026, 11, 13, tzinfo=UTC), "2 weeks ago"),
        (datetime(2026, 10, 13, tzinfo=UTC), "6 weeks ago"),
        (datetime(2026, 10, 12, tzinfo=UTC), "2 months ago"),
        (datetime(2026, 9, 27, tzinfo=UTC), "2 months ago"),
        (datetime(2026, 3, 31, tzinfo=UTC), "8 months ago"),
        (datetime(2025, 5, 29, tzinfo=UTC), "18 months ago"),
        (datetime(2025, 5, 28, tzinfo=UTC), "2 years ago"),
        (datetime(2025, 11, 27, tzinfo=UTC), "12 months ago"),
        (datetime(2024, 11, 27, tzinfo=UTC), "2 years ago"),
        (datetime(1996, 11, 27, tzinfo=UTC), "30 years ago"),
        (datetime(2026, 11, 28, tzinfo=UTC), ""),
    ],
)
def test_an_age_is_said_in_round_figures(published: datetime, said: str) -> None:
    """Days, weeks from two, then months and years from one and a half; a day to come has no age."""
    assert age(published, NOW) == said


def test_a_day_is_written_out() -> None:
    """The month is a word, so that no reader takes it for the day."""
    assert day(datetime(2026, 3, 1, tzinfo=UTC)) == "1 March 2026"
