"""The prompts: pairs of text files, rendered strictly and named by a digest of their bytes.

Text of articles and users is sanitised and put between fences, which it cannot open or close.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import ConfigurationError

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

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
