"""Results of a visit to addresses, beside articles and rejections."""

from dataclasses import dataclass

from ingest.load import LoadedArticle
from ingest.report import ArticleRejected


@dataclass(frozen=True, slots=True)
class Unchanged:
    """An article of the index, by its origin, of which its site says that it did not change."""

    origin: str


@dataclass(frozen=True, slots=True)
class Gone:
    """An article of the index, by its origin, of which the page no longer exists; `reason` says how that shows."""

    origin: str
    reason: str


Fetched = LoadedArticle | ArticleRejected | Unchanged | Gone


def origin_of(item: Fetched) -> str:
    """Return the origin that an item is about."""
    return item.article.origin if isinstance(item, LoadedArticle) else item.origin
