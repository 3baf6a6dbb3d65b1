"""Prices: known to the letter or not at all."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.readers.prices import cost, prices
from service.records import Usage

TOKENS = st.integers(0, 10_000_000)


@given(model=st.sampled_from(sorted(prices())), given_tokens=TOKENS, gave=TOKENS)
def test_cost_is_tokens_times_price(model: str, given_tokens: int, gave: int) -> None:
    """A known model costs its input and its output, each at its price for a million tokens."""
    price = prices()[model]
    expected = given_tokens / 1e6 * price.input + gave / 1e6 * price.output
    assert cost(model, Usage(given_tokens, gave, 1)) == pytest.approx(expected)


def test_cost_of_a_worked_example() -> None:
    """A million tokens in and a hundred thousand out of gpt-4.1 cost two dollars and eighty cents."""
    assert cost("gpt-4.1", Usage(1_000_000, 100_000, 1)) == pytest.approx(2.8)


@given(model=st.text(max_size=30).filter(lambda name: name not in prices()))
def test_unknown_model_has_no_price(model: str) -> None:
    """A name that is not in the table has no price."""
    assert cost(model, Usage(1000, 100, 1)) is None


def test_snapshot_has_no_price() -> None:
    """A dated snapshot may cost something else than its model, so its price is not known."""
    assert cost("gpt-4o", Usage(1000, 100, 1)) is not None
    assert cost("gpt-4o-2024-05-13", Usage(1000, 100, 1)) is None


@pytest.mark.parametrize(
    ("base_url", "known"),
    [
        (None, True),
        ("https://api.openai.com/v1", True),
        ("http://127.0.0.1:8080/v1", False),
        ("https://eu.api.openai.com/v1", False),
        ("https://api.openai.com.example.org/v1", False),
    ],
)
def test_price_is_that_of_openai_itself(base_url: str | None, known: bool) -> None:
    """Only calls to api.openai.com have a known price."""
    assert (cost("gpt-4.1", Usage(1000, 100, 1), base_url) is not None) is known


def test_every_price_is_dated_and_sourced() -> None:
    """Each price is positive, dearer out than in, and names a past day and the page it was read on."""
    assert len(prices()) >= 12
    for price in prices().values():
        assert 0 < price.input < price.output
        assert date.fromisoformat(price.as_of).year >= 2026
        assert price.source.startswith("https://")
