"""Contrasts: before and after, more and less, first and last, rise and fall, all and some."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.contrasts import opposed, unlike
from service.citations.english import english

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
    assert opposed(claim, source)


@pytest.mark.parametrize(("claim", "source"), [pair for pair in OPPOSED if "Prices" not in pair[1]])
def test_the_other_word_is_opposed_in_the_other_direction(claim: str, source: str) -> None:
    """It does not matter which of the two is the source."""
    assert opposed(source, claim)


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
    """A claim that turns both its words and its sides round, or only rephrases, agrees with its source."""
    assert not opposed(claim, source)


@pytest.mark.parametrize(("claim", "source"), [pair for pair in AGREED if "first ferry" not in pair[1]])
def test_the_same_in_other_words_is_alike(claim: str, source: str) -> None:
    """Such a claim adds no contrast and leaves none out."""
    assert not unlike(claim, source)


UNLIKE = [
    ("The library reopened before the storm.", "The library reopened. The storm came in May."),
    ("More than 60 boats sank.", "60 boats sank."),
    ("60 boats sank.", "More than 60 boats sank."),
    ("60 boats sank.", "Up to 60 boats sank."),
    ("Residents of Galt left.", "Some residents of Galt left."),
    ("Residents of Galt left.", "Few residents of Galt left."),
    ("All residents of Galt left.", "Residents of Galt left."),
    ("Nobody in Galt voted.", "Galt voted."),
    ("It was the first ferry.", "It was the ferry."),
    ("More boats sank in Galt.", "Boats sank in Galt."),
]


@pytest.mark.parametrize(("claim", "source"), UNLIKE)
def test_what_is_added_or_left_out_is_unlike(claim: str, source: str) -> None:
    """A contrast that the source lacks, or a limit of the source that the claim lacks, is no opposite but differs."""
    assert unlike(claim, source)
    assert not opposed(claim, source)


def test_every_form_of_a_family_is_opposed() -> None:
    """Whatever form of a rise and of a fall is taken, one is the opposite of the other."""
    poles: dict[str, list[str]] = {"up": [], "down": []}
    for phrases in english().contrasts.values():
        for phrase, family, pole in phrases:
            if family == "change":
                poles[pole].append(" ".join(phrase))
    assert all(poles.values())
    for up in poles["up"]:
        for down in poles["down"]:
            assert opposed(f"Wages {up} Galt.", f"Wages {down} Galt.")


SENTENCES = st.lists(
    st.sampled_from("Galt boats before after more than fewer all some first rose fell 60 the , . least at".split()),
    max_size=14,
).map(" ".join)  # fmt: skip


@given(text=SENTENCES)
def test_nothing_is_opposed_to_itself(text: str) -> None:
    """A text says the same as itself."""
    assert not opposed(text, text)


@given(claim=st.one_of(SENTENCES, st.text(max_size=60)), source=st.one_of(SENTENCES, st.text(max_size=60)))
def test_any_two_texts_are_compared(claim: str, source: str) -> None:
    """Every two texts have an answer, the same each time."""
    assert (opposed(claim, source), unlike(claim, source)) == (opposed(claim, source), unlike(claim, source))
