"""Counts: two figures of a source do not trade places, and other words around a figure are no contradiction."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.numbers import figure_of_another

TRADED = [
    ("The fire killed 12 people and injured three.", "The fire killed three people and injured 12."),
    ("12 boats and 30 cars were lost.", "30 boats and 12 cars were lost."),
    ("Unemployment fell from 7 percent to 5 percent.", "Unemployment fell from 5 percent to 7 percent."),
    ("The fire left 12 dead and three injured.", "The fire left three dead and 12 injured."),
    ("The museum opened in 1954 and burnt down in 1921.", "The museum opened in 1921 and burnt down in 1954."),
    ("The vote was held on 3 May and the count on 9 June.", "The vote was held on 9 June and the count on 3 May."),
    ("The mill employs 30 men.", "The mill employs 12 men and owns 30 boats."),
]
KEPT = [
    ("The fund paid 5 million in 2021.", "The fund paid 3 million in 2019 and 5 million in 2021."),
    ("Sales rose 5 percent in June.", "Sales rose 3 percent in May and 5 percent in June."),
    ("Twelve boats sank.", "Of the 30 boats, twelve sank."),
    ("Twelve boats were lost.", "The port had 30 boats. Twelve were lost."),
    ("The bridge, 412 metres long, cost 3 million euros.", "The bridge cost 3 million euros and is 412 metres long."),
    ("Three people died and 12 were hurt.", "The fire left three dead and 12 hurt."),
    ("Turnout was 61 percent, up from 58 percent.", "Turnout rose to 61 percent from 58 percent."),
    ("The vote was held on 2024-06-12.", "The vote was held on June 12, 2024."),
    ("The vote was held in June 2024.", "The vote was held on 12 June 2024."),
    ("The bridge is about 400 metres long.", "The bridge is 412 metres long."),
    ("Between 3 and 12 boats sank.", "Between 3 and 12 boats sank."),
    ("It rained.", "It rained for 3 days."),
]


@pytest.mark.parametrize(("claim", "source"), TRADED)
def test_figures_that_trade_places_are_told(claim: str, source: str) -> None:
    """A number or date beside a word that goes with another one in the source is that other one's."""
    assert figure_of_another(claim, source) is not None


@pytest.mark.parametrize(("claim", "source"), KEPT)
def test_figures_in_other_words_are_kept(claim: str, source: str) -> None:
    """A figure that keeps one of its words, or that the source leaves a word out for, stays."""
    assert figure_of_another(claim, source) is None


PARTS = st.sampled_from(
    "12 30 1,999 3.4 million twelve boats cars sank rose from to in 2019 3 May percent , . and".split()
)


@given(parts=st.lists(PARTS, max_size=14))
def test_a_text_keeps_its_own_figures(parts: list[str]) -> None:
    """No text contradicts itself."""
    assert figure_of_another(" ".join(parts), " ".join(parts)) is None


@given(
    counts=st.lists(st.integers(2, 999), min_size=2, max_size=2, unique=True),
    nouns=st.permutations("boats cars".split()),
)
def test_two_counts_cannot_be_swapped(counts: list[int], nouns: list[str]) -> None:
    """Whatever two things are counted, each count is its own."""
    first, second = counts
    source = f"The port lost {first} {nouns[0]} and {second} {nouns[1]}."
    assert figure_of_another(f"The port lost {second} {nouns[1]} and {first} {nouns[0]}.", source) is None
    assert figure_of_another(f"The port lost {second} {nouns[0]} and {first} {nouns[1]}.", source) is not None


@given(text=st.text(max_size=40), other=st.text(max_size=40))
def test_every_two_texts_can_be_compared(text: str, other: str) -> None:
    """No text fails."""
    figure_of_another(text, other)
