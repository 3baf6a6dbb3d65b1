"""Proof: in each mode, what may be shown and what is withheld for which reason."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.records import Span
from service.citations.verify import Check, SupportCheck, Thresholds, Verifier
from service.records import DraftSentence
from tests.fakes import HashedEmbedder
from tests.service.passages import make_passage

RAIN, FERRY = "It rained for three days.", "The ferry sank in May."
PASSAGES = {"k7f2": make_passage("k7f2", RAIN), "m3p9": make_passage("m3p9", FERRY)}

TRUE = DraftSentence(("It rained for three days", ("k7f2",), "."))
LIE = DraftSentence(("It rained for nine days", ("k7f2",), "."))
UNMARKED = DraftSentence((RAIN,))
INVENTED = DraftSentence((RAIN,), invented=("x9x9",))
UNKNOWN = DraftSentence(("It rained for three days", ("q2q2",), "."))


@pytest.fixture(scope="module")
def verifier() -> Verifier:
    """A verifier whose check needs no model."""
    return Verifier(SupportCheck(HashedEmbedder(), Thresholds.read()))


def test_a_true_sentence_is_quoted(verifier: Verifier) -> None:
    """A sentence that its passage bears out is shown with its quote."""
    check = verifier.verify(TRUE, PASSAGES, "verified")
    assert check.withheld is None
    assert [(quote.text, quote.status, quote.method) for quote in check.quotes] == [(RAIN, "verified", "exact")]


WITHHELD = [
    (LIE, "number_not_in_source"),
    (UNMARKED, "no_marker"),
    (INVENTED, "invented_marker"),
    (UNKNOWN, "no_marker"),
    (DraftSentence((RAIN, ("m3p9",))), "number_not_in_source"),
    (DraftSentence((("k7f2",), "The ferry sank", ("q2q2",), "."), invented=("1",)), "not_in_source"),
]


@pytest.mark.parametrize(("draft", "reason"), WITHHELD)
def test_without_proof_a_sentence_is_withheld(verifier: Verifier, draft: DraftSentence, reason: str) -> None:
    """A lie, a sentence without a marker and one whose markers were invented are withheld, each for its reason."""
    assert verifier.verify(draft, PASSAGES, "verified") == Check(withheld=reason)


def test_an_invented_marker_beside_a_true_one_does_no_harm(verifier: Verifier) -> None:
    """A sentence that one of its markers proves is shown, whatever else it cites."""
    draft = DraftSentence(("It rained for three days", ("k7f2", "m3p9"), "."), invented=("x9x9",))
    check = verifier.verify(draft, PASSAGES, "verified")
    assert [quote.passage.key for quote in check.quotes] == ["k7f2"]


def test_markers_are_shown_unproven(verifier: Verifier) -> None:
    """In mode `markers` an unproven sentence is shown, its passages quoted whole and unverified."""
    check = verifier.verify(LIE, PASSAGES, "markers")
    assert check.withheld is None
    assert [(quote.text, quote.span, quote.status) for quote in check.quotes] == [
        (RAIN, Span(0, len(RAIN)), "unverified")
    ]
    assert verifier.verify(TRUE, PASSAGES, "markers") == verifier.verify(TRUE, PASSAGES, "verified")


@pytest.mark.parametrize("draft", [UNMARKED, INVENTED, UNKNOWN])
def test_without_markers_nothing_is_quoted(verifier: Verifier, draft: DraftSentence) -> None:
    """In mode `markers` a sentence that cites nothing is shown without a quote."""
    assert verifier.verify(draft, PASSAGES, "markers") == Check()


@pytest.mark.parametrize("draft", [TRUE, LIE, UNMARKED, INVENTED])
def test_nothing_is_checked_when_off(verifier: Verifier, draft: DraftSentence) -> None:
    """In mode `off` every sentence is shown without a quote."""
    assert verifier.verify(draft, PASSAGES, "off") == Check()


WORDS = st.lists(st.sampled_from("It rained for three nine days . The ferry sank in May not".split()), max_size=8)
KEYS = st.lists(st.sampled_from(["k7f2", "m3p9", "q2q2"]), max_size=3, unique=True)


@given(words=WORDS, keys=KEYS, invented=st.booleans())
def test_what_is_shown_is_proven(words: list[str], keys: list[str], invented: bool) -> None:
    """In mode `verified` a sentence has quotes, of passages that it cites, or it is withheld; never both or neither."""
    verifier = Verifier(SupportCheck(HashedEmbedder(), Thresholds.read()))
    check = verifier.verify(DraftSentence((" ".join(words), tuple(keys)), ("x9x9",) * invented), PASSAGES, "verified")
    assert bool(check.quotes) == (check.withheld is None)
    assert {quote.passage.key for quote in check.quotes} <= set(keys)
    assert all(quote.status != "unverified" for quote in check.quotes)
