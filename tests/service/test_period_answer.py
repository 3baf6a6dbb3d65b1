"""Days that an article states."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.date_words import Period
from service.period_answer import sentences_of
from tests.fakes import article

PUBLISHED = datetime(2026, 1, 6, 10, tzinfo=UTC)
MARCH = Period(date(2025, 3, 1), date(2025, 4, 1))


def day(text: str) -> Period:
    """Return the period of one day."""
    first = date.fromisoformat(text)
    return Period(first, date.fromordinal(first.toordinal() + 1))


@pytest.mark.parametrize(
    ("body", "period", "states"),
    [
        ("The pier closed.", day("2026-01-05"), False),
        ("The pier closed on 3 March 2025.", day("2025-03-03"), True),
        ("The pier closed on 3 March 2025.", MARCH, True),
        ("The pier closed in March 2025.", MARCH, True),
        ("The pier closed in March 2025.", day("2025-03-03"), False),
        ("The pier closed on 28 December.", day("2025-12-28"), True),
        ("The pier will open on 9 January.", day("2026-01-09"), True),
        ("The pier closed on Monday.", day("2026-01-05"), True),
        ("The pier opens on Mondays.", day("2026-01-05"), False),
        ("Am 28. Dezember schloss die Brücke.", day("2025-12-28"), True),
        ("It rained in 2025.", MARCH, False),
    ],
)
def test_an_article_states_a_day(body: str, period: Period, states: bool) -> None:
    """A date, with the nearest year if it has none, or a weekday that is certain."""
    assert bool(list(sentences_of(article(body=body, published_at=PUBLISHED), period))) == states


def test_an_article_without_a_date_states_days_with_a_year() -> None:
    """A date without a year is of no year then."""
    assert list(sentences_of(article(body="The pier closed on 3 March 2025."), day("2025-03-03")))
    assert not list(sentences_of(article(body="The pier closed on 3 March."), day("2025-03-03")))


def test_the_sentences_that_state_a_day_are_found() -> None:
    """Each is a span of the body."""
    body = "The pier is old. It closed on 3 March 2025. Nobody was hurt."
    found = [body[slice(*span)] for span in sentences_of(article(body=body), MARCH)]
    assert found == ["It closed on 3 March 2025."]


@given(body=st.text(max_size=120), published=st.none() | st.datetimes(timezones=st.just(UTC)))
def test_any_text_may_be_searched_for_days(body: str, published: datetime | None) -> None:
    """No text fails, and each sentence that is found is one of the text."""
    for start, end in sentences_of(article(body=body, published_at=published), MARCH):
        assert 0 <= start < end <= len(body)
