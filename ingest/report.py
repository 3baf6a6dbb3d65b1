"""What an ingest did, for the person who started it and for `--json`."""

from dataclasses import dataclass, field, fields
from typing import Any

from ingest.errors import ArticleRejected


@dataclass(slots=True)
class IngestReport:
    """Counts of articles by what became of them; `generation` is None where nothing was published.

    `kept` articles are in the index and were not read in this run; `skipped` files are of kinds that hold none.
    """

    added: int = 0
    updated: int = 0
    unchanged: int = 0
    removed: int = 0
    kept: int = 0
    rejected: list[ArticleRejected] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    chunks: int = 0
    embedded: int = 0
    generation: str | None = None
    dry_run: bool = False
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 when everything that was read is in, 3 when some articles were rejected."""
        return 3 if self.rejected else 0

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON values."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        rejected = [{"origin": each.origin, "code": each.code, "reason": each.reason} for each in self.rejected]
        return {**values, "rejected": rejected, "seconds": round(self.seconds, 2)}
