"""Passages for tests: a chunk with the complete body of its article."""

from datetime import datetime

from index.records import Article, Chunk
from service.records import Passage


def make_passage(
    key: str,
    text: str,
    *,
    title: str | None = None,
    source: str | None = None,
    published_at: datetime | None = None,
) -> Passage:
    """Return a passage with this key whose article is `text`."""
    article = Article(
        f"article-{key}", text, f"/articles/{key}.txt", title=title, source=source, published_at=published_at
    )
    chunk = Chunk(f"article-{key}:0", article.article_id, 0, text, 0, len(text), len(text.split()))
    return Passage(key, chunk, article, 1.0, 0.5, 2.0)
