"""Plain text, and Markdown with front matter: fields in YAML, TOML or JSON before the text.

python-frontmatter is not used: it expands aliases, converts values, and takes text below a rule for fields.
"""

import json
import re
import tomllib
from collections.abc import Callable, Iterator

import yaml

from index.markup import readable
from ingest.load.article import ALIASES, RawArticle, Unreadable, clean_line, json_object, normal_name, path_id
from ingest.load.files import ArticleFile, read_text
from ingest.report import ArticleRejected

TITLE_LENGTH = 120
_TITLE_WORDS = 20
_FINAL_STOP = re.compile(r"[.!?…:;,。！？][\"'”’»)\]]*$")
# The title is in the beginning of a text, however long the text is.
_OPENING = 4_000
_FENCE = re.compile(r" {0,3}(```+|~~~+)")
_TOP_HEADING = re.compile(r" {0,3}#[ \t]")
_RULE = re.compile(r"\A(?:[-*_][ \t]*){3,}\n\s*")
_HEADING_MARKS = re.compile(r"^#{1,6}(?: |$)| #+$")

_JSON = re.compile(r'\{\s*"[^"\n]*"\s*:')
_OPENING_LINE = re.compile(r"(---|\+\+\+)[ \t]*\n")
_FIELD_STARTS = re.compile(r"^(?=\w)", re.MULTILINE)
_FIELD = re.compile(r"(\w[^:\n]*):(?:[ \t]+|$)", re.MULTILINE)
_INDICATORS = tuple("[]{}&*!|>%@`\"'")
_KNOWN = frozenset(("id", "draft", "status", *(alias for aliases in ALIASES.values() for alias in aliases)))
# Front matter is a few lines, and YAML is slow to parse.
_FIELDS_LIMIT = 100_000
_NULLS = ("", "~", "null", "Null", "NULL")

_Fields = dict[str, object]


def parse_text(file: ArticleFile) -> Iterator[RawArticle]:
    """Yield the article of a .txt file; raises as `read_text`."""
    yield RawArticle(file.origin, path_id(file), {"body": read_text(file)}, make_title=title_of)


def parse_markdown(file: ArticleFile) -> Iterator[RawArticle]:
    """Yield the article of a .md file; raises as `read_text`, or ArticleRejected if the front matter is invalid."""
    text = read_text(file).replace("\r\n", "\n").replace("\r", "\n")
    try:
        fields, body = _split_front_matter(text, file.origin)
    except (ValueError, RecursionError) as error:
        problem = "it is nested too deeply" if isinstance(error, RecursionError) else error
        kind = {"{": "JSON", "-": "YAML", "+": "TOML"}[text[0]]
        raise ArticleRejected(file.origin, f"its front matter is not {kind}: {problem}", "bad_front_matter") from error
    stated = {**fields, "body": body, "text": None}
    yield RawArticle(file.origin, path_id(file), stated, make_title=_markdown_title)


def title_of(body: str) -> str | None:
    """Derive the title of a cleaned text, without markup.

    It is the first line if that looks like a heading: at most 120 characters and 20 words, no final stop, a blank line
    below it and text after that. Otherwise it is the first sentence, cut to 120 characters at a word.
    """
    line, _, rest = body.partition("\n")
    title = readable(line) if rest.startswith("\n") and len(line) <= _OPENING else ""
    bare = title.strip()
    is_short = 0 < len(bare) <= TITLE_LENGTH and len(bare.split()) <= _TITLE_WORDS
    if is_short and not _FINAL_STOP.search(bare):
        return clean_line(title)
    sentence = _first_sentence(body[:_OPENING])
    if len(sentence) <= TITLE_LENGTH:
        return sentence or None
    kept = sentence[:TITLE_LENGTH]
    on_a_word = kept.rpartition(" ")[0] or kept[:-1]
    return f"{on_a_word.rstrip(' ,;:–—-')}…"


def _first_sentence(opening: str) -> str:
    from index.text import sentence_spans

    written = [opening[span.start : span.end] for span in sentence_spans(opening)]
    # The title of a text of markup alone is the markup.
    return next(filter(None, map(clean_line, [*map(readable, written), *written])), "")


def _markdown_title(body: str) -> str | None:
    """Return the first top heading outside of code; without one, the title of a plain text."""
    fence = ""
    for line in body.split("\n"):
        mark = _FENCE.match(line)
        if mark and (not fence or mark[1].startswith(fence)):
            fence = "" if fence else mark[1]
        elif not fence and _TOP_HEADING.match(line) and (title := _without_marks(clean_line(line))):
            return title
    return _without_marks(title_of(_RULE.sub("", body)) or "") or None


def _without_marks(heading: str) -> str:
    return readable(_HEADING_MARKS.sub("", heading))


class _Loader(yaml.BaseLoader):
    """A YAML loader without aliases, which can expand a small text to a huge value."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(problem="found an alias (*name), expected a value")
        return super().compose_node(parent, index)


def _split_front_matter(text: str, origin: str) -> tuple[_Fields, str]:
    r"""Split a Markdown text with `\n` line ends into the fields of its front matter and the body.

    Front matter is YAML between lines of dashes, TOML between lines of plus signs, or a JSON object. A line of dashes
    without fields below it is a thematic break and belongs to the body.

    Raises:
        ValueError, RecursionError: The front matter has no end, or cannot be parsed.
        ArticleRejected: It is too long.
    """
    if _JSON.match(text):
        fields, end = json.JSONDecoder(object_pairs_hook=json_object, parse_int=str).raw_decode(text)
        _check_length(text[:end], origin)
        if not isinstance(fields, dict):
            raise ValueError(f"found {fields}")
        return fields, text[end:]
    opening = _OPENING_LINE.match(text)
    if not opening:
        return {}, text
    closing_line, first_field, parse = _KINDS[opening[1]]
    start = opening.end()
    has_fields = first_field.match(text, start) is not None
    closing = closing_line.search(text, start)
    if has_fields and not closing:
        raise ValueError(f"it begins with {opening[1]} and never ends; add a second line {opening[1]}")
    source = text[start : closing.start()] if closing else ""
    try:
        _check_length(source, origin)
        stated = parse(source)
    except (ValueError, RecursionError, ArticleRejected):
        if has_fields:
            raise
        stated = None
    # A blank line below the dashes makes them a thematic break, unless known fields follow.
    is_known = not source.startswith("\n") or any(normal_name(name) in _KNOWN for name in stated or ())
    return (stated, text[closing.end() :]) if closing and stated is not None and is_known else ({}, text)


def _check_length(source: str, origin: str) -> None:
    if len(source) > _FIELDS_LIMIT:
        reason = f"its front matter is longer than {_FIELDS_LIMIT:,} characters: shorten it"
        raise ArticleRejected(origin, reason, "too_large")


def _yaml(source: str) -> _Fields | None:
    """Parse the fields of a YAML text; return None if it is a list or plain text."""
    try:
        found = _composed(source)
    except (yaml.YAMLError, RecursionError) as error:
        if fields := _field_by_field(source):
            return fields
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "it is nested too deeply, or has a character that YAML forbids"
        # The mark counts from 0 and starts below the opening line.
        raise ValueError(f"{problem} (line {mark.line + 2})" if mark else problem) from error
    return found if isinstance(found, dict) else None


def _field_by_field(source: str) -> _Fields:
    """Parse invalid YAML field by field; a field that is invalid or stated twice becomes Unreadable."""
    fields: _Fields = {}
    for written in _FIELD_STARTS.split(source):
        if start := _FIELD.match(written):
            name = start[1].strip()
            rest = written[start.end() :].strip()
            try:
                found = _composed(written)
                value = found.get(name) if isinstance(found, dict) else Unreadable(rest)
            except (yaml.YAMLError, RecursionError):
                # An unquoted colon in a title is the most common mistake, and its meaning is clear.
                is_text = "\n" not in rest and not rest.startswith(_INDICATORS)
                value = rest if is_text else Unreadable(rest)
            fields[name] = Unreadable(f"{name} twice") if name in fields else value
    return fields


def _composed(source: str) -> object:
    node = yaml.compose(source, Loader=_Loader)
    return _value(node) if node else {}


def _value(node: yaml.Node) -> object:
    """Return scalars as written (`2024-05-01`, `no`, `007`); an empty value, `null` and `~` are None."""
    if isinstance(node, yaml.ScalarNode):
        return None if node.style is None and node.value in _NULLS else node.value
    if isinstance(node, yaml.SequenceNode):
        return [_value(item) for item in node.value]
    fields: _Fields = {}
    for key, value in node.value:
        if str(key.value) in fields:
            raise yaml.MarkedYAMLError(problem=f"{key.value} is stated twice", problem_mark=key.start_mark)
        fields[str(key.value)] = _value(value)
    return fields


_KINDS: dict[str, tuple[re.Pattern[str], re.Pattern[str], Callable[[str], _Fields | None]]] = {
    "---": (
        re.compile(r"^(?:---|\.\.\.)[ \t]*$\n?", re.MULTILINE),
        re.compile(r"(?:[ \t]*(?:#.*)?\n)*[\w][\w -]*:(?:\s|$)"),
        _yaml,
    ),
    "+++": (
        re.compile(r"^\+\+\+[ \t]*$\n?", re.MULTILINE),
        re.compile(r"(?:[ \t]*(?:#.*)?\n)*(?:[\w\"'.-]+[ \t]*=|\[)"),
        tomllib.loads,
    ),
}
"""The closing line, the beginning of the first field after blank lines and comments, and the parser."""
