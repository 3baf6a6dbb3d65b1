"""Article files for the tests of loading, and short ways to load them."""

from collections.abc import Iterable
from pathlib import Path

from index.records import Article
from ingest.load import ArticleFile, LoadedArticle, find, load
from ingest.report import ArticleRejected, Notice


def write(path: Path, content: str | bytes) -> Path:
    """Write a file with exactly this content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path) -> list[LoadedArticle | ArticleRejected]:
    """Load everything below a path, in order."""
    return [item for file in find([path]) for item in load(file)]


def articles(path: Path) -> list[Article]:
    """Load the articles below a path."""
    return [item.article for item in read(path) if isinstance(item, LoadedArticle)]


def article(path: Path) -> Article:
    """Load the only article of a file without rejections."""
    (item,) = load(ArticleFile(path, path.parent))
    assert isinstance(item, LoadedArticle), item
    return item.article


def notices(path: Path) -> list[Notice]:
    """Load the notices of everything below a path, in order."""
    return [notice for item in read(path) if isinstance(item, LoadedArticle) for notice in item.notices]


def rejection(path: Path) -> ArticleRejected:
    """Load the only rejection of a file without articles."""
    (item,) = load(ArticleFile(path, path.parent))
    assert isinstance(item, ArticleRejected), item
    return item


def codes(items: Iterable[LoadedArticle | ArticleRejected]) -> list[str]:
    """Return the code of each rejection, and `ok` for each article."""
    return [item.code if isinstance(item, ArticleRejected) else "ok" for item in items]
