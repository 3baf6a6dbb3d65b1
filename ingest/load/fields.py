"""From the fields a file states to an article: each checked, cleaned and of the right type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from index.records import Article
from ingest.clean import clean, clean_line
from ingest.errors import ArticleRejected
from ingest.load.contents import megabytes, shown
from ingest.load.dates import moment
from ingest.load.identity import ID

BODY_LIMIT = 5_000_000
LINE_LIMIT = 2_000
_UNLINKABLE = re.compile(r"[\s\x00-\x20\x7f<>\"\\^`{|}]")


@dataclass(frozen=True, slots=True)
class Record:
    """One article as its file states it: `fields` by name, None or empty where unknown; others are ignored.

    `fallback_id` is the id it gets when `fields` has none.
    """

    origin: str
    fallback_id: str
    fields: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class LoadedArticle:
    """An article, and whether its id was stated by its publisher rather than made from where it lies."""

    article: Article
    explicit_id: bool


def loaded(record: Record) -> LoadedArticle:
    """The article a record describes.

    Raises:
        ArticleRejected: The body is missing, empty or above 5 MB of UTF-8, or a field is not what it should be.
    """
    stated_id = _stated_id(record)
    article = Article(
        article_id=stated_id or record.fallback_id,
        body=_body(record),
        origin=record.origin,
        title=_line(record, "title"),
        url=_url(record),
        source=_line(record, "source"),
        authors=_lines(record, "authors"),
        section=_line(record, "section"),
        language=_line(record, "language"),
        tags=_lines(record, "tags"),
        published_at=_moment(record, "published_at"),
        updated_at=_moment(record, "updated_at"),
    )
    return LoadedArticle(article, explicit_id=stated_id is not None)


def _stated_id(record: Record) -> str | None:
    value = record.fields.get("id")
    if value is None or value == "":
        return None
    stated = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
    if not ID.fullmatch(stated):
        expected = "expected 1 to 200 letters, digits, or any of . _ : -"
        raise ArticleRejected(record.origin, f"id is {shown(value)}; {expected}", "bad_id")
    return stated


def _body(record: Record) -> str:
    stated = [value for name in ("body", "text") if (value := record.fields.get(name)) is not None]
    if not stated:
        raise ArticleRejected(record.origin, "there is no text: expected a field body or text", "empty")
    value = next((value for value in stated if value != ""), "")
    if not isinstance(value, str):
        raise ArticleRejected(record.origin, f"body is {shown(value)}; expected text", "bad_field")
    body = clean(value)
    if not any(char.isalnum() for char in body):
        raise ArticleRejected(record.origin, "there is not one word of text in it", "empty")
    if len(body.encode()) > BODY_LIMIT:
        reason = f"the text is larger than {megabytes(BODY_LIMIT)}: split it into articles"
        raise ArticleRejected(record.origin, reason, "too_large")
    return body


def _line(record: Record, name: str) -> str | None:
    value = record.fields.get(name)
    return None if value is None else _one_line(record, name, value) or None


def _lines(record: Record, name: str) -> tuple[str, ...]:
    """A list of strings, or one string with commas between them; each once, in the order stated."""
    value = record.fields.get(name)
    if value is None:
        return ()
    values = value.split(",") if isinstance(value, str) else value
    if not isinstance(values, list | tuple):
        raise ArticleRejected(record.origin, f"{name} is {shown(value)}; expected a list of strings", "bad_field")
    lines = (_one_line(record, name, item) for item in values if item is not None)
    return tuple(dict.fromkeys(line for line in lines if line))


def _one_line(record: Record, name: str, value: object) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value != value:  # noqa: PLR0124
        raise ArticleRejected(record.origin, f"{name} is {shown(value)}; expected a string", "bad_field")
    line = clean_line(str(value))
    if len(line) > LINE_LIMIT:
        reason = f"{name} has {len(line):,} characters ({shown(line)}); at most {LINE_LIMIT:,} are taken"
        raise ArticleRejected(record.origin, reason, "bad_field")
    return line


def _url(record: Record) -> str | None:
    url = _line(record, "url")
    if url is not None and not _is_web_address(url):
        raise ArticleRejected(record.origin, f"url is {shown(url)}; expected an http or https address", "bad_url")
    return url


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False
    return usable and not _UNLINKABLE.search(url)


def _moment(record: Record, name: str) -> datetime | None:
    value = record.fields.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, datetime):
        return value
    try:
        return moment(value if isinstance(value, str) else "")
    except ValueError as error:
        expected = "expected an ISO 8601 date such as 2024-05-01 or 2024-05-01T09:30:00Z"
        raise ArticleRejected(record.origin, f"{name} is {shown(value)}; {expected}", "bad_date") from error
