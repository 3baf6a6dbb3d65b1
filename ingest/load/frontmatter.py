"""Parse the front matter of Markdown: fields in YAML, TOML or JSON before the text.

python-frontmatter is not used: it expands aliases, converts values, and takes text below a rule for fields.
"""

import json
import re
import tomllib
from collections.abc import Callable

import yaml

from ingest.errors import ArticleRejected
from ingest.load.raw_article import ALIASES, Unreadable, normal_name

_DASHES = re.compile(r"---[ \t]*\n")
_DASHES_END = re.compile(r"^(?:---|\.\.\.)[ \t]*$\n?", re.MULTILINE)
_PLUSES = re.compile(r"\+\+\+[ \t]*\n")
_PLUSES_END = re.compile(r"^\+\+\+[ \t]*$\n?", re.MULTILINE)
_JSON = re.compile(r'\{\s*"[^"\n]*"\s*:')
# The beginning of the first field, after blank lines and comments.
_YAML_FIELD = re.compile(r"(?:[ \t]*(?:#.*)?\n)*[\w][\w -]*:(?:\s|$)")
_TOML_FIELD = re.compile(r"(?:[ \t]*(?:#.*)?\n)*(?:[\w\"'.-]+[ \t]*=|\[)")
_FIELD_STARTS = re.compile(r"^(?=\w)", re.MULTILINE)
_FIELD = re.compile(r"(\w[^:\n]*):(?:[ \t]+|$)", re.MULTILINE)
_INDICATORS = tuple("[]{}&*!|>%@`\"'")
_KNOWN = frozenset(("id", "draft", "status", *(alias for aliases in ALIASES.values() for alias in aliases)))
# Front matter is a few lines, and YAML is slow to parse.
_LIMIT = 100_000
_NULLS = ("", "~", "null", "Null", "NULL")


class _Loader(yaml.BaseLoader):
    """A YAML loader without aliases, which can expand a small text to a huge value."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="found an alias (*name), expected a value")
        return super().compose_node(parent, index)


def split_front_matter(text: str, origin: str) -> tuple[dict[str, object], str]:
    r"""Split a Markdown text with `\n` line ends into the fields of its front matter and the body.

    Front matter is YAML between lines of dashes, TOML between lines of plus signs, or a JSON object. A line of dashes
    without fields below it is a thematic break and belongs to the body.

    Raises:
        ArticleRejected: The front matter has no end, is too long, or cannot be parsed.
    """
    kind = {"{": "JSON", "-": "YAML", "+": "TOML"}.get(text[:1])
    try:
        if _JSON.match(text):
            fields, end = _DECODER.raw_decode(text)
            _check_length(text[:end], origin)
            return fields, text[end:]
        if mark := _DASHES.match(text):
            return _split_block(text, mark.end(), _DASHES_END, _YAML_FIELD, _yaml, origin)
        if mark := _PLUSES.match(text):
            return _split_block(text, mark.end(), _PLUSES_END, _TOML_FIELD, tomllib.loads, origin)
    except (ValueError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else error
        raise ArticleRejected(origin, f"its front matter is not {kind}: {problem}", "bad_front_matter") from error
    return {}, text


def _split_block(
    text: str,
    start: int,
    closing: re.Pattern[str],
    first_field: re.Pattern[str],
    parse: Callable[[str], dict[str, object] | None],
    origin: str,
) -> tuple[dict[str, object], str]:
    """Split a text with an opening line before `start`; raises ValueError if the block has fields and is invalid."""
    has_fields = first_field.match(text, start) is not None
    end = closing.search(text, start)
    if not end:
        if has_fields:
            raise ValueError(f"it begins with {text[:3]} and never ends; add a second line {text[:3]}")
        return {}, text
    try:
        _check_length(text[start : end.start()], origin)
        fields = parse(text[start : end.start()])
    except (ValueError, RecursionError, ArticleRejected):
        if has_fields:
            raise
        return {}, text
    # A blank line below the dashes makes them a thematic break, unless known fields follow.
    is_known = not text[start:].startswith("\n") or any(normal_name(name) in _KNOWN for name in fields or ())
    return (fields, text[end.end() :]) if fields is not None and is_known else ({}, text)


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        raise ValueError("a field is stated twice")
    return fields


_DECODER = json.JSONDecoder(object_pairs_hook=_once, parse_int=str)


def _yaml(source: str) -> dict[str, object] | None:
    """Parse the fields of a YAML text; return None if it is a list or plain text."""
    try:
        node = yaml.compose(source, Loader=_Loader)
        found = _value(node) if node else {}
    except (yaml.YAMLError, RecursionError) as error:
        if fields := _field_by_field(source):
            return fields
        raise ValueError(_problem(error) if isinstance(error, yaml.YAMLError) else "it is nested too deeply") from error
    return found if isinstance(found, dict) else None


def _field_by_field(source: str) -> dict[str, object]:
    """Parse invalid YAML field by field; a field that is invalid or stated twice becomes Unreadable."""
    fields: dict[str, object] = {}
    for written in _FIELD_STARTS.split(source):
        start = _FIELD.match(written)
        if start:
            name, rest = start[1].strip(), written[start.end() :].strip()
            fields[name] = Unreadable(f"{name} twice") if name in fields else _field(written, name, rest)
    return fields


def _field(written: str, name: str, rest: str) -> object:
    try:
        node = yaml.compose(written, Loader=_Loader)
        found = _value(node) if node else None
    except (yaml.YAMLError, RecursionError):
        # An unquoted colon in a title is the most common mistake, and its meaning is clear.
        is_text = "\n" not in rest and not rest.startswith(_INDICATORS)
        return rest if is_text else Unreadable(rest)
    return found.get(name) if isinstance(found, dict) else Unreadable(rest)


def _check_length(source: str, origin: str) -> None:
    if len(source) > _LIMIT:
        raise ArticleRejected(origin, f"its front matter is longer than {_LIMIT:,} characters: shorten it", "too_large")


def _value(node: yaml.Node) -> object:
    """Return scalars as written (`2024-05-01`, `no`, `007`); an empty value, `null` and `~` are None."""
    if isinstance(node, yaml.ScalarNode):
        return None if node.style is None and node.value in _NULLS else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    fields: dict[str, object] = {}
    for key, value in node.value:
        if str(key.value) in fields:
            raise yaml.MarkedYAMLError(problem=f"{key.value} is stated twice", problem_mark=key.start_mark)
        fields[str(key.value)] = _value(value)
    return fields


def _problem(error: yaml.YAMLError) -> str:
    mark = getattr(error, "problem_mark", None)
    problem = getattr(error, "problem", None) or "found a character that YAML does not allow"
    # The mark counts from 0 and starts below the opening line.
    return f"{problem} (line {mark.line + 2})" if mark else str(problem)
