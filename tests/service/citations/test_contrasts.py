"""Contrasts: opposites, inverted statements and additions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.contrasts import (
    adds_content,
    adds_negation,
    contradicted_word,
    differs_in_contrast,
    has_opposite_contrast,
    has_unsupported_clause,
)
from service.citations.english import english

OPPOSITES = [
    ("The council approved the budget.", "The council did not approve the budget."),
    ("The council approved the budget.", "The council never approved the budget."),
    ("The council approved the budget.", "The council refused to approve the budget."),
    ("The council approved the budget.", "The council has yet to approve the budget."),
    ("The council approved the budget.", "The council rejected the budget."),
    ("The council approved the budget.", "The council didn’t approve the budget."),
    ("The crew saved the ship.", "The crew could have saved the ship."),
    ("The ferry sank.", "It is false that the ferry sank."),
    ("The crew was hurt.", "None in the crew was hurt."),
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


@pytest.mark.parametrize(("claim", "source"), OPPOSITES)
def test_opposites_are_found_both_ways(claim: str, source: str) -> None:
    """A word affirmed on one side and denied on the other is the opposite, on either side."""
    assert contradicted_word(claim, source) is not None
    assert contradicted_word(source, claim) is not None


NOT_OPPOSITES = [
    ("The council approved the budget.", "The council approved the budget after a debate that nothing disturbed."),
    ("The council did not approve the budget.", "The council has not approved the budget."),
    ("The council never approved it.", "The council did not approve it."),
    ("The mill is never safe.", "The mill, never safe, is closed."),
    ("The firm denied that it closed the mill.", "The firm has denied closing the mill."),
    ("Prices rose and wages fell.", "Wages fell while prices rose."),
    ("The ferry is slow.", "The ferry is slow, but it has never sunk."),
    ("Holt resigned.", "Holt resigned. The council did not."),
    ("New Aldane won.", "Old ships came to New Aldane, which won."),
    ("The union won.", "The union won."),
    ("", ""),
]


@pytest.mark.parametrize(("claim", "source"), NOT_OPPOSITES)
def test_the_same_polarity_agrees(claim: str, source: str) -> None:
    """Two denials agree, and so do two statements with a negation elsewhere."""
    assert contradicted_word(claim, source) is None


def test_a_negation_reaches_three_words() -> None:
    """Up to three content words behind a negation are denied, and none beyond or in another clause."""
    denied = "There never were green and blue and black boats."
    assert all(contradicted_word(f"They were {colour}.", denied) for colour in ("green", "blue", "black"))
    assert contradicted_word("They were boats.", denied) is None
    assert contradicted_word("It was cold.", f"{denied} It was cold.") is None


WORDS = st.lists(st.sampled_from("Galt ferry rose fell not never the safe unsafe denied sank 12 no, but . few".split()))


@given(words=WORDS)
def test_nothing_is_the_opposite_of_itself(words: list[str]) -> None:
    """A text is never the opposite of itself."""
    assert contradicted_word(" ".join(words), " ".join(words)) is None


@given(text=st.text(max_size=40), other=st.text(max_size=40))
def test_every_two_texts_can_be_compared(text: str, other: str) -> None:
    """Any text can be processed."""
    contradicted_word(text, other)


def test_every_antonym_is_found_both_ways() -> None:
    """Each pair of the word list is opposed in either order."""
    pairs = [(one, other) for one, others in english().antonym_stems.items() for other in others]
    assert pairs
    assert all(one in english().antonym_stems[other] for one, other in pairs)
    assert not [one for one, other in pairs if one == other]


OPPOSED = [
    ("The library reopened five months before the storm.", "The library reopened five months after the storm."),
    ("The library reopened prior to the storm.", "The library reopened following the storm."),
    ("Before the storm, the library reopened.", "The library reopened after the storm."),
    ("The library reopened ahead of the fair.", "The library reopened after the fair."),
    ("The mayor left before the council voted.", "The mayor left after the council voted."),
    ("The storm came after the library reopened.", "The library reopened after the storm came."),
    ("The storm came, two days before the flood.", "The storm came, two days after the flood."),
    ("The talks failed earlier.", "The talks failed later."),
    ("Tarn was the first town to vote.", "Tarn was the last town to vote."),
    ("The final ferry sailed at noon.", "The first ferry sailed at noon."),
    ("More than 60 boats sank.", "Fewer than 60 boats sank."),
    ("At least 60 boats sank.", "At most 60 boats sank."),
    ("Over 60 boats sank.", "Under 60 boats sank."),
    ("No fewer than 60 boats sank.", "No more than 60 boats sank."),
    ("Up to 60 boats sank.", "More than 60 boats sank."),
    ("More boats sank in Galt.", "Fewer boats sank in Galt."),
    ("Aldane has more boats than Brisk.", "Aldane has less boats than Brisk."),
    ("Aldane has more boats than Brisk.", "Brisk has more boats than Aldane."),
    ("Wages rose in Galt.", "Wages fell in Galt."),
    ("Wages increased in Galt.", "Wages decreased in Galt."),
    ("Wages have grown in Galt.", "Wages have shrunk in Galt."),
    ("Wages are rising in Galt.", "Wages are dropping in Galt."),
    ("Wages climbed in Galt.", "Wages declined by 3 percent in Galt."),
    ("Wages rose.", "Prices rose and wages fell, while rents rose."),
    ("All residents of Galt left.", "Some residents of Galt left."),
    ("Every resident of Galt left.", "Several residents of Galt left."),
    ("Everybody in Galt voted.", "Nobody in Galt voted."),
    ("All residents of Galt left.", "None of the residents of Galt left."),
    ("All residents of Galt left.", "Few residents of Galt left."),
]


@pytest.mark.parametrize(("claim", "source"), OPPOSED)
def test_the_other_word_is_opposed(claim: str, source: str) -> None:
    """A sentence that differs from its source in one of these words says something else."""
    assert has_opposite_contrast(claim, source)


@pytest.mark.parametrize(("claim", "source"), [pair for pair in OPPOSED if "Prices" not in pair[1]])
def test_the_other_word_is_opposed_in_the_other_direction(claim: str, source: str) -> None:
    """The comparison is symmetric."""
    assert has_opposite_contrast(source, claim)


AGREED = [
    ("The storm came before the library reopened.", "The library reopened after the storm."),
    ("After the storm, the library reopened.", "The library reopened after the storm."),
    ("The recall came three days after the alert.", "An alert was given on Monday, three days before the recall."),
    ("The library reopened following the storm.", "The library reopened after the storm."),
    ("Brisk has fewer boats than Aldane.", "Aldane has more boats than Brisk."),
    ("More than 60 boats sank.", "Over 60 boats sank."),
    ("At least three boats sank.", "Three boats or more sank."),
    ("The goal is missed by three years or more.", "The goal is missed by at least three years."),
    ("Almost 150 boats sank.", "148 boats sank."),
    ("Just under 150 boats sank.", "148 boats sank."),
    ("Wages fell and prices rose.", "Prices rose, wages fell."),
    ("Wages grew by 3 percent.", "Wages increased by 3 percent."),
    ("Wages fell by 18 percent.", "Wages were 18 percent lower."),
    ("Each resident left.", "All residents left."),
    ("The bridge is over the river.", "The bridge stands under the hill, across the river."),
    ("The ferry sailed last week.", "The first ferry of the year sailed last week."),
    ("It was last Monday.", "It was on Monday."),
    ("Some 60 boats sank.", "About 60 boats sank."),
    ("The crew refused to row.", "The crew declined to row."),
    ("", ""),
]


@pytest.mark.parametrize(("claim", "source"), AGREED)
def test_the_same_in_other_words_agrees(claim: str, source: str) -> None:
    """A claim that inverts both its words and its sides, or only rephrases, agrees with its source."""
    assert not has_opposite_contrast(claim, source)


@pytest.mark.parametrize(("claim", "source"), [pair for pair in AGREED if "first ferry" not in pair[1]])
def test_the_same_in_other_words_is_alike(claim: str, source: str) -> None:
    """Such a claim adds no contrast and leaves none out."""
    assert not differs_in_contrast(claim, source)


UNLIKE = [
    ("The library reopened before the storm.", "The library reopened. The storm came in May."),
    ("More than 60 boats sank.", "60 boats sank."),
    ("60 boats sank.", "More than 60 boats sank."),
    ("60 boats sank.", "Up to 60 boats sank."),
    ("Residents of Galt left.", "Some residents of Galt left."),
    ("Residents of Galt left.", "Few residents of Galt left."),
    ("All residents of Galt left.", "Residents of Galt left."),
    ("No one in Galt voted.", "Galt voted."),
    ("It was the first ferry.", "It was the ferry."),
    ("More boats sank in Galt.", "Boats sank in Galt."),
]


@pytest.mark.parametrize(("claim", "source"), UNLIKE)
def test_what_is_added_or_left_out_is_unlike(claim: str, source: str) -> None:
    """A contrast missing from the source, or a limit missing from the claim, differs without being an opposite."""
    assert differs_in_contrast(claim, source)
    assert not has_opposite_contrast(claim, source)


def test_every_form_of_a_family_is_opposed() -> None:
    """Every form of a rise is the opposite of every form of a fall."""
    poles: dict[str, list[str]] = {"up": [], "down": []}
    for phrases in english().contrasts.values():
        for phrase, family, pole in phrases:
            if family == "change":
                poles[pole].append(" ".join(phrase))
    assert all(poles.values())
    for up in poles["up"]:
        for down in poles["down"]:
            assert has_opposite_contrast(f"Wages {up} Galt.", f"Wages {down} Galt.")


SENTENCES = st.lists(
    st.sampled_from("Galt boats before after more than fewer all some first rose fell 60 the , . least at".split()),
    max_size=14,
).map(" ".join)  # fmt: skip


@given(text=SENTENCES)
def test_nothing_is_opposed_to_itself(text: str) -> None:
    """A text says the same as itself."""
    assert not has_opposite_contrast(text, text)


@given(claim=st.one_of(SENTENCES, st.text(max_size=60)), source=st.one_of(SENTENCES, st.text(max_size=60)))
def test_any_two_texts_are_compared(claim: str, source: str) -> None:
    """Any two texts can be compared, with a repeatable result."""
    assert (has_opposite_contrast(claim, source), differs_in_contrast(claim, source)) == (
        has_opposite_contrast(claim, source),
        differs_in_contrast(claim, source),
    )


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
    assert adds_content(claim, stems(claim), stems(SOURCE))


@pytest.mark.parametrize("claim", KEPT)
def test_what_shares_its_words_is_not_added(claim: str) -> None:
    """A sentence whose parts all have a word of the source has no addition."""
    assert not adds_content(claim, stems(claim), stems(SOURCE))


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
        assert not adds_content(claim, stems(claim), stems(claim))
        assert not has_unsupported_clause(claim, stems(claim), stems(claim))
        assert not adds_negation(claim, claim)
