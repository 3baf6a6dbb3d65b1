"""What a call to a language model cost, where its list price is known."""

import json
from functools import cache
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from service.records import Usage

_MILLION = 1_000_000
_OFFICIAL = "api.openai.com"


class Price(NamedTuple):
    """USD for a million tokens, as of a day (ISO date) on a page."""

    input: float
    output: float
    as_of: str
    source: str


def cost(model: str, usage: Usage, base_url: str | None = None) -> float | None:
    """What `usage` cost in USD by list price, or None where the price is not known.

    Prices are those of api.openai.com in `prices.json`: any other address, and any name that is not in
    that file to the letter, has no known price. Discounts are not counted.
    """
    official = base_url is None or urlsplit(base_url).hostname == _OFFICIAL
    price = prices().get(model) if official else None
    if price is None:
        return None
    return (usage.input_tokens * price.input + usage.output_tokens * price.output) / _MILLION


@cache
def prices() -> dict[str, Price]:
    """The price table by model name."""
    table = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8"))
    return {model: Price(**fields) for model, fields in table["models"].items()}
