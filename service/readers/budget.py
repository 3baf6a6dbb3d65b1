"""The budget of a prompt: tokens of a text, the passages that fit, and the cost of a call."""

import hashlib
import json
import math
import os
import threading
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from index.errors import ConfigurationError
from service.records import Passage

if TYPE_CHECKING:
    from tiktoken import Encoding

DEFAULT_ENCODING = "o200k_base"
MARGIN = 1.1
"""Factor of the count for a model of unknown encoding: other tokenizers need more tokens."""

_BUNDLED = ("o200k_base", "cl100k_base")
_ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
_CACHE_VARIABLE = "TIKTOKEN_CACHE_DIR"
_FRAME_TOKENS = 72
"""Fences, labels, key and date around one passage in the prompt, rounded up."""

_loading = threading.Lock()


def count_tokens(text: str, model: str) -> int:
    """Return the tokens of a text for a model; an upper estimate if its encoding is unknown."""
    name, margin = _encoding_of(model)
    return math.ceil(len(_encoding(name).encode_ordinary(text)) * margin)


def fit_passages(passages: Sequence[Passage], budget_tokens: int, model: str) -> tuple[Passage, ...]:
    """Return the leading passages that fit into the budget with their frames.

    The first passage is included even if it alone is over the budget: a reader without passages cannot answer.
    """
    fitting: list[Passage] = []
    spent = 0
    for passage in passages:
        shown = "\n".join((passage.article.title or "", passage.article.source or "", passage.chunk.text))
        spent += count_tokens(shown, model) + _FRAME_TOKENS
        if fitting and spent > budget_tokens:
            break
        fitting.append(passage)
    return tuple(fitting)


@cache
def _encoding_of(model: str) -> tuple[str, float]:
    """Return the bundled encoding to count with, and the factor for a model of another encoding."""
    from tiktoken import encoding_name_for_model

    try:
        name = encoding_name_for_model(model)
    except KeyError:
        return DEFAULT_ENCODING, MARGIN
    # o200k_harmony differs from o200k_base in control tokens only, which plain text does not have.
    name = "o200k_base" if name == "o200k_harmony" else name
    return (name, 1.0) if name in _BUNDLED else (DEFAULT_ENCODING, MARGIN)


@cache
def _encoding(name: str) -> "Encoding":
    """Return the encoding, read from the table that comes with llama-index-core; nothing is downloaded."""
    import tiktoken

    # tiktoken reads its cache folder from the environment only, and names a file by the SHA-1 of its address.
    spec = find_spec("llama_index.core")  # finds the package without importing it, which takes a second
    roots = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(roots or ()), "")) / "_static" / "tiktoken_cache"
    table = folder / hashlib.sha1(_ADDRESS.format(name=name).encode(), usedforsecurity=False).hexdigest()
    if not table.is_file():
        raise ConfigurationError(
            f"no token table for {name}: expected {table}",
            "It comes with llama-index-core: install the locked requirements again.",
        )
    with _loading:
        before = os.environ.get(_CACHE_VARIABLE)
        os.environ[_CACHE_VARIABLE] = str(folder)
        try:
            return tiktoken.get_encoding(name)
        finally:
            os.environ.pop(_CACHE_VARIABLE)
            if before is not None:
                os.environ[_CACHE_VARIABLE] = before


class Price(NamedTuple):
    """USD for a million tokens, as of a day (ISO date) on a page."""

    input: float
    output: float
    as_of: str
    source: str


def cost(model: str, input_tokens: int, output_tokens: int, base_url: str) -> float | None:
    """Return the cost of a call in USD by list price, or None if the price is unknown.

    Only exact names in `prices.json` at api.openai.com have a known price. Discounts are not counted.
    """
    price = prices().get(model) if base_url.startswith("https://api.openai.com/") else None
    return (input_tokens * price.input + output_tokens * price.output) / 1_000_000 if price else None


@cache
def prices() -> dict[str, Price]:
    """Return the price table by model name."""
    table = json.loads(Path(__file__).with_name("prices.json").read_text(encoding="utf-8"))
    return {model: Price(**fields) for model, fields in table["models"].items()}
