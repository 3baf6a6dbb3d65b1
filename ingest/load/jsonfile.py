"""JSON files: one article, a list of them, or an object with a list `articles`; JSON Lines, one a line."""

import json
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO

from ingest.errors import ArticleRejected
from ingest.load import contents, encodings
from ingest.load.contents import megabytes, shown
from ingest.load.fields import Record
from ingest.load.files import ArticleFile
from ingest.load.identity import path_id
from ingest.load.names import with_own_names

JSON_FILE_LIMIT = 200_000_000
JSON_LINE_LIMIT = 20_000_000
_NAMES_SHOWN = 200


class _Doubled(dict[str, object]):
    """An object that states a field twice; nobody can say which one is meant."""

    name = ""


def records(file: ArticleFile) -> Iterator[Record | ArticleRejected]:
    """The articles of a .json file; raises ArticleRejected where the file as a whole is not usable."""
    text = contents.text(file, JSON_FILE_LIMIT)
    if not text.strip():
        raise ArticleRejected(file.origin, "there is nothing but white space in it", "empty")
    found = _parsed(text, file.origin)
    articles = _list_in(found)
    if articles is None:
        yield _record(found, file.origin, path_id(file))
        return
    if not articles:
        raise ArticleRejected(file.origin, "its list of articles is empty", "empty")
    for number, article in enumerate(articles, start=1):
        yield _record(article, f"{file.origin}#{number}", path_id(file, number))


def _list_in(found: object) -> list[object] | None:
    if isinstance(found, dict) and not isinstance(found, _Doubled):
        found = found.get("articles")
    return found if isinstance(found, list) else None


def records_of_lines(file: ArticleFile) -> Iterator[Record | ArticleRejected]:
    """The articles of a .jsonl file of any size, read line by line; blank lines do not count."""
    number = 0
    with contents.opened(file) as stream:
        for line_number, line in enumerate(map(bytes.strip, _lines(stream)), start=1):
            if not line:
                continue
            number += 1
            yield _record_of_line(line, line_number, f"{file.origin}#{number}", path_id(file, number))
    if not number:
        raise ArticleRejected(file.origin, "there is no line with an article in it", "empty")


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """The lines of a stream in UTF-8; of one that is too long only the beginning, just too long as well."""
    marked = stream.read(2) in encodings.UTF_16_MARKS
    stream.seek(0)
    in_utf_16 = TextIOWrapper(stream, "utf-16", "replace", newline="\n") if marked else None

    def readline(size: int) -> bytes:
        return in_utf_16.readline(size).encode("utf-8", "replace") if in_utf_16 else stream.readline(size)

    try:
        while line := readline(JSON_LINE_LIMIT + 1):
            yield line
            rest = line
            while len(rest) > JSON_LINE_LIMIT and not rest.endswith(b"\n"):
                rest = readline(JSON_LINE_LIMIT + 1)
    finally:
        if in_utf_16:
            in_utf_16.detach()


def _record_of_line(line: bytes, line_number: int, origin: str, fallback_id: str) -> Record | ArticleRejected:
    if len(line) > JSON_LINE_LIMIT:
        return ArticleRejected(origin, f"line {line_number} is longer than {megabytes(JSON_LINE_LIMIT)}", "too_large")
    try:
        return _record(_parsed(contents.decoded(line, origin), origin, line_number), origin, fallback_id)
    except ArticleRejected as rejection:
        return rejection


def _record(found: object, origin: str, fallback_id: str) -> Record | ArticleRejected:
    if isinstance(found, _Doubled):
        return ArticleRejected(origin, f"the field {shown(found.name)} is stated twice", "bad_json")
    if not isinstance(found, dict):
        return ArticleRejected(origin, f"it is {shown(found)}; expected an object with fields", "bad_json")
    if found.get("body") is None and found.get("text") is None:
        names = _cut(", ".join(map(str, found))) or "no field"
        reason = f"there is no field body or text, and no list articles; found {names}"
        return ArticleRejected(origin, reason, "empty")
    return Record(origin, fallback_id, with_own_names(found))


def _cut(names: str) -> str:
    return names if len(names) <= _NAMES_SHOWN else f"{names[:_NAMES_SHOWN]}…"


def _parsed(text: str, origin: str, first_line: int = 1) -> object:
    """The JSON value; integers come as the text they are written as, so that none is too long."""
    try:
        return json.loads(text, parse_int=str, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        reason = f"it is not JSON: {error.msg} (line {error.lineno + first_line - 1}, column {error.colno})"
        raise ArticleRejected(origin, reason, "bad_json") from error
    except RecursionError as error:
        raise ArticleRejected(origin, "its JSON is nested too deeply", "bad_json") from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    doubled = _Doubled(fields)
    doubled.name = Counter(name for name, _ in pairs).most_common(1)[0][0]
    return doubled
