"""Particulars: what a question names, looked for in the articles that are quoted."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Article, Span
from service.readers.particulars import AROUND, missing_particulars

HELD = ("Ardmore", "Bellweather", "Carrick", "Dunmore", "Eastlake")
STRANGE = ("Quillon", "Ravensby", "Sutterworth", "Tolmere", "Vasterhall")
START = Span(0, 1)


def article(body: str, *, title: str | None = None, published_at: datetime | None = None) -> Article:
    """An article that says nothing but `body`."""
    return Article("a", body, "/a.txt", title=title, published_at=published_at)


@given(st.lists(st.sampled_from(HELD), min_size=1, unique=True), st.integers(13, 9999))
def test_what_an_article_has_is_never_missing(names: list[str], number: int) -> None:
    """Names and numbers that stand in a quoted article are not missing."""
    told = article(f"{', '.join(HELD)} were there with {number} others.")
    question = f"What did {' and '.join(names)} say of the {number} others?"
    assert missing_particulars(question, [(told, START)]) == []


@given(st.lists(st.sampled_from(HELD + STRANGE), unique=True), st.integers(1900, 2020), st.integers(1900, 2020))
def test_what_no_article_has_is_missing(names: list[str], asked: int, told: int) -> None:
    """Names and years that stand in no quoted article are missing, in the order of the question."""
    question = f"what was said by {' and '.join(names)} in {asked}?"
    quotes = [(article(f"{', '.join(HELD)} met in {told}."), START)]
    expected = [name.casefold() for name in names if name in STRANGE] + [str(asked)] * (asked != told)
    assert missing_particulars(question, quotes) == expected


def test_one_article_is_enough() -> None:
    """A name that one quoted article has is not missing, whichever it is."""
    quotes = [(article("Nothing happened."), START), (article("Ravensby voted."), START)]
    assert missing_particulars("Who voted in Ravensby?", quotes) == []
    assert missing_particulars("Who voted in Ravensby?", quotes[:1]) == ["ravensby"]


def test_title_and_date_count() -> None:
    """What stands in the title is there, and so are the year and the day of publication."""
    told = article("The vote was close.", title="Ravensby votes", published_at=datetime(2024, 5, 3, tzinfo=UTC))
    assert missing_particulars("Who won in Ravensby on 3 May 2024?", [(told, START)]) == []


@pytest.mark.parametrize(
    ("question", "body"),
    [
        ("who met with quillon?", "Nobody came."),
        ("WHO MET QUILLON IN TOLMERE?", "Nobody came."),
        ("Who Met Quillon?", "Nobody came."),
        ("Quillon met whom?", "Nobody came."),
        ("The port is closed. Ships wait where?", "Nobody came."),
        ("What did President Carrick say on Monday?", "Carrick, the leader, spoke."),
        ("What did the United Nations say?", "The UN said no."),
        ("What did the IMF say?", "The International Monetary Fund said no."),
        ("What did the U.S. envoy say?", "The United States sent one."),
        ("Who spoke for Russia?", "A Russian envoy spoke."),
        ("Who was Malmo's mayor?", "Malmö has a mayor."),
        ("Who were the 3 envoys?", "Three envoys came."),
        ("Who came 2nd?", "The second was Carrick."),
        ("Who owes 1,200 euros?", "She owes 1200 euros."),
        ("What happened in the 1980s?", "It began in 1980."),
        ("Who flew the F-16?", "A jet was flown."),
    ],
)
def test_what_does_not_count_as_missing(question: str, body: str) -> None:
    """Openings, headlines, lower case, titles and days name nobody; initials, accents and forms are looked through."""
    assert missing_particulars(question, [(article(body), START)]) == []


def test_only_the_surroundings_of_a_quote_are_read() -> None:
    """A name far away from the quote in an endless article is missing, one within reach is not."""
    body = "Quillon came." + " and so on" * (AROUND // 5)
    end = Span(len(body) - 1, len(body))
    assert missing_particulars("When did Quillon come?", [(article(body), end)]) == ["quillon"]
    assert missing_particulars("When did Quillon come?", [(article(body), START)]) == []
