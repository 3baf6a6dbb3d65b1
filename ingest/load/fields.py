"""Validate and clean the fields of a raw article, and make an article of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from index.records import Article
from index.terms import normal_form
from ingest.errors import ArticleRejected, Notice, megabytes, short_repr
from ingest.load.dates import moment_of
from ingest.load.raw_article import ID, RawArticle, guid_id
from ingest.load.unpublished import mark_of_unpublished, unknown_statuses

BODY_LIMIT = 5_000_000
LINE_LIMIT = 2_000
REPLACEMENT = "\ufffd"
# Longer texts and lines are refused before they are cleaned.
_RAW_BODY_LIMIT = 4 * BODY_LIMIT
_RAW_LINE_LIMIT = 20 * LINE_LIMIT
# The Relation of Strassburg came out in 1605. A publisher's clock may be ahead of UTC by its zone.
_FIRST_NEWSPAPER = datetime(1605, 1, 1, tzinfo=UTC)
_A_DAY = timedelta(days=1)
_UNLINKABLE = re.compile(r"[\s\x00-\x20\x7f<>\"\\^`{|}]")
_LINE_ENDS = re.compile("\r\n|[\r\v\f\x85\u2028\u2029]")
_SURROGATES = re.compile("[\ud800-\udfff]")
# Zero-width joiner and non-joiner stay: emoji and several scripts need them.
_INVISIBLE = re.compile("[\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u200b\u2060\ufeff]")
# Marks that turn the direction of text or show nothing. In a title, a name or a tag they could turn or fake the text
# around it. U+200E, U+200F and U+061C stay: Arabic and Hebrew need them. A body keeps all of them, because it is
# quoted as published and shown in a block of its own.
_DISGUISES = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180e\u202a-\u202e\u2061-\u206f\u3164\uffa0\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
# Without the look-behind, a long run of spaces is scanned again from each of them.
_TRAILING = re.compile("(?<![ \t])[ \t]+$", re.MULTILINE)
_BLANK_LINES = re.compile("\n{4,}")


@dataclass(frozen=True, slots=True)
class LoadedArticle:
    """An article and its notices; `explicit_id` if its publisher stated the id."""

    article: Article
    explicit_id: bool
    notices: tuple[Notice, ...] = ()


def to_article(raw: RawArticle, now: datetime) -> LoadedArticle:
    """Make the article of a raw article; an optional field that cannot be read stays unknown and gets a notice.

    Raises:
        ArticleRejected: It is not published at `now`, or its body is missing, empty, not text, or above 5 MB of UTF-8.
    """
    if mark := mark_of_unpublished(raw.fields, now, public=raw.public):
        raise ArticleRejected(raw.origin, f"it is not published: {mark}", "unpublished")
    body = _body(raw)
    fields = _Fields(raw, now)
    stated_id = fields.id()
    title = fields.line("title")
    if raw.make_title and raw.fields.get("title") in (None, ""):
        title = fields.one_line("title", raw.make_title(body) or "") or None
    article = Article(
        article_id=stated_id or raw.fallback_id,
        body=body,
        origin=raw.origin,
        title=title,
        url=fields.url(),
        source=fields.line("source"),
        authors=fields.lines("authors"),
        section=fields.line("section"),
        language=fields.line("language"),
        tags=fields.lines("tags"),
        published_at=fields.moment("published_at"),
        updated_at=fields.moment("updated_at"),
    )
    for name, value in unknown_statuses(raw.fields):
        fields.add_notice("unknown_status", name, value, "the status is unknown, so the article counts as published")
    return LoadedArticle(article, explicit_id=stated_id is not None, notices=tuple(fields.notices))


def clean(text: str) -> str:
    r"""Remove invisible and unstorable characters from a body; offsets everywhere are those of the cleaned body.

    Every line end becomes `\n`; control characters, soft hyphens, zero-width spaces and byte order marks are removed;
    a lone surrogate becomes U+FFFD; the text is normalised to NFC with at most 30 combining marks a letter; every
    Unicode space becomes a plain one; white space at the end of lines and around the text is removed; three or more
    blank lines become one. Cleaning twice changes nothing.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _INVISIBLE.sub("", _SURROGATES.sub(REPLACEMENT, text))
    text = _SPACES.sub(" ", normal_form("NFC", text))
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip()


def clean_line(text: str) -> str:
    """Clean a text of one line, such as a title: also remove direction marks and make each white space one space."""
    return " ".join(clean(_DISGUISES.sub("", text)).split())


def is_web_address(url: str) -> bool:
    """Return whether an address can be the target of a link in a browser."""
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
    except ValueError:
        return False
    return usable and not _UNLINKABLE.search(url)


def _body(raw: RawArticle) -> str:
    stated = [value for name in ("body", "text") if (value := raw.fields.get(name)) is not None]
    if not stated:
        raise ArticleRejected(raw.origin, "it has no text: expected a field body or text", "empty")
    value = next((value for value in stated if value != ""), "")
    if not isinstance(value, str):
        raise ArticleRejected(raw.origin, f"body is {short_repr(value)}; expected text", "bad_field")
    body = clean(value) if len(value) <= _RAW_BODY_LIMIT else None
    if body is None or len(body.encode()) > BODY_LIMIT:
        reason = f"the text is larger than {megabytes(BODY_LIMIT)}: split it into articles"
        raise ArticleRejected(raw.origin, reason, "too_large")
    if not any(char.isalnum() for char in body):
        found = f"its text is {short_repr(body)}" if body else "its text is empty"
        raise ArticleRejected(raw.origin, f"{found}; expected at least one word", "empty")
    return body


class _Fields:
    """The optional fields of a raw article, validated one by one; `notices` lists those that cannot be read."""

    def __init__(self, raw: RawArticle, now: datetime) -> None:
        self.notices: list[Notice] = []
        self._now = now
        self._origin = raw.origin
        self._fields = raw.fields

    def id(self) -> str | None:
        """Return the stated id; derive a valid one from an invalid one, so that later files get the same id."""
        value = self._fields.get("id")
        if value is None or value == "":
            return None
        stated = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if ID.fullmatch(stated):
            return stated
        made = guid_id(stated, "") if any(char.isalnum() for char in stated) else None
        expected = "expected 1 to 200 letters, digits, or any of . _ : -, and not dots alone"
        self.add_notice("bad_id", "id", value, f"{expected}; the article gets {made or 'an id from its path'}")
        return made

    def line(self, name: str) -> str | None:
        """Return a field of one line, None if it is unknown."""
        value = self._fields.get(name)
        return None if value is None else self.one_line(name, value) or None

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the distinct strings of a list, or of one string with commas, in their order."""
        value = self._fields.get(name)
        if value is None:
            return ()
        values = value.split(",") if isinstance(value, str) else value
        if isinstance(values, Mapping):
            values = [values]
        if not isinstance(values, list | tuple):
            self.add_notice("bad_field", name, value, "expected a list of strings")
            return ()
        lines = (self.one_line(name, item) for item in values if item is not None)
        return tuple(dict.fromkeys(line for line in lines if line))

    def url(self) -> str | None:
        """Return the address of the article if a browser can follow it and it contains no user name or password."""
        url = self.line("url")
        if url is None:
            return None
        # https://bank.example@evil.example/ misleads readers.
        if is_web_address(url) and "@" not in urlsplit(url).netloc:
            return url
        expected = "without user and password" if is_web_address(url) else "expected an http or https address"
        self.add_notice("bad_url", "url", url, expected)
        return None

    def moment(self, name: str) -> datetime | None:
        """Return a date in UTC, None if it is unknown."""
        value = self._fields.get(name)
        if value is None or value == "":
            return None
        try:
            found = moment_of(value)
        except ValueError as error:
            problem = str(error)
        else:
            if _FIRST_NEWSPAPER <= found <= self._now + _A_DAY:
                return found
            problem = (
                "it is in the future" if found > self._now else "it is before 1605, the year of the first newspaper"
            )
        self.add_notice("bad_date", name, value, f"{problem}; the date stays unknown")
        return None

    def one_line(self, name: str, value: object) -> str:
        """Return a value as a clean line; empty, with a notice, if it is not a string or is too long."""
        stated = value.get("name") if isinstance(value, Mapping) else value
        if isinstance(stated, bool) or not isinstance(stated, str | int | float) or stated != stated:  # noqa: PLR0124
            self.add_notice("bad_field", name, value, "expected a string")
            return ""
        raw = str(stated)
        line = clean_line(raw) if len(raw) <= _RAW_LINE_LIMIT else raw
        if len(line) > LINE_LIMIT:
            self.add_notice(
                "bad_field", name, line, f"it has {len(line):,} characters; at most {LINE_LIMIT:,} are allowed"
            )
            return ""
        return line

    def add_notice(self, code: str, name: str, value: object, expected: str) -> None:
        """Add a notice with the name of a field, its value and the problem."""
        self.notices.append(Notice(code, self._origin, f"{name} is {short_repr(value)}; {expected}"))
