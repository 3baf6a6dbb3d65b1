"""What an ingest did, for the person who started it and for `--json`."""

from dataclasses import asdict, dataclass, field, fields
from typing import Any

from ingest.errors import ArticleRejected, Notice


@dataclass(slots=True)
class IngestReport:
    """Counts of articles by what became of them; `generation` is None where nothing was published.

    `moved` articles come from another file than before and are otherwise unchanged. `kept` articles are in the index
    and were not read in this run. `skipped` are files of a kind that holds no articles, and articles that their export
    marks as unpublished. `notices` concern articles that were taken in. `passed_over` counts versions of an article
    that gave way to a later one in the same run.
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
        """3 when some articles were rejected, else 0, also with notices."""
        return 3 if self.rejected else 0

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        named = {"rejected": _named(self.rejected), "skipped": _named(self.skipped)}
        notices = [asdict(notice) for notice in self.notices]
        return {**values, **named, "notices": notices, "seconds": round(self.seconds, 2)}


def _named(items: list[ArticleRejected]) -> list[dict[str, str]]:
    return [{"origin": item.origin, "code": item.code, "reason": item.reason} for item in items]
