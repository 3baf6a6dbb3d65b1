"""The prompts, and their budget: the tokens of a text, the passages that fit, and the cost of a call.

Prompts are pairs of text files, rendered strictly and named by a digest of their bytes. Text of articles and users is
sanitised and put between fences, which it cannot open or close.
"""

import hashlib
import json
import math
import os
import re
import secrets
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from index.errors import ConfigurationError
from service.records import Passage

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment
    from tiktoken import Encoding

FOLDER = Path(__file__).resolve().parent.parent / "prompts"

_BREAK = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# Characters that a model reads and a person does not see: controls, zero-width spaces, direction overrides and the tag
# block. Joiners stay: several scripts are misspelt without them.
_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u2028-\u202e\u2060-\u2069\ufeff\U000e0000-\U000e007f]")


def new_fence() -> str:
    """Return a random code for the fences of one request."""
    return secrets.token_hex(8)


def sanitize(text: str, fence: str) -> str:
    """Return text that may come between fences: visible characters only, and never the fence.

    The opening of the control tokens of chat templates (`<|`) is broken by a space, because some servers
    read such tokens anywhere.
    """
    text = _UNSEEN.sub("", _BREAK.sub("\n", text))
    while fence in text:
        text = text.replace(fence, "")
    return text.replace("<|", "< |")


def sanitize_line(text: str, fence: str) -> str:
    """Return sanitised text on one line, so that a title or a message cannot look like several."""
    return " ".join(sanitize(text, fence).split())


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """The two messages of one call to a language model."""

    system: str
    user: str


class Prompts:
    """Every prompt of a folder, `NAME.system.jinja2` and `NAME.user.jinja2`, read at start-up.

    Raises ConfigurationError if the folder has none, or one that is not a pair or does not parse.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        from jinja2 import TemplateSyntaxError

        self._pairs: dict[str, tuple[Template, ...]] = {}
        self._digests: dict[str, str] = {}
        for name in sorted({path.name.split(".")[0] for path in folder.glob("*.jinja2")}):
            try:
                halves = [(folder / f"{name}.{role}.jinja2").read_bytes() for role in ("system", "user")]
                self._pairs[name] = tuple(_compiled(half.decode("utf-8")) for half in halves)
            except OSError as error:
                raise ConfigurationError(f"cannot read a prompt: {error}", "Each prompt is a pair of files.") from error
            except (UnicodeDecodeError, TemplateSyntaxError) as error:
                raise ConfigurationError(f"prompt {name!r} does not parse: {error}") from error
            digest = hashlib.sha256(b"\0".join(halves)).hexdigest()
            self._digests[name] = f"{name}@{digest[:8]}"
        if not self._pairs:
            raise ConfigurationError(f"no prompts in {folder}", "Restore the folder from the repository.")

    def render(self, name: str, **variables: object) -> RenderedPrompt:
        """Return the prompt's two messages; raises ConfigurationError for a variable that is not given."""
        from jinja2 import TemplateError

        try:
            return RenderedPrompt(*(half.render(variables).strip() for half in self._pairs[name]))
        except (TemplateError, TypeError) as error:  # TypeError for an include: no loader is set
            raise ConfigurationError(f"prompt {name!r} does not render: {error}") from error

    def digest(self, name: str) -> str:
        """Return the prompt's name and the start of a SHA-256 over both files, such as `answer@3f2a91c0`."""
        return self._digests[name]


@cache
def _compiled(text: str) -> "Template":
    """Return the template of a text, compiled once: it takes 3 ms."""
    return _environment().from_string(text)


@cache
def _environment() -> "ImmutableSandboxedEnvironment":
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    # Without a loader a template cannot include a file that its digest does not cover. Escaping would change the words
    # of the articles.
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, autoescape=False, trim_blocks=True, lstrip_blocks=True
    )
    environment.globals.clear()
    return environment


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
