"""The window of a question's date words: with both ends for reports, open for events, and only ever narrower."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Filters
from service.date_words import Period
from service.readers.evidence import Latest
from service.time_window import (
    AskedPeriod,
    Window,
    asked_period,
    inferred,
    is_before,
    narrowed,
    state_days,
    time_window,
    wants_latest,
)
from tests.fakes import article

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)
"""A Friday."""

REPORTS = {
    "Articles from June 2025": ("2025-06-01", "2025-07-01"),
    "articles about the ferry from last week": ("2026-11-15", "2026-11-23"),
    "news of last week": ("2026-11-15", "2026-11-23"),
    "Show me last month's headlines": ("2026-10-01", "2026-11-01"),
    "What was reported in May?": ("2026-05-01", "2026-06-01"),
    "Which stories published on 2 May 2026 are about the library?": ("2026-05-02", "2026-05-03"),
    "Articles from 2025 about wool": ("2025-01-01", "2026-01-01"),
    "Reports since March about the bridge": ("2026-03-01", None),
    "articles between 3 and 9 February": ("2026-02-03", "2026-02-10"),
    "news from March to May 2026": ("2026-03-01", "2026-06-01"),
    "Artikel vom 2. Mai 2026": ("2026-05-02", "2026-05-03"),
    "Was wurde im Juni 2026 berichtet?": ("2026-06-01", "2026-07-01"),
    "Meldungen aus dem Mai 2026": ("2026-05-01", "2026-06-01"),
    "Nachrichten von letzter Woche": ("2026-11-15", "2026-11-23"),
}
EVENTS = {
    "What happened on 2 May 2026?": "2026-05-02",
    "What happened on May 2, 2026?": "2026-05-02",
    "What happened on 2026-05-02?": "2026-05-02",
    "What happened on 2 December?": "2025-12-02",
    "What did the council decide last month?": "2026-10-01",
    "Who won the cup yesterday?": "2026-11-26",
    "Who won the cup in May?": "2026-05-01",
    "Who won the cup in December?": "2025-12-01",
    "What did the council decide on Monday?": "2026-11-23",
    "What did the council decide on Friday?": "2026-11-20",
    "Who won the race last Sunday?": "2026-11-22",
    "Who won the Crane Top Run last Sunday?": "2026-11-22",
    "Wer gewann letzten Sonntag?": "2026-11-22",
    "What did the mayor announce two weeks ago?": "2026-11-06",
    "Which fires broke out in the last two weeks?": "2026-11-13",
    "What has happened since March?": "2026-03-01",
    "What happened between 3 and 9 February?": "2026-02-03",
    "Who won the cup this year?": "2026-01-01",
    "How did prices change between March 2026 and last month?": "2026-03-01",
    "Was geschah vor zwei Wochen?": "2026-11-06",
    "Was hat der Rat letzten Monat beschlossen?": "2026-10-01",
    "Wer gewann im Mai den Pokal?": "2026-05-01",
    "Was geschah am 2.5.2026?": "2026-05-02",
    "Was geschah gestern?": "2026-11-26",
}
NONE = (
    "Who won the 1998 cup?",
    "Who won the cup of 1998?",
    "Who won the cup in 1998?",
    "Who was mayor in May 2026?",
    "How much did a ticket cost in May 2026?",
    "Who has been mayor since May?",
    "What will happen next month?",
    "What will open in May 2027?",
    "What happened in May 2027?",
    "Is the pool open in May?",
    "Is the pool open on Mondays?",
    "What happened on 31 February 2026?",
    "How many parcels did the food bank hand out in the last month of 2025?",
    "How did Brindlow win the April 2026 derby?",
    "Who may win?",
    "Did the crews march on the town hall?",
    "Wer war im Mai Bürgermeister?",
    "Was kostet eine Karte im Mai?",
    "",
)


@pytest.mark.parametrize("question", REPORTS)
def test_words_for_reports_have_both_ends(question: str) -> None:
    """Publications of a time were published in it."""
    start, end = REPORTS[question]
    window = time_window(question, NOW)
    assert window
    assert window[:3] == (date.fromisoformat(start), date.fromisoformat(end) if end else None, True)


@pytest.mark.parametrize("question", EVENTS)
def test_an_event_is_reported_on_its_day_or_later(question: str) -> None:
    """The window of an event is open to the right."""
    window = time_window(question, NOW)
    assert window
    assert window[:3] == (date.fromisoformat(EVENTS[question]), None, False)


@pytest.mark.parametrize("question", NONE)
def test_other_questions_have_no_window(question: str) -> None:
    """A state may be older than the date, a plan is older, and a year belongs to a name."""
    assert time_window(question, NOW) is None


MOMENTS = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
QUESTIONS = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            "what happened articles won from in on since between and to last week month May 2026 31 9 February 1998 two"
            " days ago yesterday im Mai vor zwei Wochen am . 2026-05-02 the".split()
        ),
        max_size=10,
    ).map(" ".join),
)
ENDS = st.none() | st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(question=QUESTIONS, now=MOMENTS | st.just(NOW), after=ENDS, before=ENDS)
def test_a_window_only_narrows(question: str, now: datetime, after: datetime | None, before: datetime | None) -> None:
    """No text fails; the ends are never outside the caller's, never cross, and those that changed are named."""
    window = time_window(question, now)
    asked_period(question, now)
    if window is None:
        return
    assert window.start <= now.date()
    assert window.end is None or window.start < window.end
    given_ = Filters(sources=("Courier",), published_after=after, published_before=before)
    used = narrowed(given_, window)
    assert used.sources == given_.sources
    assert after is None or (used.published_after and used.published_after >= after)
    assert before is None or (used.published_before and used.published_before <= before)
    if used != given_ and used.published_after and used.published_before:
        assert used.published_after < used.published_before
    assert len(inferred(given_, used)) == (used.published_after != after) + (used.published_before != before)


@pytest.mark.parametrize(
    ("question", "start", "days"),
    [
        ("What happened on 2 May 2026?", "2026-05-02", 1),
        ("Articles from June 2025", "2025-06-01", 30),
        ("What happened in March 2025?", "2025-03-01", 31),
        ("2 May 2026", "2026-05-02", 1),
        ("June 2025", "2025-06-01", 30),
        ("yesterday's news", "2026-11-26", 1),
        ("Was geschah im März 2025?", "2025-03-01", 31),
    ],
)
def test_a_question_may_be_a_date(question: str, start: str, days: int) -> None:
    """Days are asked for, and nothing else."""
    first = date.fromisoformat(start)
    assert asked_period(question, NOW) == AskedPeriod(Period(first, first + timedelta(days=days)))


@pytest.mark.parametrize(
    ("question", "start", "names"),
    [
        ("What happened in Ardmere last October?", "2026-10-01", {"ardmere"}),
        ("What happened in Ardmere last November?", "2025-11-01", {"ardmere"}),
        ("What happened at Gull Head in August 2026?", "2026-08-01", {"gull", "head"}),
        ("Was geschah letzten März in Ardmere?", "2026-03-01", {"ardmere"}),
    ],
)
def test_the_days_of_a_place_may_be_asked_for(question: str, start: str, names: set[str]) -> None:
    """The names are kept; "last October" is the last one that is over."""
    asked = asked_period(question, NOW)
    assert asked
    assert (asked.days.start.isoformat(), set(asked.names)) == (start, names)


@pytest.mark.parametrize(
    "question",
    ["What happened to the library on 2 May 2026?", "What happened?", "Who won in May?", "What did Kim do in May?"],
)
def test_a_question_with_a_subject_is_not_a_date(question: str) -> None:
    """A word of content asks for more than a day."""
    assert asked_period(question, NOW) is None


@pytest.mark.parametrize(
    ("question", "rest"),
    [
        ("Who won the cup last month?", "Who won the cup?"),
        (
            "What did the council decide two weeks ago about the bridge?",
            "What did the council decide about the bridge?",
        ),
        ("Who won the cup in May?", "Who won the cup in May?"),
        ("What happened yesterday?", "What happened yesterday?"),
        ("Was hat der Rat gestern beschlossen?", "Was hat der Rat beschlossen?"),
    ],
)
def test_articles_do_not_have_the_relative_words_of_a_question(question: str, rest: str) -> None:
    """They are left out, unless nothing is left to search for."""
    window = time_window(question, NOW)
    assert window
    assert window.rest == rest


def test_an_article_before_the_time_does_not_report_it() -> None:
    """All articles are dated before the window; an unknown date may be of the time."""
    window = Window(NOW.date(), None, is_of_reports=False, rest="")
    older, newer = (article("a", published_at=NOW + timedelta(days=days)) for days in (-2, 2))
    assert is_before([older], window)
    assert not is_before([older, newer], window)
    assert not is_before([article("b")], window)
    assert not is_before([], window)


@pytest.mark.parametrize(
    ("question", "kind"),
    [
        ("Who leads the police?", "state"),
        ("When will the bridge open?", "state"),
        ("How much is the viaduct going to cost?", "state"),
        ("What is the latest figure for 2026?", "state"),
        ("What does a ticket cost today?", "state"),
        ("Wann wird die Brücke geöffnet?", "state"),
        ("How many homes were flooded?", "figure"),
        ("Who won the cup?", "figure"),
        ("How many homes were flooded in October 2025?", None),
        ("How many homes were flooded in October 2025 in the end?", "figure"),
        ("Who was mayor in 2024?", None),
        ("What did the council decide yesterday?", None),
        ("How many homes were reported at first?", None),
        ("Is the new bridge longer than the old one?", None),
        ("What has changed since March?", None),
        ("By how much has the fare risen?", None),
    ],
)
def test_the_latest_report_is_wanted_unless_a_time_is_named(question: str, kind: Latest) -> None:
    """A state of now or to come, a figure of the past, or the past as it was told."""
    assert wants_latest(question, NOW) == kind


@given(question=st.text(max_size=80))
def test_any_question_is_of_one_kind(question: str) -> None:
    """No text fails."""
    assert wants_latest(question, NOW) in ("state", "figure", None)


@pytest.mark.parametrize(
    ("question", "start"),
    [
        ("How full was the reservoir in May 2026?", "2026-05-01"),
        ("Who was mayor in May?", "2026-05-01"),
        ("What did a ticket cost last month?", "2026-10-01"),
        ("How high was the river on 3 May?", "2026-05-03"),
        ("Wie voll war der Stausee im Mai?", "2026-05-01"),
        ("How many homes were flooded in May?", None),
        ("Who was arrested on 3 May?", None),
        ("How full has the reservoir been since May?", None),
        ("How full was the reservoir in 2025?", "2025-01-01"),
        ("How full is the reservoir?", None),
        ("What was reported in May?", None),
    ],
)
def test_a_state_is_asked_about_at_a_time(question: str, start: str | None) -> None:
    """A report of an event may be corrected later; a state of other days is another one."""
    found = state_days(question, NOW)
    assert (found and found.start) == (start and date.fromisoformat(start))
