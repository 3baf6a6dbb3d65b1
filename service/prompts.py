"""The prompts: pairs of text files, rendered strictly and named by a digest of their bytes."""

import hashlib
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


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """The two messages of one call to a language model."""

    system: str
    user: str


class Prompts:
    """Every prompt of a folder, read and parsed at once so that a broken one is found at start-up.

    `folder` holds `NAME.system.jinja2` and `NAME.user.jinja2` for each prompt; default is the one that
    comes with Dateline. Raises ConfigurationError where a half is missing, does not parse, or refers to
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
        """The prompt's two messages; raises ConfigurationError naming a variable that is missing or unknown."""
        pair = self._pair(name)
        given = frozenset(variables)
        if given != pair.variables:
            missing, unknown = sorted(pair.variables - given), sorted(given - pair.variables)
            raise ConfigurationError(
                f"prompt {name!r}: missing variables {missing}, unknown variables {unknown}",
                f"It is written with {sorted(pair.variables)}; see README.md in {self._folder}.",
            )
        return pair.render(variables)

    def variables(self, name: str) -> frozenset[str]:
        """The variables that the prompt's two files mention."""
        return self._pair(name).variables

    def digest(self, name: str) -> str:
        """The prompt's name and the start of a SHA-256 over both files, such as `answer@3f2a91c0`."""
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
    """Templates that see their variables and nothing else: no loader, no globals, a sandbox, strict names."""
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
            "Its digest covers its own two files only: write the text out in them.",
        )
    return environment.from_string(text), frozenset(meta.find_undeclared_variables(tree))
