"""JSON files: an article, a list of articles, or an object with a list `articles`; JSON Lines: an article per line."""

import json
from collections import Counter
from collections.abc import Iterator
from io import TextIOWrapper
from typing import BinaryIO

from ingest.errors import ArticleRejected, megabytes, short_repr
from ingest.load.encodings import UTF_16_MARKS, decode, read_text
from ingest.load.files import ArticleFile, open_file
from ingest.load.raw_article import RawArticle, path_id, with_standard_names

JSON_FILE_LIMIT = 200_000_000
JSON_LINE_LIMIT = 20_000_000
_NAMES_SHOWN = 200


class _Ambiguous(dict[str, object]):
    """An object that states the field `name` twice."""

    name = ""


def parse_json(file: ArticleFile) -> Iterator[RawArticle | ArticleRejected]:
    """Yield the articles of a .json file; raises ArticleRejected if the file is not JSON or has no articles."""
    text = read_text(file, JSON_FILE_LIMIT)
    if not text.strip():
        raise ArticleRejected(file.origin, "the file contains only white space; expected an article", "empty")
    found = _parse(text, file.origin)
    articles = found.get("articles") if isinstance(found, dict) and not isinstance(found, _Ambiguous) else found
    if not isinstance(articles, list):
        yield _raw_article(found, file.origin, path_id(file))
        return
    if not articles:
        raise ArticleRejected(file.origin, "its list of articles is empty", "empty")
    for number, article in enumerate(articles, start=1):
        yield _raw_article(article, f"{file.origin}#{number}", path_id(file, number))


def parse_json_lines(file: ArticleFile) -> Iterator[RawArticle | ArticleRejected]:
    """Yield the articles of a .jsonl file of any size, line by line; blank lines have no number."""
    number = 0
    with open_file(file) as stream:
        for line_number, line in enumerate(map(bytes.strip, _lines(stream)), start=1):
            if not line:
                continue
            number += 1
            yield _parse_line(line, line_number, f"{file.origin}#{number}", path_id(file, number))
    if not number:
        raise ArticleRejected(file.origin, "the file has no lines with an article", "empty")


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines of a stream in UTF-8; cut a line above the limit to one byte more than the limit."""
    marked = stream.read(2) in UTF_16_MARKS
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


def _parse_line(line: bytes, line_number: int, origin: str, fallback_id: str) -> RawArticle | ArticleRejected:
    if len(line) > JSON_LINE_LIMIT:
        reason = f"line {line_number} is longer than {megabytes(JSON_LINE_LIMIT)}: split it into articles"
        return ArticleRejected(origin, reason, "too_large")
    try:
        return _raw_article(_parse(decode(line, origin), origin, line_number), origin, fallback_id)
    except ArticleRejected as rejection:
        return rejection


def _raw_article(found: object, origin: str, fallback_id: str) -> RawArticle | ArticleRejected:
    if isinstance(found, _Ambiguous):
        return ArticleRejected(origin, f"the field {short_repr(found.name)} is stated twice: remove one", "bad_json")
    if not isinstance(found, dict):
        return ArticleRejected(origin, f"it is {short_repr(found)}; expected an object with fields", "bad_json")
    if found.get("body") is None and found.get("text") is None:
        names = ", ".join(map(str, found)) or "no field"
        cut = names if len(names) <= _NAMES_SHOWN else f"{names[:_NAMES_SHOWN]}…"
        return ArticleRejected(origin, f"expected a field body or text, or a list articles; found {cut}", "empty")
    return RawArticle(origin, fallback_id, with_standard_names(found))


def _parse(text: str, origin: str, first_line: int = 1) -> object:
    """Parse JSON; integers stay texts, because Python refuses to parse very long ones."""
    try:
        return json.loads(text, parse_int=str, object_pairs_hook=_object)
    except json.JSONDecodeError as error:
        reason = f"it is not JSON: {error.msg} (line {error.lineno + first_line - 1}, column {error.colno})"
        raise ArticleRejected(origin, reason, "bad_json") from error
    except RecursionError as error:
        raise ArticleRejected(
            origin, "its JSON is nested too deeply; expected a list or an object of articles", "bad_json"
        ) from error


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    ambiguous = _Ambiguous(fields)
    ambiguous.name = Counter(name for name, _ in pairs).most_common(1)[0][0]
    return ambiguous
