"""Field maps: where JSON entries state the fields of an article, as dotted paths."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from index.errors import ConfigurationError
from ingest.load.article import ALIASES, normal_name
from ingest.load.page import html_to_text

FieldTable = Mapping[str, tuple[str, ...]]
"""The paths of each field, in order of precedence."""

FIELDS = ("id", "body", *ALIASES)
"""The fields of an article that a map can name."""

ARTICLES = "articles"
"""The name in a map for the path of the list of articles."""

_PAIR = re.compile(r"\s*(?P<field>[^=\s]+)\s*=\s*(?P<path>\S.*?)\s*")
_TAG = re.compile(
    r"</?(?:a|abbr|aside|b|blockquote|br|caption|cite|code|div|em|figcaption|figure|h[1-6]|hr|i|iframe|img|li|mark|ol|p"
    r"|picture|pre|q|s|script|section|small|span|strong|style|sub|sup|table|tbody|td|th|tr|u|ul|video)(?:\s[^<>]*)?/?>"
    r"|<!--",
    re.IGNORECASE,
)
_REFERENCE = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}\d{0,2});", re.IGNORECASE)
_BLOCK = re.compile(r"<(?:blockquote|br|div|figure|h[1-6]|li|ol|p|section|table|ul)\b", re.IGNORECASE)
# The last step of paths whose value is plain text by definition, also if it looks like HTML.
_PLAIN = frozenset(map(normal_name, ("body_text", "bodyText", "content_text", "plaintext")))
_SUGGESTED = ("title", "published_at", "url", "authors")
_DIGITS = 10
_normal_name = lru_cache(maxsize=4_096)(normal_name)
_DEEPEST, _MOST_NAMES, _SHORT_TEXT, _SHORT_NAME = 4, 50, 80, 4


@dataclass(frozen=True, slots=True)
class FieldMap:
    """The paths of fields by name, and the path of the list of articles in a file, None for the usual places."""

    fields: FieldTable
    articles: str | None = None

    def fields_of(self, entry: Mapping[str, object]) -> dict[str, object]:
        """Return the fields of an entry: the mapped ones as the map says, the others as they are."""
        mapped = mapped_fields(entry, self.fields)
        return {**entry, **({"text": None} if "body" in mapped else {}), **mapped}


def parse_field_map(text: str) -> FieldMap:
    """Parse a map such as `title=headline,body=content.rendered,published_at=dates.first`.

    A step of a path is the name of a field, the number of an item of a list, from 0, or `*` for each item. A field with
    several paths takes the first that has a value: `body=html,body=text`.

    Raises:
        ConfigurationError: A part is not `field=path`, or names an unknown field.
    """
    paths: dict[str, tuple[str, ...]] = {}
    for part in filter(str.strip, text.split(",")):
        pair = _PAIR.fullmatch(part)
        if not pair:
            hint = "Write field=path, such as --map title=headline,body=content.rendered."
            raise ConfigurationError(f"--map has {part.strip()!r}, expected field=path", hint)
        field = pair["field"]
        if field not in (*FIELDS, ARTICLES):
            hint = f"The fields are {', '.join(FIELDS)}; {ARTICLES} is the list of articles in a file."
            raise ConfigurationError(f"--map names the unknown field {field!r}", hint)
        paths[field] = (*paths.get(field, ()), pair["path"])
    if not paths:
        raise ConfigurationError("--map is empty, expected field=path", "For example --map body=content.rendered.")
    articles = paths.pop(ARTICLES, (None,))[0]
    return FieldMap(paths, articles)


def mapped_fields(entry: Mapping[str, object], table: FieldTable) -> dict[str, object]:
    """Return the fields of an entry by a table of their paths; a missing field is None.

    HTML becomes text, and a body that is a list of texts becomes paragraphs.
    """
    fields = {field: _first(entry, paths, is_line=field != "body") for field, paths in table.items()}
    paragraphs = fields.get("body")
    if isinstance(paragraphs, list) and all(isinstance(each, str | None) for each in paragraphs):
        fields["body"] = "\n\n".join(filter(None, paragraphs))
    return fields


def value_at(entry: object, path: str) -> object:
    """Return the value at a path in a JSON value; None if there is none.

    A name also fits a field that differs in case, spaces or punctuation, as `pubStatus` differs from `pubstatus`.
    """
    return _value(entry, path.split("."))


def is_html(text: str) -> bool:
    """Return whether a text has tags or character references of HTML."""
    return bool(_TAG.search(text) or _REFERENCE.search(text))


def suggested_map(entry: Mapping[str, object]) -> str:
    """Return a map that may fit an entry of unknown shape, by the names and the lengths of its texts; or empty.

    If the texts are in the objects of a list, the list counts as the list of articles.
    """
    listed = [name for name, value in entry.items() if isinstance(value, list) and value and _is_entry(value[0])]
    texts = dict(_texts(entry))
    found: dict[str, str] = {}
    if listed and not any(len(text) > _SHORT_TEXT for path, text in texts.items() if path.split(".")[0] != listed[0]):
        items = entry[listed[0]]
        texts = dict(_texts(items[0])) if isinstance(items, list) else {}
        found[ARTICLES] = listed[0]
    stories = {path: text for path, text in texts.items() if not _is_address(text)}
    if not stories:
        return ""
    # The text of a story may be a list of paragraphs.
    longest = max(stories, key=lambda path: len(stories[path]))
    found["body"] = ".".join("*" if step == "0" else step for step in longest.split("."))
    for field in _SUGGESTED:
        if path := next((each for each in texts if each != longest and _is_named(each, ALIASES[field])), None):
            found[field] = path
    return ",".join(f"{field}={path}" for field, path in found.items())


def _first(entry: object, paths: Iterable[str], *, is_line: bool) -> object:
    for path in paths:
        value = value_at(entry, path)
        if normal_name(path.rpartition(".")[2]) not in _PLAIN:
            value = _as_text(value, is_line=is_line)
        if value not in (None, "", []):
            return value
    return None


def _as_text(value: object, *, is_line: bool) -> object:
    if isinstance(value, list):
        return [_as_text(item, is_line=is_line) for item in value]
    if not isinstance(value, str) or not is_html(value) or (is_line and _is_address(value)):
        return value
    # A text with a few inline tags has its paragraphs in its line ends.
    return html_to_text(value if _BLOCK.search(value) else value.replace("\n", "<br>"))


def _is_address(value: str) -> bool:
    return value.lstrip().lower().startswith(("http://", "https://"))


def _value(entry: object, steps: Sequence[str]) -> object:
    if not steps:
        return entry
    step, rest = steps[0], steps[1:]
    if isinstance(entry, Mapping):
        # The name of a field may itself contain full stops.
        whole = ".".join(steps)
        return entry[whole] if whole in entry else _value(_field(entry, step), rest)
    if isinstance(entry, list) and step == "*":
        return [found for item in entry if (found := _value(item, rest)) is not None]
    if isinstance(entry, list) and step.isdecimal() and len(step) < _DIGITS and int(step) < len(entry):
        return _value(entry[int(step)], rest)
    return None


def _field(entry: Mapping[str, object], name: str) -> object:
    if name in entry:
        return entry[name]
    wanted = _normal_name(name)
    return next((entry[each] for each in entry if _normal_name(each) == wanted), None) if wanted else None


def _is_entry(value: object) -> bool:
    return isinstance(value, Mapping)


def _texts(entry: object, path: str = "", depth: int = 0) -> Iterator[tuple[str, str]]:
    """Yield the texts in an entry by their paths; of a list, only the first item."""
    if isinstance(entry, str):
        yield path, entry
    elif depth < _DEEPEST:
        items: Iterable[tuple[object, object]] = ()
        if isinstance(entry, Mapping):
            items = list(entry.items())[:_MOST_NAMES]
        elif isinstance(entry, list):
            items = list(enumerate(entry[:1]))
        for name, value in items:
            yield from _texts(value, f"{path}.{name}" if path else str(name), depth + 1)


def _is_named(path: str, aliases: Iterable[str]) -> bool:
    names = [normal_name(step) for step in path.split(".")]
    return any(
        name.startswith(alias) if len(alias) > _SHORT_NAME else name == alias for name in names for alias in aliases
    )
