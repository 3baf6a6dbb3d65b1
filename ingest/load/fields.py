"""From the fields a file states to an article: each checked, cleaned and of the right type."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from index.records import Article
from ingest.clean import clean, clean_line
from ingest.errors import ArticleRejected, Notice
from ingest.load.contents import megabytes, shown
from ingest.load.dates import moment_of
from ingest.load.identity import ID, guid_id
from ingest.load.unpublished import mark_of_unpublished, unknown_statuses

BODY_LIMIT = 5_000_000
LINE_LIMIT = 2_000
# A text or line of more characters than this is refused before any work is done on it.
_RAW_BODY_LIMIT = 4 * BODY_LIMIT
_RAW_LINE_LIMIT = 20 * LINE_LIMIT
# The Relation of Strassburg came out in 1605. An article may be ahead of UTC by the zone of its publisher.
_FIRST_NEWSPAPER = datetime(1605, 1, 1, tzinfo=UTC)
_A_DAY = timedelta(days=1)
_UNLINKABLE = re.compile(r"[\s\x00-\x20\x7f<>\"\\^`{|}]")


@dataclass(frozen=True, slots=True)
class Record:
    """One article as its file states it: `fields` by name, None or empty where unknown; others are ignored.

    `fallback_id` is the id it gets when `fields` has none. A `public` record comes from a file that readers get as
    well, such as a feed; any other one from an export, which may hold what is not published.
    """

    origin: str
    fallback_id: str
    fields: Mapping[str, object]
    public: bool = False


@dataclass(frozen=True, slots=True)
class LoadedArticle:
    """An article, whether its id was stated by its publisher rather than made from where it lies, and its notices."""

    article: Article
    explicit_id: bool
    notices: tuple[Notice, ...] = ()


def loaded(record: Record, now: datetime) -> LoadedArticle:
    """The article a record describes; an optional field that cannot be read stays unknown, and a notice names it.

    Raises:
        ArticleRejected: It is not published, or the body is missing, empty, not text, or above 5 MB of UTF-8.
    """
    if mark := mark_of_unpublished(record.fields, now, public=record.public):
        raise ArticleRejected(record.origin, f"it is not published: {mark}", "unpublished")
    read = _Fields(record, now)
    stated_id = read.id()
    article = Article(
        article_id=stated_id or record.fallback_id,
        body=_body(record),
        origin=record.origin,
        title=read.line("title"),
        url=read.url(),
        source=read.line("source"),
        authors=read.lines("authors"),
        section=read.line("section"),
        language=read.line("language"),
        tags=read.lines("tags"),
        published_at=read.moment("published_at"),
        updated_at=read.moment("updated_at"),
    )
    for name, value in unknown_statuses(record.fields):
        read.note("unknown_status", name, value, "it is not known to mean unpublished, so the article is taken in")
    return LoadedArticle(article, explicit_id=stated_id is not None, notices=tuple(read.notices))


def _body(record: Record) -> str:
    stated = [value for name in ("body", "text") if (value := record.fields.get(name)) is not None]
    if not stated:
        raise ArticleRejected(record.origin, "there is no text: expected a field body or text", "empty")
    value = next((value for value in stated if value != ""), "")
    if not isinstance(value, str):
        raise ArticleRejected(record.origin, f"body is {shown(value)}; expected text", "bad_field")
    body = clean(value) if len(value) <= _RAW_BODY_LIMIT else None
    if body is None or len(body.encode()) > BODY_LIMIT:
        reason = f"the text is larger than {megabytes(BODY_LIMIT)}: split it into articles"
        raise ArticleRejected(record.origin, reason, "too_large")
    if not any(char.isalnum() for char in body):
        raise ArticleRejected(record.origin, "there is not one word of text in it", "empty")
    return body


class _Fields:
    """The optional fields of a record, read one by one; `notices` names those that cannot be read."""

    def __init__(self, record: Record, now: datetime) -> None:
        self.notices: list[Notice] = []
        self._now = now
        self._origin = record.origin
        self._fields = record.fields

    def id(self) -> str | None:
        """The stated id; one that does not fit becomes one that does, so that it stays the same in later files."""
        value = self._fields.get("id")
        if value is None or value == "":
            return None
        stated = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if ID.fullmatch(stated):
            return stated
        made = guid_id(stated, "") if any(char.isalnum() for char in stated) else None
        expected = "expected 1 to 200 letters, digits, or any of . _ : -, and not dots alone"
        self.note("bad_id", "id", value, f"{expected}; the article's id is {made or 'made from its place'}")
        return made

    def line(self, name: str) -> str | None:
        """A field on one line, None where it is unknown."""
        value = self._fields.get(name)
        return None if value is None else self._one_line(name, value) or None

    def lines(self, name: str) -> tuple[str, ...]:
        """A list of strings, or one string with commas between them; each once, in the order stated."""
        value = self._fields.get(name)
        if value is None:
            return ()
        values = value.split(",") if isinstance(value, str) else value
        if isinstance(values, Mapping):
            values = [values]
        if not isinstance(values, list | tuple):
            self.note("bad_field", name, value, "expected a list of strings")
            return ()
        lines = (self._one_line(name, item) for item in values if item is not None)
        return tuple(dict.fromkeys(line for line in lines if line))

    def url(self) -> str | None:
        """The address of the article, if a browser can follow it and it carries no name or password."""
        url = self.line("url")
        if url is None or (is_web_address(url) and not _has_user(url)):
            return url
        expected = "without user and password" if is_web_address(url) else "expected an http or https address"
        self.note("bad_url", "url", url, expected)
        return None

    def moment(self, name: str) -> datetime | None:
        """A date in UTC, None where it is unknown."""
        value = self._fields.get(name)
        if value is None or value == "":
            return None
        try:
            return self._plausible(moment_of(value))
        except ValueError as error:
            self.note("bad_date", name, value, f"{error}; the date stays unknown")
            return None

    def _plausible(self, found: datetime) -> datetime:
        if found < _FIRST_NEWSPAPER:
            raise ValueError("it lies before the first newspapers")
        if found > self._now + _A_DAY:
            raise ValueError("it lies in the future")
        return found

    def _one_line(self, name: str, value: object) -> str:
        stated = value.get("name") if isinstance(value, Mapping) else value
        if isinstance(stated, bool) or not isinstance(stated, str | int | float) or stated != stated:  # noqa: PLR0124
            self.note("bad_field", name, value, "expected a string")
            return ""
        raw = str(stated)
        line = clean_line(raw) if len(raw) <= _RAW_LINE_LIMIT else raw
        if len(line) > LINE_LIMIT:
            self.note("bad_field", name, line, f"it has {len(line):,} characters; at most {LINE_LIMIT:,} are taken")
            return ""
        return line

    def note(self, code: str, name: str, value: object, expected: str) -> None:
        """Name a field, its value and what was expected of it."""
        self.notices.append(Notice(code, self._origin, f"{name} is {shown(value)}; {expected}"))


def is_web_address(url: str) -> bool:
    """Whether a browser could follow an address and a link may be made of it."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False
    return usable and not _UNLINKABLE.search(url)


def _has_user(url: str) -> bool:
    """Whether a name stands before the host, as in https://bank.example@evil.example/, which misleads readers."""
    return "@" in urlsplit(url).netloc
