"""Speakers: who says what in a claim and in its source."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.citations.names import find_speakers, has_another_speaker

SPEAKERS: dict[str, list[set[str]]] = {
    "Pell Rusk said the dam was safe.": [{"pell", "rusk"}],
    "The dam is safe, said Maren Holt.": [{"maren", "holt"}],
    "According to Maren Holt, the dam is safe.": [{"maren", "holt"}],
    "The dam, according to the Courier, is safe.": [{"courier"}],
    "Rusk was accused of fraud by Holt.": [{"holt"}],
    "Rusk was accused of fraud.": [],
    "Holt, who works for Galt, warned of floods.": [{"holt"}],
    "She said so.": [],
    "Rusk left.": [],
}


@pytest.mark.parametrize("text", SPEAKERS)
def test_a_statement_has_its_speaker(text: str) -> None:
    """The speaker is before the verb, after it, after `according to`, or after the `by` of a passive."""
    assert [set(found) for found in find_speakers(text)] == SPEAKERS[text]


OTHER = [
    ("Holt accused Rusk of fraud.", "Rusk accused Holt of fraud."),
    ("Rusk accused Holt of fraud.", "Rusk was accused of fraud by Holt."),
    ("Rusk said the dam would fail.", "Holt said the dam would fail. Rusk said it was safe."),
    ("According to Rusk, the dam will fail.", "Holt said the dam would fail. Rusk said it was safe."),
]


@pytest.mark.parametrize(("claim", "source"), OTHER)
def test_another_says_it(claim: str, source: str) -> None:
    """A statement of another speaker, and an accused who accuses, differ."""
    assert has_another_speaker(claim, source)


SAME = [
    ("Holt accused Rusk of fraud.", "Holt accused Rusk of fraud on Monday."),
    ("Holt accused Rusk of fraud.", "Rusk was accused of fraud by Holt."),
    ("Rusk was accused of fraud by Holt.", "Holt accused Rusk of fraud."),
    ("The dam is safe, said Rusk.", "Pell Rusk said the dam was safe."),
    ("According to Pell Rusk, the dam is safe.", "The dam is safe, Pell Rusk said."),
    ("The UN said it would help.", "The United Nations said it would help."),
    ("Tennick thanked the crews.", "Mayor Orla Tennick opened the harbour. She thanked the crews."),
    ("It rained.", "Rusk said it rained."),
    ("", ""),
]


@pytest.mark.parametrize(("claim", "source"), SAME)
def test_the_same_says_it(claim: str, source: str) -> None:
    """A passive, an acronym, a longer name and a pronoun do not change the speaker."""
    assert not has_another_speaker(claim, source)


WORDS = st.sampled_from(
    "Holt Rusk Aldane accused beat said the firm city sued was by to from . , and that it sank".split()
)


@given(words=st.lists(WORDS, min_size=1, max_size=5, unique=True))
def test_a_text_has_its_own_speakers(words: list[str]) -> None:
    """A text without repeated words has the same speakers as itself."""
    assert not has_another_speaker(" ".join(words), " ".join(words))


@given(text=st.text(max_size=40), other=st.text(max_size=40))
def test_every_two_texts_can_be_compared(text: str, other: str) -> None:
    """Any text can be processed."""
    has_another_speaker(text, other)
