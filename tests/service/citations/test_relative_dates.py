"""Resolved dates: what "on Thursday" means in an article; nothing where that is not certain."""

from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.citations.dates import resolved_dates
from tests.fakes import article

FRIDAY = datetime(2025, 12, 5, 10, tzinfo=UTC)


def dates(body: str, published: datetime | None = FRIDAY, updated: datetime | None = None) -> list[tuple[str, str]]:
    """Return the words and dates of a text that is quoted as a whole; the words are those of its place."""
    found = resolved_dates(article(body=body, published_at=published, updated_at=updated), Span(0, len(body)))
    assert all(body[each.start_char_index : each.end_char_index] == each.text for each in found)
    return [(each.text, each.date) for each in found]


RESOLVED = (
    ("The pier closed on Thursday.", "2025-12-04"),
    ("The pier was closed on Thursday night.", "2025-12-04"),
    ("The pier closed Thursday.", "2025-12-04"),
    ("The council voted by 12 to 5 on Wednesday.", "2025-12-03"),
    ("On Thursday, the council voted by 12 to 5.", "2025-12-04"),
    ("The council voted, by 12 to 5, on Tuesday.", "2025-12-02"),
    ("The crew met in Ullen and Dorvane on Monday.", "2025-12-01"),
    ("The council said on Monday it will close the pier.", "2025-12-01"),
    ("The man who was arrested on Monday will appear in court.", "2025-12-01"),
    ("The pier has been closed since Monday.", "2025-12-01"),
    ("The ferry sank on Saturday.", "2025-11-29"),
    ("The council met on Friday.", "2025-12-05"),
    ("The pier will open on Monday.", "2025-12-08"),
    ("The pier will open to the public on Saturday.", "2025-12-06"),
    ("On Monday, the pier will open.", "2025-12-08"),
    ("The service is expected to resume on Monday.", "2025-12-08"),
    ("Milder air is expected from Sunday.", "2025-12-07"),
    ("The council said it will close the pier on Monday.", "2025-12-08"),
    ("The council, which will meet on Monday, approved the plan.", "2025-12-08"),
    ("The pier will stay closed until Monday.", "2025-12-08"),
    ("The bridge, closed since 3 March, will reopen on Tuesday.", "2025-12-09"),
    ("The lock will open next Monday.", "2025-12-08"),
    ("The council voted yesterday.", "2025-12-04"),
    ("The council voted yesterday evening.", "2025-12-04"),
    ("The crew left the day before yesterday.", "2025-12-03"),
    ("The pier will open tomorrow.", "2025-12-06"),
    ("Police arrested a man this morning.", "2025-12-05"),
    ("Police arrested a man today.", "2025-12-05"),
    ("Two days ago the ship sank.", "2025-12-03"),
    ("Prices rose last month.", "2025-11"),
    ("Prices rose earlier this month.", "2025-12"),
    ("The pool will open next month.", "2026-01"),
    ("Sales fell by 3 percent last year.", "2024"),
    ("The school has grown this year.", "2025"),
    ("The pier will open next year.", "2026"),
    ("Die Brücke wurde am Donnerstag gesperrt.", "2025-12-04"),
    ("Am Donnerstagabend brach ein Feuer aus.", "2025-12-04"),
    ("Der Rat hat am Donnerstag den Plan beschlossen.", "2025-12-04"),
    ("Die Brücke wird am Montag wieder geöffnet.", "2025-12-08"),
    ("Am Montag soll die Brücke wieder öffnen.", "2025-12-08"),
    ("Die Fähre legte gestern ab.", "2025-12-04"),
    ("Der Rat stimmte vorgestern ab.", "2025-12-03"),
    ("Die Schule öffnet übermorgen.", "2025-12-07"),
    ("Die Brücke ist seit Montag gesperrt.", "2025-12-01"),
    ("Vor drei Tagen sank das Schiff.", "2025-12-02"),
    ("Im vergangenen Monat stiegen die Preise.", "2025-11"),
    ("Im vergangenen Jahr sanken die Preise.", "2024"),
    ("Im nächsten Jahr wird die Halle gebaut.", "2026"),
)
UNCLEAR = (
    "The council voted on Thursday, 4 December.",
    "The council voted on Thursday 4 December 2025.",
    "The council voted on Thursday (4 December).",
    "The council voted on Thursday, December 4.",
    "“The pier closed on Thursday,” said Vane.",
    '"We voted yesterday," said Vane.',
    "He called it ‘closed since Monday’ in a letter.",
    "“The pier closed. It will open on Monday, if the wind drops.",
    'The board wrote: "The pier closed on Thursday.',
    "The museum opens on Monday.",
    "The museum is closed on Monday.",
    "The limited service runs on Monday.",
    "Trains will run every Monday.",
    "The talks will be held on Monday nights.",
    "It was a Monday like any other.",
    "It is open from Tuesday to Friday.",
    "The pier was closed on Sunday and Monday.",
    "The thief came in the night from Wednesday to Thursday.",
    "The pier was due to open on Monday.",
    "The pier would open on Monday, Vane said.",
    "The council voted to close the pier on Monday.",
    "A vote planned for Monday was cancelled.",
    "The union announced a strike on Monday.",
    "The council postponed the vote on Monday.",
    "The council will discuss the fire on Thursday.",
    "The council had voted on Monday.",
    "The crew was hurt in Tuesday's fire.",
    "The mill held a fire drill on the Monday before.",
    "The vote was held a week on Monday.",
    "He closed the shop last Tuesday.",
    "He will close the shop this coming spring, on a Monday.",
    "The pier closed on Monday week.",
    "The Sunday Times reported it.",
    "Sheffield Wednesday won the cup.",
    "It was shown on Monday Night Football.",
    "The fair was held on Good Friday.",
    "On 14 June 2019 the ferry sank. The crew was rescued on Saturday.",
    "On 9 November the crews walked out. On Thursday they rejected an offer.",
    "Am 9. November begann der Streik. Am Donnerstag lehnten sie ein Angebot ab.",
    "The village today has 40 inhabitants.",
    "Yesterday's heroes are forgotten.",
    "These are the cities of tomorrow.",
    "Sales fell in the last year of the war.",
    "In the last month sales fell.",
    "The shop will open next week.",
    "The storm came last night.",
    "The vote was two weeks ago.",
    "Almost two days ago the ship sank.",
    "Die Halle ist am Montag geschlossen.",
    "Die Halle öffnet am Montag.",
    "Die Halle öffnet von Dienstag bis Freitag.",
    "Die Brücke sollte am Montag öffnen.",
    "Der Verein kündigte am Montag einen Streik an.",
    "Der Rat stimmte am Donnerstag, dem 4. Dezember, ab.",
    "„Wir öffnen am Montag, das wurde gestern beschlossen“, sagte Vane.",
    "Das wurde an jedem Montag verkündet.",
)


@pytest.mark.parametrize(("sentence", "meant"), RESOLVED)
def test_the_words_of_a_quote_have_a_date(sentence: str, meant: str) -> None:
    """Weekdays by the tense of their clause, days, months and years by the day of the article."""
    assert [stated for _, stated in dates(sentence)] == [meant]


@pytest.mark.parametrize("sentence", UNCLEAR)
def test_what_is_not_certain_has_no_date(sentence: str) -> None:
    """A date beside the words, a quotation, a habit, a plan or a story of another day leaves them as they are."""
    assert dates(sentence) == []


def test_the_words_are_those_of_the_text() -> None:
    """The place covers the preposition and the part of the day; both dates of a quote are found."""
    found = dates("Crews walked out on Thursday night.\nThe pier will open tomorrow.")
    assert found == [("on Thursday night", "2025-12-04"), ("tomorrow", "2025-12-06")]


@pytest.mark.parametrize(
    ("published", "sentence", "meant"),
    [
        (None, "The council voted yesterday.", []),
        # In New York it is still Thursday.
        (datetime(2025, 12, 5, 3, tzinfo=UTC), "The council voted yesterday.", []),
        (datetime(2025, 12, 5, 3, tzinfo=UTC), "The council voted on Tuesday.", ["2025-12-02"]),
        # Midnight is a day without a time.
        (datetime(2025, 12, 5, tzinfo=UTC), "The council voted yesterday.", ["2025-12-04"]),
        # A paper of the morning may mean last week's Friday.
        (datetime(2025, 12, 5, 7, tzinfo=UTC), "The council voted on Friday.", []),
        (datetime(2025, 12, 9, 10, tzinfo=UTC), "He closed the shop last Thursday.", ["2025-12-04"]),
        (datetime(2026, 1, 2, 10, tzinfo=UTC), "Prices rose last month.", ["2025-12"]),
        (datetime(2026, 1, 1, 10, tzinfo=UTC), "The council voted yesterday.", ["2025-12-31"]),
        (datetime(1, 1, 1, 12, tzinfo=UTC), "The council voted yesterday.", []),
    ],
)
def test_the_day_of_the_article_decides(published: datetime | None, sentence: str, meant: list[str]) -> None:
    """A date is given if every day that it may have been at the place of the newsroom gives the same."""
    assert [stated for _, stated in dates(sentence, published)] == meant


def test_an_update_may_have_rewritten_the_sentence() -> None:
    """With an update of another day, only what both days give is given."""
    updated = datetime(2025, 12, 9, 10, tzinfo=UTC)
    assert dates("The council voted yesterday.", updated=updated) == []
    assert dates("Prices rose last month.", updated=updated) == [("last month", "2025-11")]


WORDS = st.lists(
    st.sampled_from(
        'on since until last next Monday Thursday yesterday tomorrow the pier closed will open was “ ” " . , am'
        " Donnerstag gestern wurde wird letzten Monat 4 December and \n".split(" ")
    ),
    max_size=14,
).map(" ".join)
MOMENTS = st.datetimes(datetime(1, 1, 1), datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@given(text=st.one_of(WORDS, st.text(max_size=80)), published=MOMENTS, first=st.integers(0, 30))
def test_any_text_has_dates_inside_the_quote(text: str, published: datetime, first: int) -> None:
    """No text and no day fails; words are the text at their place in the quote, and a date is near the article."""
    made = article(body=text, published_at=published)
    for found in resolved_dates(made, Span(first, len(text))):
        assert first <= found.start_char_index < found.end_char_index <= len(text)
        assert text[found.start_char_index : found.end_char_index] == found.text
        precision = found.date.count("-")
        if precision == 2:
            assert abs((date.fromisoformat(found.date) - published.date()).days) <= 15
        else:
            assert abs(int(found.date[:4]) - published.year) <= 1
