"""The front matter of a Markdown file: fields in YAML between two lines of dashes."""

import re

import yaml

from ingest.errors import ArticleRejected

_OPENING = re.compile(r"---[ \t]*\n")
_CLOSING = re.compile(r"^(?:---|\.\.\.)[ \t]*$\n?", re.MULTILINE)
# Front matter is a few lines; YAML is read slowly and offers ways to make a small text a large one.
_LIMIT = 100_000
_NULLS = ("", "~", "null", "Null", "NULL")


class _Loader(yaml.BaseLoader):
    """YAML without aliases, which make a large value of a small text."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="an alias (*name) stands where a value is expected")
        return super().compose_node(parent, index)


def split(text: str, origin: str) -> tuple[dict[str, object], str]:
    """The fields of a Markdown text with plain line ends, and the body after them; no front matter, no fields.

    Raises:
        ArticleRejected: It begins like front matter and does not end, or it is not YAML with fields.
    """
    opening = _OPENING.match(text)
    if not opening:
        return {}, text
    closing = _CLOSING.search(text, opening.end())
    if not closing:
        reason = "its front matter begins with --- and never ends: expected a second line ---"
        raise ArticleRejected(origin, reason, "bad_front_matter")
    return _fields(text[opening.end() : closing.start()], origin), text[closing.end() :]


def _fields(source: str, origin: str) -> dict[str, object]:
    if len(source) > _LIMIT:
        raise ArticleRejected(origin, f"its front matter is longer than {_LIMIT:,} characters", "too_large")
    try:
        node = yaml.compose(source, Loader=_Loader)
        found = _value(node) if node else {}
    except yaml.YAMLError as error:
        raise ArticleRejected(origin, f"its front matter is not YAML: {_problem(error)}", "bad_front_matter") from error
    except RecursionError as error:
        reason = "its front matter is nested too deeply"
        raise ArticleRejected(origin, reason, "bad_front_matter") from error
    if isinstance(found, dict):
        return found
    kind = "a list" if isinstance(found, list) else "plain text"
    raise ArticleRejected(origin, f"its front matter is {kind}; expected fields (name: value)", "bad_front_matter")


def _value(node: yaml.Node) -> object:
    """Scalars as the strings they are written as (`2024-05-01`, `no`, `007`); nothing, `null` and `~` are None."""
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
    problem = getattr(error, "problem", None) or "a character that YAML does not allow"
    # The mark counts from 0 and begins below the opening line.
    return f"{problem} (line {mark.line + 2})" if mark else str(problem)
