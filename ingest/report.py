"""The report of an ingest, for the summary and for `--json`."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ingest.errors import ArticleRejected, Notice


@dataclass(slots=True)
class IngestReport:
    """Counts of articles by outcome; `generation` is None if nothing was published.

    `moved` articles have a new origin and are otherwise unchanged. `kept` articles are in the index and were not read.
    `skipped` are files of unsupported kinds and unpublished articles. `notices` concern ingested articles.
    `passed_over` counts the versions of an article that a later version of the same run replaced.
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
        return {**values, **named, "notices": notices, "seconds": round(self.seconds, 2)}


def _named(items: list[ArticleRejected]) -> list[dict[str, str]]:
    return [{"origin": item.origin, "code": item.code, "reason": item.reason} for item in items]
