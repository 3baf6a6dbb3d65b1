"""The records that the packages share: articles, chunks, filters and the description of a generation."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Literal, NamedTuple, overload

from pydantic import TypeAdapter


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


def parse_moment(text: str) -> datetime:
    """Return the moment of an ISO 8601 date, in UTC if it has no zone; raises ValueError."""
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def indexed_text(title: str | None, text: str) -> str:
    """Return the text that is embedded and indexed for a chunk: its article's title, then its text."""
    return f"{title}\n{text}" if title else text


@dataclass(frozen=True, slots=True)
class Article:
    """An article as it is stored and cited; all offsets are offsets in `body`.

    `origin` is the absolute path of its file, with `#n` for the n-th record of a file with several. Unknown metadata is
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
        visible = asdict(self)
        visible.pop("origin")
        visible["published_at"] = isoformat(self.published_at)
        visible["updated_at"] = isoformat(self.updated_at)
        encoded = json.dumps(visible, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(encoded.encode("utf-8", "surrogatepass")).hexdigest()


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
    exclusive; neither admits an article of unknown date.
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


@dataclass(frozen=True, slots=True)
class Configuration:
    """The settings that a generation is built with; generations of different configurations share no row."""

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
    digest = hashlib.sha256()
    parts = (configuration.schema, configuration.embedding_model, configuration.chunker, configuration.language)
    for line in (*parts, *sorted(hashes)):
        digest.update(f"{line}\n".encode())
    return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Manifest:
    """The description of a generation, stored in it as `manifest.json`.

    `files` maps the path of each file in the generation to its SHA-256. `fingerprint` depends on the articles, the
    chunker, the model and the schema, not on the bytes that Chroma writes. `search` is `exact` if verification found
    that Chroma misses some vectors.
    """

    generation: str
    configuration: Configuration
    article_count: int
    chunk_count: int
    created_at: str
    fingerprint: str
    files: dict[str, str]
    search: Literal["chroma", "exact"] = "chroma"

    def to_json(self) -> str:
        """Return the manifest as indented JSON with sorted keys."""
        return json.dumps(asdict(self), indent=2, sort_keys=True) + "\n"

    @classmethod
    def from_json(cls, text: str) -> "Manifest":
        """Parse a manifest; raises ValueError if a field is missing, unknown or of the wrong type."""
        return TypeAdapter(cls).validate_json(text, strict=True, extra="forbid")
