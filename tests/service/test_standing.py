"""Standing: what the evidence allows to be said."""

from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.readers.evidence import Evidence, WeighedSentence
from service.readers.standing import Calibration
from tests.service.passages import make_passage

CALIBRATION = Calibration(abstain=0.4, answered=0.6, off_topic=0.2)
ORDER = ("abstain", "weak", "answered")
TEXT = "Ravensby counted the votes."
strengths = st.floats(0, 1.5)


def evidence(strength: float) -> Evidence:
    """One sentence about Ravensby, and evidence of that strength."""
    passage = make_passage("k", TEXT)
    return Evidence((WeighedSentence(passage, Span(0, len(TEXT)), TEXT, 1.0),), strength)


@given(strengths, strengths)
def test_stronger_evidence_never_stands_lower(one: float, other: float) -> None:
    """The standing rises with the evidence, from abstaining over weak to answered."""
    lower, higher = (
        ORDER.index(CALIBRATION.standing("Who counted in Ravensby?", evidence(g))) for g in sorted((one, other))
    )
    assert lower <= higher


def test_each_threshold_belongs_to_what_lies_above() -> None:
    """Evidence of exactly a threshold has reached it."""
    found = [CALIBRATION.standing("Who counted in Ravensby?", evidence(g)) for g in (0.39, 0.4, 0.59, 0.6)]
    assert found == ["abstain", "weak", "weak", "answered"]


@given(strengths)
def test_quotes_about_others_are_no_answer(strength: float) -> None:
    """Where no quoted article has a name of the question, quotes are weak at best and abstained from as ever."""
    found = CALIBRATION.standing("Who counted in Tolmere?", evidence(strength))
    assert found == ("abstain" if strength < CALIBRATION.abstain else "weak")


def test_no_sentence_at_all_is_abstained_from() -> None:
    """Passages without a single statement have no evidence."""
    assert CALIBRATION.standing("Who counted in Tolmere?", Evidence((), 0.0)) == "abstain"


def test_the_shipped_thresholds_are_in_order() -> None:
    """Off-topic lies below abstaining, and that below answered."""
    shipped = Calibration.read()
    assert 0 < shipped.off_topic < shipped.abstain < shipped.answered < 1
