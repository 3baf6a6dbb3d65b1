import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.readers.parts import sides, sub_questions
from tests.service.passages import make_passage

SIDES: dict[str, list[str]] = {
    "Which of the two mills has more looms, Galt or Brisk?": ["How many looms has Galt?", "How many looms has Brisk?"],
    "Does Galt Mill or Brisk Mill employ more weavers?": [
        "How many weavers has Galt Mill?",
        "How many weavers has Brisk Mill?",
    ],
    "What was dearer, the roof of the mill or its new gate?": [
        "How much did the roof of the mill cost?",
        "How much did its new gate cost?",
    ],
    "Is the canal from Galt to Brisk longer than the old railway?": [
        "What is the length of the canal from Galt to Brisk?",
        "What is the length of the old railway?",
    ],
    "How did the price of wool change between May and August 2026?": [
        "What was the price of wool in May 2026?",
        "What was the price of wool in August 2026?",
    ],
    "Is the mill open?": [],
    "How many people were hurt or killed?": [],
    "Did more people come than in 2024?": [],
    "What runs between Galt and Brisk?": [],
}


@pytest.mark.parametrize("question", SIDES)
def test_a_comparison_asks_the_same_of_both_sides(question: str) -> None:
    """Each side of a comparison has its own question; another question has no sides."""
    assert [side.question for side in sides(question)] == SIDES[question]


def test_a_side_of_a_month_is_read_without_it() -> None:
    """The passages of a month do not say "in May": which they are of is known by their dates."""
    asked = "How did the price of wool change between May and August 2026?"
    assert {side.undated for side in sides(asked)} == {"What was the price of wool?"}
    named = sides("Which of the two mills has more looms, Galt or Brisk?")
    assert [side.undated for side in named] == [side.question for side in named]


def test_a_side_is_in_the_passages_that_name_it() -> None:
    """A name may be in the title or the text; a month must be in the sentence or be that of the article."""
    galt, brisk = sides("Which of the two mills has more looms, Galt or Brisk?")
    here = make_passage("k1", "The mill has 40 looms.", title="Galt Mill counts its looms")
    assert galt.is_in(here)
    assert not brisk.is_in(here)

    may, august = sides("How did the price of wool change between May and August 2026?")
    there = make_passage("k2", "In August 2026 a kilo cost 3 crowns. In May it cost 2.")
    assert august.is_in(there, "In August 2026 a kilo cost 3 crowns.")
    assert not may.is_in(there, "In August 2026 a kilo cost 3 crowns.")


@given(st.text(max_size=200))
def test_any_text_has_two_sides_or_none(question: str) -> None:
    """No text fails; its parts and sides are never empty."""
    assert len(sides(question)) in (0, 2)
    assert all(side.question.strip() for side in sides(question))
    assert all(part.strip() for part in sub_questions(question))
