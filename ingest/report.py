"""The report of a run: progress, rejected articles, remarks about others, and the counts at the end."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any, Never, TextIO

from tqdm import tqdm

from index.errors import DatelineError

_LONGEST_VALUE = 80


class ArticleRejected(DatelineError):
    """An article, or a file, that was not ingested.

    `origin` is its path, with `#n` for the n-th article of a file. `reason` is a sentence with the value found. `code`
    is one of `empty`, `undecodable`, `binary`, `too_large`, `too_expensive`, `bad_field`, `bad_json`,
    `bad_front_matter`, `bad_pdf`, `bad_feed`, `encrypted`, `error_page`, `truncated`, `unsupported`, `unreadable`,
    `link_outside`, `clash`, `partial` and, for an article that its export marks as not public, `unpublished`.
    Of an address it may also be `refused` by a rule of ours or of its host, `unreachable`, `gone`, `status`,
    `wrong_type`, `too_deep`, `other_site` or `taken_down`. `withdrawn` is set if its publisher took an article down,
    `until` if it may be published from then on.
    """

    def __init__(
        self,
        origin: str,
        reason: str,
        code: str,
        withdrawn: "Withdrawn | None" = None,
        until: datetime | None = None,
    ) -> None:
        super().__init__(f"{origin}: {reason}")
        self.origin = origin
        self.reason = reason
        self.code = code
        self.withdrawn = withdrawn
        self.until = until

    def __reduce__(self) -> tuple[type["ArticleRejected"], tuple[object, ...]]:
        """Pickle with all arguments; an exception is otherwise rebuilt from its message alone."""
        return ArticleRejected, (self.origin, self.reason, self.code, self.withdrawn, self.until)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """A version by which a publisher takes an article down; `date` is when, if it says so."""

    article_id: str
    date: datetime | None


@dataclass(frozen=True, slots=True)
class Notice:
    """A remark about an ingested article, mostly an optional field that cannot be read and stays unknown.

    `origin` is as in ArticleRejected, `message` contains the field and its value, and `code` is one of `bad_date`,
    `bad_id`, `bad_url`, `bad_field`, `partial`, `unknown_status`, `page_gone` and, for the data folder as `origin`,
    `not_merged`.
    """

    code: str
    origin: str
    message: str


def short_repr(value: object) -> str:
    """Return the repr of a value for a message: on one line, at most 80 characters."""
    text = repr(value)
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"


def megabytes(size: int) -> str:
    """Format a size in bytes as megabytes."""
    return f"{size / 1_000_000:g} MB"


@dataclass(slots=True)
class FetchCounts:
    """How many addresses were fetched, not modified, refused by a rule of ours or of their host, or failed."""

    fetched: int = 0
    not_modified: int = 0
    refused: int = 0
    failed: int = 0


@dataclass(slots=True)
class IngestReport:
    """Counts of articles by outcome; `generation` is None if nothing was published.

    `moved` articles have a new origin and are otherwise unchanged. `kept` articles are in the index and were not read.
    `skipped` are files of unsupported kinds and unpublished articles. `notices` concern ingested articles.
    `passed_over` counts the versions of an article that a later version of the same run replaced. `copies` counts the
    articles written by this run that are copies of others. `fetches` counts fetched addresses.
    """

    added: int = 0
    updated: int = 0
    moved: int = 0
    unchanged: int = 0
    removed: int = 0
    kept: int = 0
    rejected: list[ArticleRejected] = field(default_factory=list)
    skipped: list[ArticleRejected] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    passed_over: int = 0
    copies: int = 0
    fetches: FetchCounts | None = None
    chunks: int = 0
    embedded: int = 0
    generation: str | None = None
    dry_run: bool = False
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """3 if an article was rejected, else 0; notices do not count."""
        return 3 if self.rejected else 0

    def to_dict(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        named = {"rejected": _named(self.rejected), "skipped": _named(self.skipped)}
        notices = [asdict(notice) for notice in self.notices]
        fetches = asdict(self.fetches) if self.fetches else None
        return {**values, **named, "notices": notices, "fetches": fetches, "seconds": round(self.seconds, 2)}


def _named(items: list[ArticleRejected]) -> list[dict[str, str]]:
    return [{"origin": item.origin, "code": item.code, "reason": item.reason} for item in items]


class Progress:
    """The progress of a job: bars only on a terminal, no output if `quiet`."""

    def __init__(self, out: TextIO | None = None, *, quiet: bool = False) -> None:
        self._out = out or sys.stderr
        self._quiet = quiet

    @contextmanager
    def bar(self, name: str, *, total: int | None, unit: str) -> Iterator[Callable[[int], object]]:
        """Show a step as a bar, without an end if `total` is unknown; yields a function that advances it."""
        hidden = True if self._quiet else None  # None: hidden unless the stream is a terminal
        bar: tqdm[Never] = tqdm(
            total=total, desc=name, unit=unit, unit_scale=True, file=self._out, disable=hidden, leave=False
        )
        with bar, self.step(name):
            yield bar.update

    @contextmanager
    def step(self, name: str) -> Iterator[None]:
        """Write the name and the duration of a step when it is complete."""
        started = time.monotonic()
        yield
        if not self._quiet:
            tqdm.write(f"{name}: {time.monotonic() - started:.1f} s", file=self._out)
