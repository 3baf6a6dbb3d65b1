"""Contradiction: what a source keeps of a claim's words, and what differs there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.verify import Thresholds
from service.citations.wording import Comparison, compare

WEIGHTS = Thresholds.read().weights

KINDS = [
    ("Rusk sued Holt.", "Holt sued Rusk.", {"moved"}),
    ("Holt was sued by Rusk.", "Rusk sued Holt.", {"moved", "voice"}),
    ("The mayor's ferry left.", "The ferry of the mayor left.", {"moved", "owner"}),
    ("The fund did not pay.", "The fund paid.", {"negation"}),
    ("The fund paid.", "The fund refused to pay.", {"negation left out"}),
    ("The alarms were off.", "The owners denied that the alarms were off.", {"negation left out"}),
    ("The fund pays.", "The fund plans to pay.", {"modality left out"}),
    ("The fund would pay.", "The fund will pay.", set()),
    ("The fund will pay.", "The fund may pay.", {"modality", "modality left out"}),
    ("All crews left.", "Some crews left.", {"amount", "amount left out", "opposite"}),
    ("All crews left.", "All but four crews left.", {"amount", "opposite"}),
    (
        "The ferry sank before it burnt.",
        "The ferry sank after it burnt.",
        {"relation", "relation left out", "opposite"},
    ),
    ("The minister left.", "The former minister left.", {"rank left out"}),
    ("Prices fell sharply.", "Prices rose sharply.", {"opposite"}),
    ("The ferry sank in May, in the storm.", "In the storm in May, the ferry sank.", set()),
    ("Holt said that the ferry sank.", "The ferry sank, Holt said.", set()),
]


@pytest.mark.parametrize(("claim", "source", "kinds"), KINDS)
def test_each_kind_of_difference_has_its_name(claim: str, source: str, kinds: set[str]) -> None:
    """Moved words, contrasts on either side and opposites are distinguished; phrases and speakers may move."""
    assert compare(claim, source).differences.keys() == kinds


def test_neighbours_are_kept_or_moved() -> None:
    """The shares are of all pairs of neighbours; a moved pair with a name or a number counts twice."""
    assert compare("The old ferry sank fast.", "The old ferry left fast.") == (1 / 3, {})
    assert compare("The fast ferry sank.", "The ferry sank fast.") == (1 / 2, {"moved": 1 / 2})
    assert compare("The Rusk ferry sank.", "The ferry sank Rusk.") == (1 / 2, {"moved": 1})
    assert compare("The ferry of 1998 sank.", "The ferry sank in 1998.") == (1 / 2, {})


def test_moved_words_count_by_what_the_source_has() -> None:
    """A claim of which the source has two of three words has four ninths of the weight of its moved words."""
    assert compare("The ferry sank.", "It sank: the ferry.").differences == {"moved": 1}
    assert compare("The ferry sank, burning.", "It sank: the ferry.").differences == {"moved": pytest.approx(4 / 9)}


WORDS = st.sampled_from("Holt Rusk sued sank 12 three not all before by said who and may the boats , .".split())


@given(words=st.lists(WORDS, max_size=9, unique=True))
def test_a_text_does_not_contradict_itself(words: list[str]) -> None:
    """A text keeps the wording of itself, and nothing differs."""
    text = " ".join(words)
    assert compare(text, text) in [(0, {}), (1, {})]


@given(text=st.text(max_size=40), other=st.text(max_size=40))
def test_every_two_texts_can_be_compared(text: str, other: str) -> None:
    """Any text can be processed; what is kept is a share, and no difference is negative."""
    comparison = compare(text, other)
    assert 0 <= comparison.kept <= 1
    assert all(size > 0 for size in comparison.differences.values())


@given(kept=st.floats(0, 1), moved=st.floats(0, 2), kinds=st.sets(st.sampled_from(sorted(WEIGHTS))))
def test_differences_count_by_what_is_kept(kept: float, moved: float, kinds: set[str]) -> None:
    """A difference never speaks for a sentence, and counts for nothing where no wording is kept."""
    differences = dict.fromkeys(kinds, 1.0) | {"moved": moved}
    found = Comparison(kept, differences).contradiction(WEIGHTS)
    assert found >= Comparison(kept, {"moved": moved}).contradiction(WEIGHTS) >= 0
    assert found <= Comparison(1, differences).contradiction(WEIGHTS)
    assert Comparison(0, differences).contradiction(WEIGHTS) == Comparison(0, {"moved": moved}).contradiction(WEIGHTS)


def test_a_repeated_word_does_not_multiply_the_work() -> None:
    """A text that repeats two words thousands of times is compared in no time."""
    assert compare("ferry sank " * 400, "ferry sank " * 4000).kept > 0.9
