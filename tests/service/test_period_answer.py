"""Days that an article states."""

from dataclasses import replace
from datetime import UTC, date, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Filters
from service.date_words import Period
from service.period_answer import drafts_of_period, retrieve_period, sentences_of
from service.records import Passage
from service.retrieve import Retrieved
from service.time_window import AskedPeriod
from tests.fakes import article
from tests.service.passages import make_passage

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
    body = "The pier is old. It closed on 3 March 2025. Repairs took a day."
    found = [body[slice(*span)] for span in sentences_of(article(body=body), MARCH)]
    assert found == ["It closed on 3 March 2025."]


@given(body=st.text(max_size=120), published=st.none() | st.datetimes(timezones=st.just(UTC)))
def test_any_text_may_be_searched_for_days(body: str, published: datetime | None) -> None:
    """No text fails, and each sentence that is found is one of the text."""
    for start, end in sentences_of(article(body=body, published_at=published), MARCH):
        assert 0 <= start < end <= len(body)


IN_MARCH = datetime(2025, 3, 10, 9, tzinfo=UTC)


def quoted_in_march(passages: tuple[Passage, ...], *names: str) -> list[str]:
    """Return what is quoted of articles that were published in March 2025."""
    found = Retrieved(passages, np.empty(0, dtype=np.float32), len(passages))
    asked = AskedPeriod(MARCH, frozenset(names))
    retrieved = retrieve_period(lambda _: found, Filters(), asked, 8)
    return [draft.text for draft in drafts_of_period(retrieved.passages, MARCH)]


def test_an_article_that_only_mentions_a_place_is_not_quoted_for_it() -> None:
    """The place is in the title or in the sentence that is quoted; without a place every article counts."""
    about = make_passage("k1", "The mill burnt down. No one was hurt.", title="Fire in Orlham", published_at=IN_MARCH)
    told = make_passage("k2", "A bridge in Orlham was closed. It is old.", published_at=IN_MARCH)
    mentions = make_passage("k3", "The zoo has a new lion. It came from Orlham.", published_at=IN_MARCH)
    passages = (about, told, mentions)

    assert quoted_in_march(passages, "orlham") == ["The mill burnt down.", "A bridge in Orlham was closed."]
    assert len(quoted_in_march(passages)) == 3


def test_a_later_part_of_an_article_is_not_quoted_as_its_beginning() -> None:
    """It is quoted if it states a day of the month."""
    first = make_passage("k1", "Riders must get off. The path is narrow.", published_at=IN_MARCH)
    later = replace(first, chunk=replace(first.chunk, ordinal=1))
    dated = make_passage("k2", "Riders must get off. The path opens on 20 March.", published_at=IN_MARCH)

    assert quoted_in_march((first,)) == ["Riders must get off."]
    assert quoted_in_march((later,)) == []
    assert quoted_in_march((replace(dated, chunk=replace(dated.chunk, ordinal=1)),)) == ["The path opens on 20 March."]
