"""The budget: token counts without a download, passages that fit, and known prices."""

import math
import os
import subprocess
import sys
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.prompts import MARGIN, cost, count_tokens, fit_passages, prices
from service.records import Passage
from tests.service.passages import make_passage

TEXT = st.text(max_size=200)


def passages_of(texts: list[str]) -> list[Passage]:
    return [make_passage(f"k{n:03d}", text) for n, text in enumerate(texts)]


@pytest.mark.parametrize(
    ("model", "tokens"),
    [("gpt-4o", 4), ("gpt-4.1-mini", 4), ("gpt-oss-20b", 4), ("gpt-4", 4), ("gpt-3.5-turbo-0125", 4)],
)
def test_known_models_are_counted_exactly(model: str, tokens: int) -> None:
    """Models with a bundled encoding are counted to the token, with the network off."""
    assert count_tokens("Hello, world!", model) == tokens


@pytest.mark.parametrize("model", ["llama3.1:8b", "gpt-6-luna", "text-davinci-003", ""])
@given(text=TEXT)
def test_unknown_models_are_counted_with_a_margin(model: str, text: str) -> None:
    """A model of another encoding counts a tenth more than o200k_base, rounded up."""
    assert count_tokens(text, model) == math.ceil(count_tokens(text, "gpt-4o") * MARGIN)


@given(text=TEXT)
def test_count_is_bounded_by_bytes(text: str) -> None:
    """A text has at most a token for each byte, and none only if it is empty."""
    count = count_tokens(text, "gpt-4o")
    assert count <= len(text.encode("utf-8"))
    assert (count == 0) == (text == "")


def test_control_tokens_count_as_text() -> None:
    """The name of a control token in an article is counted as text."""
    assert count_tokens("<|endoftext|>", "gpt-4o") > 1


def test_loading_leaves_no_trace() -> None:
    """Counting neither runs llama_index.core nor leaves a variable in the environment, and importing loads nothing."""
    code = (
        "import os, sys\n"
        "before = dict(os.environ)\n"
        "from service.prompts import count_tokens\n"
        "assert 'tiktoken' not in sys.modules\n"
        "assert count_tokens('Hello, world!', 'gpt-4o') == 4\n"
        "assert 'llama_index.core' not in sys.modules\n"
        "assert dict(os.environ) == before\n"
    )
    for cache in ({}, {"TIKTOKEN_CACHE_DIR": ""}):
        environment = {name: value for name, value in os.environ.items() if name != "TIKTOKEN_CACHE_DIR"} | cache
        subprocess.run([sys.executable, "-c", code], check=True, env=environment, timeout=60)


@given(texts=st.lists(TEXT, min_size=1, max_size=8), budget=st.integers(0, 2_000))
def test_passages_fit_whole_and_in_order(texts: list[str], budget: int) -> None:
    """The passages that fit are leading ones, at least one, and a larger budget never keeps fewer."""
    passages = passages_of(texts)
    kept = fit_passages(passages, budget, "gpt-4o")
    assert kept
    assert list(kept) == passages[: len(kept)]
    assert len(fit_passages(passages, budget + 100, "gpt-4o")) >= len(kept)


@given(texts=st.lists(TEXT, min_size=2, max_size=8), budget=st.integers(0, 2_000))
def test_budget_is_kept(texts: list[str], budget: int) -> None:
    """From two passages on, the kept texts are within the budget."""
    kept = fit_passages(passages_of(texts), budget, "gpt-4o")
    assert len(kept) == 1 or sum(count_tokens(passage.chunk.text, "gpt-4o") for passage in kept) <= budget


def test_title_and_source_count() -> None:
    """A title counts towards the budget."""
    plain = [make_passage(f"k{n}00", "Short.") for n in range(4)]
    titled = [make_passage(f"k{n}00", "Short.", title="word " * 300, source="paper " * 300) for n in range(4)]
    assert len(fit_passages(plain, 1_000, "gpt-4o")) == 4
    assert len(fit_passages(titled, 1_000, "gpt-4o")) == 1


def test_no_passages_stay_none() -> None:
    """Without passages, none is kept."""
    assert fit_passages([], 1_000, "gpt-4o") == ()


OPENAI = "https://api.openai.com/v1"
TOKENS = st.integers(0, 10_000_000)


@given(model=st.sampled_from(sorted(prices())), given_tokens=TOKENS, gave=TOKENS)
def test_cost_is_tokens_times_price(model: str, given_tokens: int, gave: int) -> None:
    """A known model costs its input and its output, each at its price for a million tokens."""
    price = prices()[model]
    expected = given_tokens / 1e6 * price.input + gave / 1e6 * price.output
    assert cost(model, given_tokens, gave, OPENAI) == pytest.approx(expected)


def test_cost_of_a_worked_example() -> None:
    """A million tokens in and a hundred thousand out of gpt-4.1 cost two dollars and eighty cents."""
    assert cost("gpt-4.1", 1_000_000, 100_000, OPENAI) == pytest.approx(2.8)


@given(model=st.text(max_size=30).filter(lambda name: name not in prices()))
def test_unknown_model_has_no_price(model: str) -> None:
    """A name that is not in the table has no price."""
    assert cost(model, 1000, 100, OPENAI) is None


def test_snapshot_has_no_price() -> None:
    """The price of a dated snapshot is unknown, since it may differ from its model's."""
    assert cost("gpt-4o", 1000, 100, OPENAI) is not None
    assert cost("gpt-4o-2024-05-13", 1000, 100, OPENAI) is None


@pytest.mark.parametrize(
    ("base_url", "known"),
    [
        ("https://api.openai.com/v1", True),
        ("http://127.0.0.1:8080/v1", False),
        ("https://eu.api.openai.com/v1", False),
        ("https://api.openai.com.example.org/v1", False),
    ],
)
def test_price_is_that_of_openai_itself(base_url: str, known: bool) -> None:
    """Only calls to api.openai.com have a known price."""
    assert (cost("gpt-4.1", 1000, 100, base_url) is not None) is known


def test_every_price_is_dated_and_sourced() -> None:
    """Each price is positive, dearer out than in, and names a past day and the page it was read on."""
    assert len(prices()) >= 12
    for price in prices().values():
        assert 0 < price.input < price.output
        assert date.fromisoformat(price.as_of).year >= 2026
        assert price.source.startswith("https://")
