"""Staleness: a question about the present with old articles gets a warning."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Filters, isoformat
from service.answer import age, day
from service.answer_run import stale_warning
from service.questions import asks_about_present
from service.records import Question

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
HALF_A_YEAR = timedelta(days=180)
OPEN, OPENED = "Is the harbour bridge open?", "When did the harbour bridge open?"


def is_stale(question: str, days: float, filters: Filters | None = None) -> bool:
    """Return whether an answer from an article of this age has a warning."""
    newest = isoformat(NOW - timedelta(days=days))
    warning = stale_warning(Question(question, filters=filters or Filters()), question, newest, NOW, HALF_A_YEAR)
    return warning is not None and warning.code == "stale"


@given(days=st.integers(-400, 4_000))
def test_only_an_old_article_is_stale(days: int) -> None:
    """A question about the present has a warning if and only if the newest article is older than the limit."""
    assert is_stale(OPEN, days) == (days > 180)
    assert not is_stale(OPENED, days)


def test_an_unknown_date_claims_nothing() -> None:
    """Articles without a date are not stale."""
    assert stale_warning(Question(OPEN), OPEN, None, NOW, HALF_A_YEAR) is None


def test_a_filter_that_ends_in_the_past_asks_for_the_past() -> None:
    """A question with `published_before` has no warning."""
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
    """Ages are in days, weeks from two on, months and years from one and a half on; a future date has none."""
    assert age(published, NOW) == said


def test_a_day_is_written_out() -> None:
    """The month is a word, so that it is not read as the day."""
    assert day(datetime(2026, 3, 1, tzinfo=UTC)) == "1 March 2026"


PRESENT = (
    "Is the harbour bridge open?",
    "Is the harbour bridge open to lorries again?",
    "Are the night buses running?",
    "Who is the mayor of Kelm?",
    "Who's the mayor of Kelm?",
    "who is the head teacher at the mill school",
    "How much does a day ticket cost?",
    "How much is a day ticket?",
    "What does a swim at the baths cost?",
    "What time does the museum close?",
    "At what time does the museum close?",
    "When does the last ferry leave?",
    "Where is the temporary library?",
    "Which roads are closed?",
    "Which of the two piers is open to anglers?",
    "How many nests are on the tower?",
    "How many people live in Kelm?",
    "How many people work at the yard?",
    "What is the speed limit on the ring road?",
    "What's the price of a loaf in Kelm?",
    "What are the opening hours of the baths?",
    "Who owns the shipyard?",
    "Who runs the ferry line?",
    "Can I swim at the north beach?",
    "Can dogs go on the beach?",
    "Must visitors book?",
    "May dogs go on the beach?",
    "Is the march still planned?",
    "Do the ferries take bicycles?",
    "Does the clinic see children?",
    "Is there a ferry on Sundays?",
    "Isn't the school closed?",
    "Why is the bridge closed?",
    "Has the bridge reopened yet?",
    "Has the bridge reopened?",
    "Have the talks resumed?",
    "Has the plan been approved?",
    "Which ferries run on Sundays?",
    "Which shops open on Sundays?",
    "Who chairs the council?",
    "Does anyone know whether the pool is open?",
    "I wonder if the pool is open",
    "Are people still trapped in the mine?",
    "Bridge still closed?",
    "What did the mayor say today?",
    "Do you know who the harbour master is?",
    "Hello, is the pool open?",
    "And is the pool open?",
    "The strike ended. Are the trains running?",
    "How old is the youngest member of the council?",
    "Ist die Brücke offen?",
    "Ist die Brücke noch gesperrt?",
    "Sind die Fähren in Betrieb?",
    "Wer ist der Bürgermeister von Kelm?",
    "Was kostet eine Tageskarte?",
    "Wie viel kostet eine Tageskarte?",
    "Wann fährt die letzte Fähre?",
    "Welche Straßen sind gesperrt?",
    "Wie viele Menschen wohnen in Kelm?",
    "Wem gehört die Werft?",
    "Gibt es sonntags eine Fähre?",
    "Darf man am Nordstrand baden?",
    "Fährt der Nachtbus heute?",
    "Und wo ist die Bücherei jetzt?",
    "Wann schließt das Museum?",
    "Hat die Brücke wieder geöffnet?",
)
OTHER = (
    "When did the bridge open?",
    "When was the bridge opened?",
    "What happened at the mill?",
    "What happened to the ferry after the storm?",
    "Who was the mayor of Kelm?",
    "Who was mayor before the election?",
    "Why did the crews strike?",
    "Why was the bridge closed?",
    "Who won the cup?",
    "Who caused the fire?",
    "How many people died in the fire?",
    "How many houses did the flood reach?",
    "How long did the strike last?",
    "How did the fire start?",
    "Did the council approve the plan?",
    "Was anyone hurt?",
    "Were the night buses running?",
    "Had the mayor been warned?",
    "Who has won the most medals?",
    "Has the mayor ever visited the mine?",
    "Have the crews accepted the offer?",
    "Has the pool ever been closed?",
    "Do you know when the pool opened?",
    "Who organised the run on the pier?",
    "Which crew finished the race to open water?",
    "What is the ferry fare in 2024?",
    "Who is the mayor as of March 2026?",
    "Is the pool open in July?",
    "Is the pool open in May?",
    "How many nests were there last year?",
    "What is left of the mill that was burned down?",
    "Which bridge that is closed did the storm hit?",
    "What caused the fire that is burning?",
    "Who is Benedikt Aarre?",
    "Who's Benedikt Aarre?",
    "What is HRMC?",
    "What is Aarre Salmon?",
    "Was ist Aarre Lachs?",
    "What is a tide gate?",
    "What does the term neap tide mean?",
    "How does a tide gate work?",
    "Why do puffins nest on cliffs?",
    "Is it true that the mayor resigned?",
    "What will the new pool cost?",
    "Will the bridge reopen?",
    "Should the council sell the yard?",
    "Could the fire have been prevented?",
    "What used to stand on the square?",
    "What did the mayor say yesterday?",
    "Who ran the ferry line two years ago?",
    "Tell me about the strike.",
    "harbour strike",
    "Wann wurde die Brücke eröffnet?",
    "Wer war der Bürgermeister von Kelm?",
    "Was ist in der Mühle passiert?",
    "Warum streikten die Besatzungen?",
    "Wer hat den Pokal gewonnen?",
    "Wie viele Menschen sind gestorben?",
    "Wie hoch ist der Fahrpreis im März 2026?",
    "Was ist ein Siel?",
    "Wer ist Benedikt Aarre?",
    "Qui est le maire de Kelm ?",
    "¿Está abierto el puente?",
    "?",
    "",
)


@pytest.mark.parametrize("question", PRESENT)
def test_a_state_of_the_present_is_asked_for(question: str) -> None:
    """Present tense and no date: the answer may have changed since the article."""
    assert asks_about_present(question)


@pytest.mark.parametrize("question", OTHER)
def test_anything_else_is_not_about_the_present(question: str) -> None:
    """A past, a date, a meaning, a person, a plan, or an unknown language is not about the present."""
    assert not asks_about_present(question)


@pytest.mark.parametrize("date", [" in 2025", " in March", " on 3 May", " im Oktober", " on 2026-02-24", " am 24.2."])
@pytest.mark.parametrize("question", PRESENT)
def test_a_date_makes_it_another_question(question: str, date: str) -> None:
    """A question that names its time is not about the present, whatever its tense."""
    assert not asks_about_present(question.removesuffix("?") + date + "?")


@given(text=st.text(max_size=300))
def test_any_text_is_about_the_present_or_is_not(text: str) -> None:
    """No text fails, and letter case and typographic apostrophes decide nothing but names."""
    assert asks_about_present(text.replace("'", "’")) == asks_about_present(text)
