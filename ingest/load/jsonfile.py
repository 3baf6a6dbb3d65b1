"""JSON files: an article, a list of articles, or an export of another system; JSON Lines: an article per line."""

import json
from collections.abc import Iterator, Mapping
from io import TextIOWrapper
from itertools import islice

from ingest.load.article import RawArticle, json_object, path_id
from ingest.load.export import SITE, Entry, Export
from ingest.load.fieldmap import FieldMap, suggested_map, value_at
from ingest.load.files import UTF_16_MARKS, ArticleFile, decode, open_file, read_text
from ingest.load.formats import format_of, list_in, raw_article, version_of
from ingest.report import ArticleRejected, megabytes, short_repr

JSON_FILE_LIMIT = 200_000_000
JSON_LINE_LIMIT = 20_000_000
_NAMES_SHOWN = 200

Item = RawArticle | ArticleRejected


def parse_json(file: ArticleFile) -> Iterator[Item]:
    """Yield the articles of a .json file; raises ArticleRejected if the file is not JSON or has no articles.

    If the file has a field map, each entry is read by it; else by the format that it is of, or by its common names.
    """
    text = read_text(file, JSON_FILE_LIMIT)
    if not text.strip():
        raise ArticleRejected(file.origin, "the file contains only white space; expected an article", "empty")
    yield from _articles(_parse(text, file.origin), file)


def parse_json_lines(file: ArticleFile) -> Iterator[Item]:
    """Yield the articles of a .jsonl file of any size, line by line; blank lines have no number."""
    number = 0
    for line_number, line in enumerate(map(bytes.strip, _lines(file)), start=1):
        if line:
            number += 1
            yield _parse_line(line, line_number, number, file)
    if not number:
        raise ArticleRejected(file.origin, "the file has no lines with an article", "empty")


def _articles(found: object, file: ArticleFile) -> Iterator[Item]:
    """Yield the articles of a JSON value: a list, an object with a list, or an object that is an article."""
    field_map = file.field_map
    export: Export = {**(found if isinstance(found, Mapping) else {}), SITE: file.site}
    items = _items(found, field_map, file.origin)
    if items is None:
        yield _raw_article(found, {SITE: file.site}, file.origin, path_id(file), field_map)
        return
    if not items:
        reason = "its list of articles is empty; expected objects with a field body or text"
        found_names = f"; found {_names(found)}" if isinstance(found, Mapping) else ""
        raise ArticleRejected(file.origin, f"{reason}{found_names}", "empty")
    is_known = field_map or any(_is_known(item, export) for item in items)
    if not is_known and len(items) > 1 and isinstance(items[0], Mapping):
        # One rejection for the file rather than one for each entry.
        raise _unknown_shape(items[0], file.origin, f"none of its {len(items):,} entries has")
    for number, item in sorted(enumerate(items, start=1), key=lambda numbered: version_of(numbered[1])):
        origin = f"{file.origin}#{number}"
        yield _raw_article(item, export, origin, path_id(file, number), field_map)


def _items(found: object, field_map: FieldMap | None, origin: str) -> list[object] | None:
    """Return the list of articles of a file; None if the file is one article."""
    if field_map and field_map.articles:
        items = value_at(found, field_map.articles)
        if isinstance(items, list):
            return items
        names = f"an object with {_names(found)}" if isinstance(found, Mapping) else short_repr(found)
        reason = f"--map says that {field_map.articles} is the list of articles; found {names}"
        raise ArticleRejected(origin, reason, "bad_json")
    if isinstance(found, list):
        return found
    return None if not isinstance(found, Mapping) or format_of(found) else list_in(found)


def _is_known(item: object, export: Export) -> bool:
    """Return whether an entry states a text under a name that is known; values that are not entries count too."""
    return not isinstance(item, Mapping) or "body" in item or "text" in item or format_of(item, export) is not None


def is_json_lines(file: ArticleFile) -> bool:
    """Return whether the first lines of a file are JSON objects, one per line; raises as `open_file`."""
    lines = list(islice(filter(bytes.strip, _lines(file)), 2))
    try:
        return len(lines) > 1 and all(isinstance(json.loads(line), dict) for line in lines)
    except (ValueError, RecursionError):
        return False


def _lines(file: ArticleFile) -> Iterator[bytes]:
    """Yield the lines of a file in UTF-8; cut a line above the limit, and leave it longer than the limit."""
    stream = open_file(file)
    encoding, errors = ("utf-16", "replace") if stream.read(2) in UTF_16_MARKS else ("utf-8", "surrogateescape")
    stream.seek(0)
    with TextIOWrapper(stream, encoding, errors, newline="\n") as text:

        def readline() -> bytes:
            return text.readline(JSON_LINE_LIMIT + 1).encode("utf-8", "surrogateescape")

        while line := readline():
            yield line
            rest = line
            while len(rest) > JSON_LINE_LIMIT and not rest.endswith(b"\n"):
                rest = readline()


def _parse_line(line: bytes, line_number: int, number: int, file: ArticleFile) -> RawArticle | ArticleRejected:
    origin = f"{file.origin}#{number}"
    if len(line) > JSON_LINE_LIMIT:
        reason = f"line {line_number} is longer than {megabytes(JSON_LINE_LIMIT)}: split it into articles"
        return ArticleRejected(origin, reason, "too_large")
    try:
        found = _parse(decode(line, origin), origin, line_number)
        return _raw_article(found, {SITE: file.site}, origin, path_id(file, number), file.field_map)
    except ArticleRejected as rejection:
        return rejection


def _raw_article(
    found: object,
    export: Export,
    origin: str,
    fallback_id: str,
    field_map: FieldMap | None,
) -> Item:
    """Return the fields of an entry; a rejection if it is not an object, not an article, or of unknown shape."""
    if not isinstance(found, dict):
        return ArticleRejected(origin, f"it is {short_repr(found)}; expected an object with fields", "bad_json")
    if field_map:
        return RawArticle(origin, fallback_id, field_map.fields_of(found), text_at=field_map.fields.get("body", ()))
    form = format_of(found, export)
    if form is None:
        is_known = "body" in found or "text" in found
        return RawArticle(origin, fallback_id, found) if is_known else _unknown_shape(found, origin, "it has no")
    try:
        return raw_article(form, found, export, origin, fallback_id)
    except ArticleRejected as rejection:
        return rejection


def _unknown_shape(entry: Entry, origin: str, missing: str) -> ArticleRejected:
    """Return the rejection of an entry without a known text, with its fields and a map that may fit."""
    reason = f"{missing} field body or text, and no list articles; found {_names(entry)}"
    field_map = suggested_map(entry)
    # A very long map would hide the reason.
    usable = field_map and len(field_map) <= _NAMES_SHOWN
    hint = f"; if it is an article, say where its fields are: --map {field_map}" if usable else ""
    return ArticleRejected(origin, f"{reason}{hint}", "empty")


def _names(entry: Entry) -> str:
    names = ", ".join(map(str, entry)) or "no field"
    return names if len(names) <= _NAMES_SHOWN else f"{names[:_NAMES_SHOWN]}…"


def _parse(text: str, origin: str, first_line: int = 1) -> object:
    """Parse JSON; integers stay texts, because Python refuses to parse very long ones."""
    try:
        return json.loads(text, parse_int=str, object_pairs_hook=json_object)
    except json.JSONDecodeError as error:
        reason = f"it is not JSON: {error.msg} (line {error.lineno + first_line - 1}, column {error.colno})"
        if error.pos >= len(text.rstrip()) or error.msg.startswith("Unterminated"):
            reason = f"{reason}; its end is missing: export it again"
    except RecursionError:
        reason = "its JSON is nested too deeply; expected a list or an object of articles"
    raise ArticleRejected(origin, reason, "bad_json")
