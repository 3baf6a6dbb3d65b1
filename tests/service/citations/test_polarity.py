"""Polarity: a negation, a refusal or an antonym on one side only is the opposite."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.contrasts import opposite
from service.citations.english import english

OPPOSED = [
    ("The council approved the budget.", "The council did not approve the budget."),
    ("The council approved the budget.", "The council never approved the budget."),
    ("The council approved the budget.", "The council refused to approve the budget."),
    ("The council approved the budget.", "The council has yet to approve the budget."),
    ("The council approved the budget.", "The council rejected the budget."),
    ("The council approved the budget.", "The council didn’t approve the budget."),
    ("The crew saved the ship.", "The crew could have saved the ship."),
    ("The ferry sank.", "It is false that the ferry sank."),
    ("The crew was hurt.", "Nobody of the crew was hurt."),
    ("The ship had a licence.", "The ship sailed without a licence."),
    ("The firm closed the mill.", "The firm denied that it had closed the mill."),
    ("The mill is safe.", "The mill is no longer safe."),
    ("The mill is safe.", "The mill is unsafe."),
    ("The plan is possible.", "The plan is impossible."),
    ("The answer was expected.", "The answer was unexpected."),
    ("Prices rose.", "Prices fell."),
    ("Exports went up.", "Exports went down."),
    ("Few people came.", "Many people came."),
    ("The strike ended.", "The strike began."),
    ("The northern road is open.", "The southern road is open."),
    ("Sales rose in spring.", "Sales rose in autumn."),
    ("Thousands of people fled.", "Hundreds of people fled."),
    ("The largest town is Galt.", "The smallest town is Galt."),
    ("The winner is Galt.", "The winner is not Galt."),
    ("The fund stopped paying.", "The fund started paying."),
    ("The fund paid.", "The fund did not pay."),
    ("The ferry sank.", "The ferry did not sink."),
]


@pytest.mark.parametrize(("claim", "source"), OPPOSED)
def test_opposites_are_told_both_ways(claim: str, source: str) -> None:
    """What is affirmed on one side and denied on the other is the opposite, whichever side is the claim."""
    assert opposite(claim, source) is not None
    assert opposite(source, claim) is not None


AGREED = [
    ("The council approved the budget.", "The council approved the budget after a debate that nobody expected."),
    ("The council did not approve the budget.", "The council has not approved the budget."),
    ("The council never approved it.", "The council did not approve it."),
    ("The mill is no longer safe.", "The mill, no longer safe, is closed."),
    ("The firm denied that it closed the mill.", "The firm has denied closing the mill."),
    ("Prices rose and wages fell.", "Wages fell while prices rose."),
    ("The ferry is slow.", "The ferry is slow, but it has never sunk."),
    ("Holt resigned.", "Holt resigned. The council did not."),
    ("New Aldane won.", "Old ships came to New Aldane, which won."),
    ("The union won.", "The union won."),
    ("", ""),
]


@pytest.mark.parametrize(("claim", "source"), AGREED)
def test_the_same_polarity_agrees(claim: str, source: str) -> None:
    """Two denials agree, and so do two statements with a negation elsewhere."""
    assert opposite(claim, source) is None


def test_a_negation_reaches_three_words() -> None:
    """Up to three content words behind a negation are denied, and none beyond or in another clause."""
    denied = "There never were green and blue and black boats."
    assert all(opposite(f"They were {colour}.", denied) for colour in ("green", "blue", "black"))
    assert opposite("They were boats.", denied) is None
    assert opposite("It was cold.", f"{denied} It was cold.") is None


WORDS = st.lists(st.sampled_from("Galt ferry rose fell not never the safe unsafe denied sank 12 no, but . few".split()))


@given(words=WORDS)
def test_nothing_is_the_opposite_of_itself(words: list[str]) -> None:
    """A text is never the opposite of itself."""
    assert opposite(" ".join(words), " ".join(words)) is None


@given(text=st.text(max_size=40), other=st.text(max_size=40))
def test_every_two_texts_can_be_compared(text: str, other: str) -> None:
    """No text fails."""
    opposite(text, other)


def test_every_antonym_is_told_both_ways() -> None:
    """Each pair of the word list is opposed in either order."""
    pairs = [(one, other) for one, others in english().antonym_stems.items() for other in others]
    assert pairs
    assert all(one in english().antonym_stems[other] for one, other in pairs)
    assert not [one for one, other in pairs if one == other]
