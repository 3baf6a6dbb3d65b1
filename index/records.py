"""The records that the packages share: articles, chunks, filters and the description of a generation."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime, time
from functools import cache
from typing import Any, Literal, NamedTuple, Self, cast, overload

from pydantic import TypeAdapter, ValidationError


class Span(NamedTuple):
    """A half-open range of Unicode code points in a text: `text[start:end]`."""

    start: int
    end: int


@overload
def isoformat(moment: datetime, timespec: str = "auto") -> str: ...
@overload
def isoformat(moment: None, timespec: str = "auto") -> None: ...
def isoformat(moment: datetime | None, timespec: str = "auto") -> str | None:
    """Return a moment as ISO 8601 in UTC with a `Z`, or None if it is unknown; `timespec` as of `datetime`."""
    if moment is None:
        return None
    return moment.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def compact(moment: datetime) -> str:
    """Return a moment as the beginning of a name, to the millisecond, so that names sort by time."""
    return f"{moment:%Y%m%dT%H%M%S}{moment.microsecond // 1000:03d}Z"


def parse_moment(text: str) -> datetime:
    """Return the moment of an ISO 8601 date, in UTC if it has no zone; raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def parse_as_of(text: str) -> datetime:
    """Return the moment of an ISO 8601 date in UTC, for a day without a time its last one.

    Raises ValueError, or OverflowError if the moment is outside the calendar.
    """
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return parse_moment(text).astimezone(UTC)
    return datetime.combine(day, time.max, UTC)


def indexed_text(title: str | None, text: str) -> str:
    """Return the text that is embedded and indexed for a chunk: its article's title, then its text."""
    return f"{title}\n{text}" if title else text


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it is stored and cited; all offsets are offsets in `body`.

    `origin` is the absolute path of its file, with `#n` for the n-th record of a file with several, or `push:` and
    the id of a pushed article. Unknown metadata is
    None or empty, never invented.
    """

    article_id: str
    body: str
    origin: str
    title: str | None = None
    url: str | None = None
    source: str | None = None
    authors: tuple[str, ...] = ()
    section: str | None = None
    language: str | None = None
    tags: tuple[str, ...] = ()
    published_at: datetime | None = None
    updated_at: datetime | None = None

    @property
    def content_hash(self) -> str:
        """Return the SHA-256 of every field but `origin`, so that a moved file is not a change."""
        visible = {name: getattr(self, name) for name in self.__slots__ if name != "origin"}
        visible["published_at"] = isoformat(self.published_at)
        visible["updated_at"] = isoformat(self.updated_at)
        encoded = json.dumps(visible, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(encoded.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class Edit:
    """A sentence that changed: `before` is empty if it is new, `after` if it was removed; or the title."""

    before: str
    after: str
    in_title: bool = False


@dataclass(frozen=True, slots=True)
class Revision:
    """The edits by which a version of an article differs from the one before it.

    `changed_at` is ISO 8601 in UTC: the version's own `updated_at` if `is_stated`, else the time of the ingest.
    """

    changed_at: str
    is_stated: bool
    edits: tuple[Edit, ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """An article in a list: its body is cut to its opening; `characters` is the length of the complete body."""

    article: Article
    characters: int


@dataclass(frozen=True, slots=True)
class Chunk:
    """A span of complete sentences of one article; always `article.body[start_char:end_char] == text`."""

    chunk_id: str
    article_id: str
    ordinal: int
    text: str
    start_char: int
    end_char: int
    token_count: int


@dataclass(frozen=True, slots=True)
class Filters:
    """The conditions on articles that may answer; an empty filter admits every article.

    An article must match one value of every field that is set. `published_after` is inclusive, `published_before`
    exclusive; neither admits an article of unknown date. Nor does `as_of`, which admits what was published, and last
    updated, at that moment or before.
    """

    sources: tuple[str, ...] = ()
    exclude_sources: tuple[str, ...] = ()
    authors: tuple[str, ...] = ()
    sections: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    article_ids: tuple[str, ...] = ()
    published_after: datetime | None = None
    published_before: datetime | None = None
    as_of: datetime | None = None


NO_BOUNDS = Filters()
"""The bounds of a caller who may see every article."""


class Stored:
    """A record that is stored as JSON."""

    __slots__ = ()

    def to_json(self) -> str:
        """Return the record as indented JSON with sorted keys."""
        return json.dumps(asdict(cast("Any", self)), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Parse a record; raises ValueError, with a message of one line, if a field is missing, unknown or invalid."""
        try:
            return cast("Self", _adapter(cast("type", cls)).validate_json(text, strict=True, extra="forbid"))
        except ValidationError as error:
            faults = [": ".join([*map(str, fault["loc"]), fault["msg"]]) for fault in error.errors()]
            raise ValueError(f"not a valid {error.title}: {'; '.join(faults)}") from error


@cache
def _adapter(kind: type) -> TypeAdapter[Any]:
    # Building one takes as long as parsing ten records.
    return TypeAdapter(kind)


@dataclass(frozen=True, slots=True)
class Configuration(Stored):
    """The settings that a generation is built with; all its segments have the same."""

    embedding_model: str
    embedding_graph: str
    dimension: int
    chunker: str
    language: str
    stop_words: str
    schema: int


def fingerprint(hashes: Iterable[tuple[str, str]], configuration: Configuration) -> str:
    """Return the SHA-256 of the sorted (article id, content hash) pairs and the configuration.

    The graph of the model is left out: int8 and fp32 graphs of one model answer alike.
    """
    parts = (configuration.schema, configuration.embedding_model, configuration.chunker, configuration.language)
    lines = "".join(f"{line}\n" for line in (*parts, *sorted(hashes)))
    return hashlib.sha256(lines.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class StoredFile:
    """The size of a file in bytes, and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class SegmentRecord(Stored):
    """The description of a segment, stored in it as `segment.json`; `files` are all its other files by path.

    `search` is `exact` if Chroma misses some of its vectors.
    """

    segment: str
    configuration: Configuration
    article_count: int
    chunk_count: int
    created_at: str
    files: dict[str, StoredFile]
    search: Literal["chroma", "exact"] = "chroma"


@dataclass(frozen=True, slots=True)
class SegmentEntry:
    """A segment of a generation: its id, the SHA-256 of its `segment.json`, and the ids of its dead articles.

    An article is dead if a later segment replaces it, or if it was removed.
    """

    segment: str
    sha256: str
    dead: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Manifest(Stored):
    """The description of a generation, stored as `generations/NAME.json`.

    `fingerprint` depends on the articles, the chunker, the model and the schema: it is equal for equal articles,
    however they are spread over segments. The name ends with the digest of everything else.
    """

    generation: str
    configuration: Configuration
    article_count: int
    chunk_count: int
    created_at: str
    fingerprint: str
    segments: tuple[SegmentEntry, ...]

    @property
    def digest(self) -> str:
        """Return the first 8 digits of the SHA-256 of all fields but the name."""
        return hashlib.sha256(replace(self, generation="").to_json().encode()).hexdigest()[:8]
