"""The prompts: pairs of text files, rendered strictly and named by a digest of their bytes.

Text of articles and users is sanitised and put between fences, which it cannot open or close.
"""

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import ConfigurationError

if TYPE_CHECKING:
    from jinja2 import Environment, Template

_FOLDER = Path(__file__).resolve().parent.parent / "prompts"
_SYSTEM = ".system.jinja2"
_USER = ".user.jinja2"

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
    if not fence:
        raise ValueError("the fence is empty, expected a code such as new_fence() makes")
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
    """Every prompt of a folder, read and parsed at start-up, so that an invalid one is found then.

    `folder` has `NAME.system.jinja2` and `NAME.user.jinja2` for each prompt; default is the one that
    comes with Dateline. Raises ConfigurationError if a half is missing, does not parse, or refers to
    another file.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or _FOLDER
        environment = _environment()
        names = {
            path.name.removesuffix(suffix) for suffix in (_SYSTEM, _USER) for path in self._folder.glob(f"*{suffix}")
        }
        if not names:
            raise ConfigurationError(
                f"no prompts in {self._folder}: found no file *{_SYSTEM}", "Restore the folder from the repository."
            )
        self._pairs = {name: _Pair.read(self._folder, name, environment) for name in sorted(names)}

    def render(self, name: str, **variables: object) -> RenderedPrompt:
        """Return the prompt's two messages; raises ConfigurationError naming a variable that is missing or unknown."""
        pair = self._pair(name)
        given = frozenset(variables)
        if given != pair.variables:
            missing, unknown = sorted(pair.variables - given), sorted(given - pair.variables)
            raise ConfigurationError(
                f"prompt {name!r}: missing variables {missing}, unknown variables {unknown}",
                f"Its variables are {sorted(pair.variables)}; see README.md in {self._folder}.",
            )
        return pair.render(variables)

    def variables(self, name: str) -> frozenset[str]:
        """Return the variables that the prompt's two files mention."""
        return self._pair(name).variables

    def digest(self, name: str) -> str:
        """Return the prompt's name and the start of a SHA-256 over both files, such as `answer@3f2a91c0`."""
        return self._pair(name).digest

    def _pair(self, name: str) -> "_Pair":
        if name not in self._pairs:
            raise ConfigurationError(f"no prompt {name!r} in {self._folder}: found {sorted(self._pairs)}")
        return self._pairs[name]


@dataclass(frozen=True, slots=True)
class _Pair:
    """Both halves of one prompt, parsed."""

    name: str
    system: "Template"
    user: "Template"
    variables: frozenset[str]
    digest: str

    @classmethod
    def read(cls, folder: Path, name: str, environment: "Environment") -> "_Pair":
        halves = []
        for path in (folder / f"{name}{_SYSTEM}", folder / f"{name}{_USER}"):
            try:
                halves.append(path.read_bytes())
            except OSError as error:
                raise ConfigurationError(
                    f"prompt {name!r}: cannot read {path}: {error.strerror}", "Each prompt is a pair of files."
                ) from error
        system, user = (_parse(half, environment, name) for half in halves)
        digest = hashlib.sha256(b"\0".join(halves)).hexdigest()[:8]
        return cls(
            name=name,
            system=system[0],
            user=user[0],
            variables=system[1] | user[1],
            digest=f"{name}@{digest}",
        )

    def render(self, variables: Mapping[str, object]) -> RenderedPrompt:
        from jinja2 import TemplateError

        try:
            return RenderedPrompt(self.system.render(variables).strip(), self.user.render(variables).strip())
        except TemplateError as error:
            raise ConfigurationError(f"prompt {self.name!r} does not render: {error}") from error


def _environment() -> "Environment":
    """Return a sandbox whose templates see their variables only: no loader, no globals, strict names."""
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined,
        autoescape=False,  # a prompt is plain text; escaping would change the articles' words
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.clear()
    return environment


def _parse(half: bytes, environment: "Environment", name: str) -> tuple["Template", frozenset[str]]:
    from jinja2 import TemplateSyntaxError, meta

    try:
        text = half.decode("utf-8")
        tree = environment.parse(text)
    except (UnicodeDecodeError, TemplateSyntaxError) as error:
        raise ConfigurationError(f"prompt {name!r} does not parse: {error}") from error
    if any(True for _ in meta.find_referenced_templates(tree)):
        raise ConfigurationError(
            f"prompt {name!r} refers to another template",
            "Its digest covers its own two files only: put the text into them.",
        )
    return environment.from_string(text), frozenset(meta.find_undeclared_variables(tree))
