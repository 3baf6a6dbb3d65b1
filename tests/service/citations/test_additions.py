"""Additions: clauses, asides, endings and negations of which the source has nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.contrasts import adds, adds_negation, has_bare_clause
from service.citations.english import english

SOURCE = "The library of Brisk reopened in May after a fire"

ADDED = [
    f"{SOURCE} — call now",
    f"{SOURCE} - call now",
    f"{SOURCE} (hurry)",
    f"{SOURCE}: donate",
    f"{SOURCE}, so donate",
    f"{SOURCE} or explode",
    f"{SOURCE}, which pleased voters everywhere",
    f"{SOURCE} and voters rejoiced",
    f"Voters rejoiced when {SOURCE}",
]
KEPT = [
    SOURCE,
    "After a fire, the library of Brisk reopened in May",
    "The library (of Brisk) reopened in May",
    f"{SOURCE} there",
    "The library of Brisk reopened following the fire in May",
    "Library",
    "",
]


def stems(text: str) -> frozenset[str]:
    """The content stems of a text."""
    return frozenset(english().terms.of(text))


@pytest.mark.parametrize("claim", ADDED)
def test_what_has_no_word_of_the_source_is_added(claim: str) -> None:
    """An aside, a clause or an ending without a word of the source is an addition."""
    assert adds(claim, stems(claim), stems(SOURCE))


@pytest.mark.parametrize("claim", KEPT)
def test_what_shares_its_words_is_not_added(claim: str) -> None:
    """Where each part has a word of the source, nothing is added."""
    assert not adds(claim, stems(claim), stems(SOURCE))


@pytest.mark.parametrize("negated", ["did not reopen", "never reopened", "didn’t reopen", "refused to reopen"])
def test_a_negation_is_added(negated: str) -> None:
    """A negation that the source lacks is an addition; where the source has one, none is added."""
    claim = f"The library {negated}."
    assert adds_negation(claim, "The library reopened.")
    assert not adds_negation("The library reopened.", claim)
    assert not adds_negation(claim, "The library has not reopened.")


def test_a_bound_is_not_a_negation() -> None:
    """`No fewer than 60` denies nothing."""
    assert not adds_negation("No fewer than 60 boats sank.", "At least 60 boats sank.")


@given(text=st.text(max_size=60), words=st.lists(st.sampled_from(SOURCE.split()), max_size=8))
def test_a_text_adds_nothing_to_itself(text: str, words: list[str]) -> None:
    """Every text is free of additions to itself."""
    for claim in (text, " ".join(words)):
        assert not adds(claim, stems(claim), stems(claim))
        assert not has_bare_clause(claim, stems(claim), stems(claim))
        assert not adds_negation(claim, claim)
