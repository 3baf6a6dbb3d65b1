"""The pair reader's network: how two marked texts become pieces, and what it says of them."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index.embedding.local import load_tokenizer
from index.embedding.pair_network import (
    ASKED_PIECES,
    SIDE_PIECES,
    TITLE_PIECES,
    VALUE_TYPES,
    MarkedText,
    PairNetwork,
    encode_pair,
)

LONGEST = 4 + ASKED_PIECES + 2 * (TITLE_PIECES + SIDE_PIECES)


def marked(text: str, value: str, title: str = "The Galt bridge") -> MarkedText:
    """Return a text with the place of a value."""
    start = text.index(value)
    return MarkedText(title, text, start, start + len(value))


@st.composite
def texts(draw: st.DrawFn) -> MarkedText:
    """Return any text with a word at any place as its value."""
    before, after = draw(st.text(max_size=400)), draw(st.text(max_size=400))
    return MarkedText(draw(st.text(max_size=60)), f"{before} seven {after}", len(before) + 1, len(before) + 6)


@given(st.text(max_size=80), texts(), texts())
def test_the_values_are_always_read(asked: str, one: MarkedText, other: MarkedText) -> None:
    """However long the texts are, the pieces of both values are there, in the order of the texts."""
    pair = encode_pair(load_tokenizer(None), asked, one, other)
    assert len(pair.ids) == len(pair.types) <= LONGEST
    places = [[at for at, kind in enumerate(pair.types) if kind == side] for side in VALUE_TYPES]
    assert all(places)
    assert max(places[0]) < min(places[1])


@pytest.fixture(scope="module")
def network(models: Path) -> PairNetwork:
    """The network."""
    return PairNetwork(models)


LENGTH = marked("The Galt bridge is 58 metres long.", "58 metres")


@pytest.mark.parametrize(
    ("other", "is_conflict"),
    [
        (marked("The Galt bridge over the Ull has a length of 85 metres.", "85 metres"), True),
        (marked("The bridge in Galt is 11 metres high, higher than the church.", "11 metres"), False),
    ],
)
def test_one_fact_is_told_from_another(network: PairNetwork, other: MarkedText, *, is_conflict: bool) -> None:
    """Two lengths of a bridge conflict; its length and its height do not. The probabilities are at most 1 together."""
    related = network.related("the same day. How long is the Galt bridge?", LENGTH, other)
    assert (related.conflict > 0.5) is is_conflict
    assert 0 <= related.conflict + related.update <= 1 + 1e-6
