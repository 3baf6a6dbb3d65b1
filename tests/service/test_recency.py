"""Which questions want the latest report, and how much newer articles gain."""

from datetime import UTC, datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.readers.evidence import Latest
from service.recency import wants_latest
from service.retrieve import NEWEST, favour_new

NOW = datetime(2026, 11, 27, 10, tzinfo=UTC)


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


SCORES = st.lists(st.floats(0, 1), min_size=1, max_size=12)


@given(scores=SCORES, data=st.data())
def test_a_clear_difference_outweighs_age(scores: list[float], data: st.DataObject) -> None:
    """Scores stay in [0, 1]; an order changes only among candidates that are nearly equal."""
    days = st.none() | st.integers(1, 9).map(lambda number: f"2026-01-0{number}")
    dates = data.draw(st.lists(days, min_size=len(scores), max_size=len(scores)))
    gained = favour_new(np.array(scores), dates)
    assert ((gained >= 0) & (gained <= 1)).all()
    for one in range(len(scores)):
        for other in range(len(scores)):
            if scores[one] - scores[other] > NEWEST + 1e-5:
                assert gained[one] > gained[other]
            if scores[one] == scores[other] and (dates[one] or "") > (dates[other] or ""):
                assert gained[one] > gained[other]
