"""JSON files: an article, a list of articles, or an object with a list `articles`; JSON Lines: an article per line."""

import json
from collections.abc import Iterator
from io import TextIOWrapper

from ingest.load.article import RawArticle, json_object, path_id
from ingest.load.files import UTF_16_MARKS, ArticleFile, decode, open_file, read_text
from ingest.report import ArticleRejected, megabytes, short_repr

JSON_FILE_LIMIT = 200_000_000
JSON_LINE_LIMIT = 20_000_000


def parse_json(file: ArticleFile) -> Iterator[RawArticle | ArticleRejected]:
    """Yield the articles of a .json file; raises ArticleRejected if the file is not JSON or has no articles."""
    text = read_text(file, JSON_FILE_LIMIT)
    if not text.strip():
        raise ArticleRejected(file.origin, "the file contains only white space; expected an article", "empty")
    found = _parse(text, file.origin)
    articles = found.get("articles") if isinstance(found, dict) else found
    if not isinstance(articles, list):
        yield _raw_article(found, file.origin, path_id(file))
    elif not articles:
        raise ArticleRejected(file.origin, "its list of articles is empty", "empty")
    else:
        for number, article in enumerate(articles, start=1):
            yield _raw_article(article, f"{file.origin}#{number}", path_id(file, number))


def parse_json_lines(file: ArticleFile) -> Iterator[RawArticle | ArticleRejected]:
    """Yield the articles of a .jsonl file of any size, line by line; blank lines have no number."""
    number = 0
    for line_number, line in enumerate(map(bytes.strip, _lines(file)), start=1):
        if line:
            number += 1
            yield _parse_line(line, line_number, f"{file.origin}#{number}", path_id(file, number))
    if not number:
        raise ArticleRejected(file.origin, "the file has no lines with an article", "empty")


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


def _parse_line(line: bytes, line_number: int, origin: str, fallback_id: str) -> RawArticle | ArticleRejected:
    if len(line) > JSON_LINE_LIMIT:
        reason = f"line {line_number} is longer than {megabytes(JSON_LINE_LIMIT)}: split it into articles"
        return ArticleRejected(origin, reason, "too_large")
    try:
        return _raw_article(_parse(decode(line, origin), origin, line_number), origin, fallback_id)
    except ArticleRejected as rejection:
        return rejection


def _raw_article(found: object, origin: str, fallback_id: str) -> RawArticle | ArticleRejected:
    if not isinstance(found, dict):
        return ArticleRejected(origin, f"it is {short_repr(found)}; expected an object with fields", "bad_json")
    return RawArticle(origin, fallback_id, found)


def _parse(text: str, origin: str, first_line: int = 1) -> object:
    """Parse JSON; integers stay texts, because Python refuses to parse very long ones."""
    try:
        return json.loads(text, parse_int=str, object_pairs_hook=json_object)
    except json.JSONDecodeError as error:
        reason = f"it is not JSON: {error.msg} (line {error.lineno + first_line - 1}, column {error.colno})"
    except RecursionError:
        reason = "its JSON is nested too deeply; expected a list or an object of articles"
    raise ArticleRejected(origin, reason, "bad_json")
