"""Find what is odd about a published index, as a notice that names the articles."""

from pathlib import Path

from index.crowds import crowded_articles
from ingest.errors import Notice

_NAMED = 5


def nearly_equal(generation: Path) -> Notice:
    """The notice for a generation that Chroma does not search reliably."""
    crowded = crowded_articles(generation)
    effect = "so questions are answered by exact search; nothing is lost"
    if not crowded:
        return Notice("nearly_equal", str(generation), f"Chroma misses some chunks, {effect}")
    others = [article.origin for article in crowded[1:_NAMED]]
    more = len(crowded) - 1 - len(others)
    also = f" (likewise {', '.join(others)}{f' and {more:,} more' if more else ''})" if others else ""
    message = (
        f"many of its chunks are nearly equal{also}. Chroma may miss chunks beside them, {effect}. Remove the article"
        " if it is filler, or a table or log that readers do not ask about."
    )
    return Notice("nearly_equal", crowded[0].origin, message)
