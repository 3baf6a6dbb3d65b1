"""Files for the loaders to read, and what they make of them."""

from collections.abc import Iterable
from pathlib import Path

from index.records import Article
from ingest.errors import ArticleRejected, Notice
from ingest.load import ArticleFile, LoadedArticle, find, load


def write(path: Path, content: str | bytes) -> Path:
    """Write a file with exactly this content."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def read(path: Path) -> list[LoadedArticle | ArticleRejected]:
    """Everything below a path, in order."""
    return [item for file in find([path]) for item in load(file)]


def articles(path: Path) -> list[Article]:
    """The articles below a path."""
    return [item.article for item in read(path) if isinstance(item, LoadedArticle)]


def article(path: Path) -> Article:
    """The only article of a file, which holds nothing that is rejected."""
    (item,) = load(ArticleFile(path, path.parent))
    assert isinstance(item, LoadedArticle), item
    return item.article


def notices(path: Path) -> list[Notice]:
    """The notices of everything below a path, in order."""
    return [notice for item in read(path) if isinstance(item, LoadedArticle) for notice in item.notices]


def rejection(path: Path) -> ArticleRejected:
    """The only rejection of a file, which holds nothing that is taken in."""
    (item,) = load(ArticleFile(path, path.parent))
    assert isinstance(item, ArticleRejected), item
    return item


def codes(items: Iterable[LoadedArticle | ArticleRejected]) -> list[str]:
    """The code of each rejection, `ok` for each article."""
    return [item.code if isinstance(item, ArticleRejected) else "ok" for item in items]
