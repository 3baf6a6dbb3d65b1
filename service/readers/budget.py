"""How many tokens a prompt has, and which passages fit in; the one door to tiktoken."""

import hashlib
import math
import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import ConfigurationError
from service.records import Passage

if TYPE_CHECKING:
    from tiktoken import Encoding

DEFAULT_ENCODING = "o200k_base"
MARGIN = 1.1
"""By how much the count for a model of unknown encoding is raised: other tokenizers need more tokens."""

_BUNDLED = ("o200k_base", "cl100k_base")
_ADDRESS = "https://openaipublic.blob.core.windows.net/encodings/{name}.tiktoken"
_FRAME_TOKENS = 72
"""Fences, labels, key and date around one passage in the prompt, rounded up."""

_loading = threading.Lock()


def count_tokens(text: str, model: str) -> int:
    """How many tokens `model` reads in `text`; at least as many as expected where its encoding is unknown."""
    name, margin = _encoding_of(model)
    return math.ceil(len(_encoding(name).encode_ordinary(text)) * margin)


def fit_passages(passages: Sequence[Passage], budget_tokens: int, model: str) -> tuple[Passage, ...]:
    """The leading passages that fit into `budget_tokens` with their frames, in order and whole.

    The first passage is kept even where it alone is over the budget: a reader without passages cannot answer.
    """
    kept: list[Passage] = []
    spent = 0
    for passage in passages:
        spent += count_tokens(_shown(passage), model) + _FRAME_TOKENS
        if kept and spent > budget_tokens:
            break
        kept.append(passage)
    return tuple(kept)


def _shown(passage: Passage) -> str:
    return "\n".join((passage.article.title or "", passage.article.source or "", passage.chunk.text))


@cache
def _encoding_of(model: str) -> tuple[str, float]:
    """The bundled encoding to count with, and the factor that makes up for its not being the model's own."""
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
    """The encoding read from the table that llama-index-core brings along; nothing is ever downloaded."""
    import tiktoken

    with _loading, _cache_folder(_table_folder(name)):
        return tiktoken.get_encoding(name)


def _table_folder(name: str) -> Path:
    """The folder that holds the table of `name`; tiktoken names a cached file by the SHA-1 of its address."""
    spec = find_spec("llama_index.core")  # finds the package without running it, which takes a second
    roots = spec.submodule_search_locations if spec else None
    folder = Path(next(iter(roots or ()), "")) / "_static" / "tiktoken_cache"
    table = hashlib.sha1(_ADDRESS.format(name=name).encode(), usedforsecurity=False).hexdigest()
    if not (folder / table).is_file():
        raise ConfigurationError(
            f"no token table for {name}: expected {folder / table}",
            "It comes with llama-index-core: install the locked requirements again.",
        )
    return folder


@contextmanager
def _cache_folder(folder: Path) -> Iterator[None]:
    """Lend tiktoken a cache folder for the time of a load; it takes one from the environment alone."""
    variable = "TIKTOKEN_CACHE_DIR"
    before = os.environ.get(variable)
    os.environ[variable] = str(folder)
    try:
        yield
    finally:
        if before is None:
            del os.environ[variable]
        else:
            os.environ[variable] = before
