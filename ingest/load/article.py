"""From the fields of an article as its file states them to a valid article, or to the reason why it has none."""

import hashlib
import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from index.records import Article
from index.text import normal_form, without_accents
from ingest.load.dates import moment_of, moment_or_none
from ingest.load.files import ArticleFile
from ingest.report import ArticleRejected, Notice, Withdrawn, megabytes, short_repr

_LISTS = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
# In `normal_name` form: `pubDate`, `pub_date` and `Pub-Date` are one name.
ALIASES: dict[str, tuple[str, ...]] = {name: tuple(aliases.split()) for name, aliases in _LISTS["aliases"].items()}
# The names of fields that mark unpublished articles, and the words in them. ninjs defines usable, withheld and
# canceled; WordPress defines publish, and its plug-ins add any other words.
_MARKS: dict[str, frozenset[str]] = {name: frozenset(words.split()) for name, words in _LISTS["marks"].items()}
ID_LENGTH = 200
# Browsers resolve a path segment of dots alone to another address.
ID = re.compile(rf"(?!\.+\Z)[A-Za-z0-9._:-]{{1,{ID_LENGTH}}}")
_OTHER = re.compile(r"[^A-Za-z0-9_-]+")
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/*")
BODY_LIMIT = 5_000_000
LINE_LIMIT = 2_000
# Longer texts and lines are refused before they are cleaned.
_RAW_BODY_LIMIT = 4 * BODY_LIMIT
_RAW_LINE_LIMIT = 20 * LINE_LIMIT
_NAMES_SHOWN = 200
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
_TRUE, _FALSE = frozenset(("true", "yes", "on", "1")), frozenset(("false", "no", "off", "0"))


@dataclass(frozen=True, slots=True)
class RawArticle:
    """The fields of an article as its file states them, before validation; unknown ones are None, empty or missing.

    If the fields state no id or title, `fallback_id` is the id, and `make_title` makes the title of the cleaned body.
    A `public` one comes from a file that readers see as well; any other comes from an export, which may have drafts.
    `notices` are those of its format, `text_at` the paths at which it states the text. Of a teaser, the file has only
    the first words or a summary.
    """

    origin: str
    fallback_id: str
    fields: Mapping[str, object]
    public: bool = False
    make_title: Callable[[str], str | None] | None = None
    notices: tuple[Notice, ...] = ()
    text_at: tuple[str, ...] = ()
    is_teaser: bool = False

    @property
    def url(self) -> str | None:
        """The stated address, which may be invalid."""
        stated = _with_standard_names(self.fields)["url"]
        return stated if isinstance(stated, str) else None

    @property
    def published(self) -> object:
        """The stated date of publication, which may be invalid."""
        return _with_standard_names(self.fields)["published_at"]


class Unreadable:
    """The value of a field that cannot be parsed; the field stays unknown, and a notice quotes the value."""

    def __init__(self, written: str) -> None:
        self._written = written

    def __repr__(self) -> str:
        return repr(self._written)


def json_object(pairs: list[tuple[str, object]]) -> dict[str, object] | Unreadable:
    """Return an object of JSON, Unreadable if it states a field twice."""
    fields = dict(pairs)
    if len(fields) == len(pairs):
        return fields
    return Unreadable(f"an object that states {Counter(name for name, _ in pairs).most_common(1)[0][0]} twice")


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
    stated = _with_standard_names(raw.fields)
    if mark := _mark_of_unpublished(stated, now, public=raw.public):
        reason, until = f"it is not published: {mark}", _next_change(stated, now)
        raise ArticleRejected(raw.origin, reason, "unpublished", _withdrawn(stated), until)
    body = _body(raw)
    fields = _Fields(raw.origin, stated, now)
    stated_id = fields.id()
    title = fields.line("title")
    if raw.make_title and stated["title"] is None:
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
    for name, value in stated.items():
        is_status = normal_name(name) in _MARKS["status"] and _word(value)
        if is_status and _word(value) not in _MARKS["published"] | _MARKS["unpublished"]:
            fields.add_notice("unknown_status", name, value, "it is unknown, so the article counts as published")
    return LoadedArticle(article, explicit_id=stated_id is not None, notices=(*raw.notices, *fields.notices))


def clean(text: str) -> str:
    """Return a body in NFC with plain spaces and line ends, without invisible and unstorable characters.

    White space at the end of lines and around the text is removed; three or more blank lines become one. Offsets
    everywhere are those of the cleaned body; cleaning it again changes nothing.
    """
    text = _LINE_ENDS.sub("\n", text)
    text = _INVISIBLE.sub("", _SURROGATES.sub("\ufffd", text))
    text = _SPACES.sub(" ", normal_form("NFC", text))
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip()


def clean_line(text: str) -> str:
    """Clean a text of one line, such as a title: also remove direction marks and make each white space one space."""
    return " ".join(clean(_DISGUISES.sub("", text)).split())


def normal_name(name: str) -> str:
    """Return the name of a field without case, spaces and punctuation."""
    return re.sub(r"[\W_]", "", name).casefold()


def path_id(file: ArticleFile, number: int | None = None) -> str:
    """Make the id of a file's article, or of its n-th article: a slug of the path below the root, without extension."""
    relative = file.path.relative_to(file.root).with_suffix("").as_posix()
    return slug(relative, "" if number is None else f".{number}")


def guid_id(guid: str, feed: str) -> str:
    """Make the id of a feed's entry: a slug and a hash, because two addresses may have the same slug.

    An address or a tag is globally unique; any other guid is unique within its `feed` only.
    """
    unique = guid if _SCHEME.match(guid) else f"{feed} {guid}"
    return slug(_SCHEME.sub("", guid, count=1), f"-{_hash(unique)}")


def slug(text: str, suffix: str = "") -> str:
    """Make an id of at most 200 characters, `suffix` included, from a text.

    Letters, digits, `_` and `-` stay without accents, `/` becomes `.`, any other run of characters one `-`. A text with
    letters outside of ASCII, without letters, or longer than an id gets a hash, so that different texts stay different.
    """
    plain = without_accents(text)
    readable = ".".join(_OTHER.sub("-", part) for part in plain.split("/") if part)
    room = ID_LENGTH - len(suffix)
    lost = any(char.isalnum() and not char.isascii() for char in plain)
    if lost or not re.search(r"\w", readable):
        readable = f"{readable.strip('-.')}-{_hash(plain)}".lstrip("-")
    if len(readable) > room:
        readable = f"{readable[: room - 11].rstrip('-.')}-{_hash(plain)}"
    return f"{readable}{suffix}"


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:10]


def _with_standard_names(fields: Mapping[str, object]) -> dict[str, object]:
    """Add Dateline's names for fields that the file states under other common names; stated names have precedence.

    Without a section, the first of `categories` becomes the section, and the others become tags.
    """
    known: dict[str, object] = {}
    for name, value in fields.items():
        if value not in (None, "") and not isinstance(value, bool):
            known.setdefault(normal_name(name), value)
    found = dict(fields)
    for name, aliases in ALIASES.items():
        if found.get(name) in (None, ""):
            found[name] = next((known[alias] for alias in aliases if alias in known), None)
    if str(found["authors"]).isdecimal():
        # The number of an author in a database is not a name.
        found["authors"] = None
    if found["section"] is None:
        found["section"], *others = _as_list(known.get("categories")) or [None]
        found["tags"] = [*_as_list(found["tags"]), *others] if others else found["tags"]
    return found


def _as_list(value: object) -> list[object]:
    if isinstance(value, str):
        return [part.strip() for part in value.split(",")]
    return list(value) if isinstance(value, Iterable) and not isinstance(value, Mapping) else [value] if value else []


def _body(raw: RawArticle) -> str:
    stated = [value for name in ("body", "text") if (value := raw.fields.get(name)) is not None]
    if not stated and raw.text_at:
        raise ArticleRejected(raw.origin, f"it has no text at {' or '.join(raw.text_at)}", "empty")
    if not stated:
        names = ", ".join(map(str, raw.fields)) or "no field"
        cut = names if len(names) <= _NAMES_SHOWN else f"{names[:_NAMES_SHOWN]}…"
        raise ArticleRejected(raw.origin, f"expected a field body or text, or a list articles; found {cut}", "empty")
    value = next(filter(lambda value: value != "", stated), "")
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

    def __init__(self, origin: str, stated: Mapping[str, object], now: datetime) -> None:
        self.notices: list[Notice] = []
        self._origin = origin
        # An empty text states nothing.
        self._stated = {name: value for name, value in stated.items() if value not in (None, "")}
        self._now = now

    def id(self) -> str | None:
        """Return the stated id; derive a valid one from an invalid one, so that later files get the same id."""
        value = self._stated.get("id")
        stated = str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""
        if value is None or ID.fullmatch(stated):
            return stated or None
        made = guid_id(stated, "") if any(char.isalnum() for char in stated) else None
        expected = "expected 1 to 200 letters, digits, or any of . _ : -, and not dots alone"
        self.add_notice("bad_id", "id", value, f"{expected}; the article gets {made or 'an id from its path'}")
        return made

    def line(self, name: str) -> str | None:
        """Return a field of one line, None if it is unknown."""
        return self.one_line(name, self._stated.get(name, "")) or None

    def lines(self, name: str) -> tuple[str, ...]:
        """Return the distinct strings of a list, or of one string with commas, in their order."""
        value = self._stated.get(name, ())
        values = value.split(",") if isinstance(value, str) else [value] if isinstance(value, Mapping) else value
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
        try:
            parts = urlsplit(url)
            usable = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 0) >= 0
        except ValueError:
            usable = False
        if not usable or _UNLINKABLE.search(url):
            self.add_notice("bad_url", "url", url, "expected an http or https address")
        elif "@" in parts.netloc:
            # https://bank.example@evil.example/ misleads readers.
            self.add_notice("bad_url", "url", url, "expected an address without user and password")
        else:
            return url
        return None

    def moment(self, name: str) -> datetime | None:
        """Return a date in UTC, None if it is unknown."""
        if name not in self._stated:
            return None
        value = self._stated[name]
        try:
            found = moment_of(value)
            if _FIRST_NEWSPAPER <= found <= self._now + _A_DAY:
                return found
            is_late = found > self._now
            problem = "it is in the future" if is_late else "it is before 1605, the year of the first newspaper"
        except ValueError as error:
            problem = str(error)
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
            expected = f"it has {len(line):,} characters; at most {LINE_LIMIT:,} are allowed"
            self.add_notice("bad_field", name, line, expected)
            return ""
        return line

    def add_notice(self, code: str, name: str, value: object, expected: str) -> None:
        """Add a notice with the name of a field, its value and the problem."""
        self.notices.append(Notice(code, self._origin, f"{name} is {short_repr(value)}; {expected}"))


def _mark_of_unpublished(fields: Mapping[str, object], now: datetime, *, public: bool) -> str | None:
    """Return why an article is unpublished at a time, for a message; None if it is published.

    In a `public` file, a publication date in the future is a mistake; in any other, the article is scheduled for it.
    """
    published = moment_or_none(fields["published_at"])
    for name, value in fields.items():
        if value is not None and value != "" and _is_mark(normal_name(name), value, now):
            planned = f", for {published:%Y-%m-%d %H:%M} UTC" if published and published > now else ""
            return f"{name} is {short_repr(value)}{planned}"
    if published and published > now + _A_DAY and not public:
        return f"it is scheduled for {published:%Y-%m-%d %H:%M} UTC"
    return None


def _is_mark(name: str, value: object, now: datetime) -> bool:
    kinds = {kind for kind, names in _MARKS.items() if name in names}
    if isinstance(value, Unreadable):
        marks = ("status", "set_when_unpublished", "password", "embargo", "schedule")
        return name == "publish" or not kinds.isdisjoint(marks)
    word = _word(value)
    if "status" in kinds:
        return word in _MARKS["unpublished"] or ("only_published" in kinds and word not in _MARKS["published"])
    if "schedule" in kinds or ("embargo" in kinds and word not in _TRUE | _FALSE):
        until = moment_or_none(value)
        # An embargo with an unreadable end is in force.
        return until > now if until else "embargo" in kinds
    return (
        ("set_when_published" in kinds and word in _FALSE)
        or (not kinds.isdisjoint(("set_when_unpublished", "embargo")) and word in _TRUE)
        or ("password" in kinds and value is not False)
    )


def _next_change(fields: Mapping[str, object], now: datetime) -> datetime | None:
    """Return the next moment from which the dates of an embargo or a plan may let an article be published."""
    names = {"published_at", *(name for name in fields if normal_name(name) in _MARKS["embargo"] | _MARKS["schedule"])}
    return min((date for name in names if (date := moment_or_none(fields[name])) and date > now), default=None)


def _withdrawn(fields: Mapping[str, object]) -> Withdrawn | None:
    """Return the id and the date of an article that its publisher takes down; None for drafts and the like."""
    words = (_word(value) for name, value in fields.items() if normal_name(name) in _MARKS["status"])
    article_id = _Fields("", fields, datetime.max.replace(tzinfo=UTC) - _A_DAY).id()
    if article_id is None or _MARKS["withdrawn"].isdisjoint(words):
        return None
    return Withdrawn(article_id, moment_or_none(fields["updated_at"]) or moment_or_none(fields["published_at"]))


def _word(value: object) -> str:
    """Return a status without case and punctuation; of an object, its name."""
    stated = value.get("name") if isinstance(value, Mapping) else value
    return normal_name(str(stated)) if isinstance(stated, str | bool | int) else ""
