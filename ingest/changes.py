"""What an ingest finds: each article read is new, changed, unchanged, or rejected; others are kept or gone."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from index.records import Article
from ingest.errors import ArticleRejected, Notice
from ingest.load import LoadedArticle


@dataclass(slots=True)
class Changes:
    """The articles of the current generation, compared with those that are read one after another.

    `hashes` and `origins` are those of the current generation, by article id; `named` are the files that were
    named one by one. A file of another kind is skipped where a folder holds it, and rejected where it was named.
    An article that its export marks as unpublished is skipped; where it is in the index, `gone` lists it.
    """

    hashes: dict[str, str]
    origins: dict[str, str]
    added: dict[str, str] = field(default_factory=dict)
    updated: dict[str, str] = field(default_factory=dict)
    unchanged: set[str] = field(default_factory=set)
    rejected: list[ArticleRejected] = field(default_factory=list)
    skipped: list[ArticleRejected] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    named: frozenset[str] = frozenset()
    _seen: dict[str, tuple[str, str]] = field(default_factory=dict)
    _rejected_paths: set[str] = field(default_factory=set)

    def compare(self, read: Iterable[LoadedArticle | ArticleRejected]) -> Iterator[Article]:
        """Take note of everything read; yields the articles that are new or changed."""
        known = {origin: article_id for article_id, origin in self.origins.items()}
        for found in read:
            item = _under_its_first_id(found, known)
            if isinstance(item, ArticleRejected):
                self._reject(item)
            elif (clash := self._clash(item)) is not None:
                self._reject(clash)
            else:
                self.notices += item.notices
                if self._is_new(item.article):
                    yield item.article

    def gone(self, paths: Sequence[Path]) -> set[str]:
        """The ids whose origin lies under these paths and was not read; what was rejected keeps its articles."""
        roots = [os.path.abspath(path) for path in paths]  # noqa: PTH100 - as origins are written: links unresolved
        return {
            article_id
            for article_id, origin in self.origins.items()
            if article_id not in self._seen
            and not self._is_rejected(Path(_path(origin)))
            and any(Path(_path(origin)).is_relative_to(root) for root in roots)
        }

    def hashes_after(self, removed: set[str]) -> dict[str, str]:
        """Article id to content hash of everything that is in the index after this ingest."""
        kept = {article_id: hash_ for article_id, hash_ in self.hashes.items() if article_id not in removed}
        return kept | self.added | self.updated

    def _reject(self, rejection: ArticleRejected) -> None:
        foreign = rejection.code == "unsupported" and rejection.origin not in self.named
        if foreign or rejection.code == "unpublished":
            self.skipped.append(rejection)
            return
        self.rejected.append(rejection)
        self._rejected_paths.add(_path(rejection.origin))

    def _is_rejected(self, path: Path) -> bool:
        """Whether a file, or a folder that it lies in, could not be read."""
        return any(str(place) in self._rejected_paths for place in (path, *path.parents))

    def _clash(self, loaded: LoadedArticle) -> ArticleRejected | None:
        article = loaded.article
        seen = self._seen.get(article.article_id)
        if seen is not None:
            # The same article twice, as in two copies of a feed, is no clash.
            origin, hash_ = seen
            other = None if hash_ == article.content_hash else origin
        else:
            other = None if loaded.explicit_id else self._held_elsewhere(article)
        if other is None:
            return None
        return ArticleRejected(
            article.origin,
            f"its id {article.article_id!r} is already that of {other}: give one of them an `id`, or rename its file",
            "clash",
        )

    def _held_elsewhere(self, article: Article) -> str | None:
        """The origin of another article of that id in the index; a file that moved is no other article."""
        origin = self.origins.get(article.article_id)
        moved = origin is None or not Path(_path(origin)).exists()
        same = origin == article.origin or self.hashes.get(article.article_id) == article.content_hash
        return None if moved or same else origin

    def _has_moved(self, article: Article) -> bool:
        """Whether the place where the index saw it first is gone: --prune must know where it is now."""
        before = self.origins.get(article.article_id, article.origin)
        return before != article.origin and not Path(_path(before)).exists()

    def _is_new(self, article: Article) -> bool:
        article_id, hash_ = article.article_id, article.content_hash
        if article_id in self._seen:
            return False
        self._seen[article_id] = (article.origin, hash_)
        if self.hashes.get(article_id) == hash_ and not self._has_moved(article):
            self.unchanged.add(article_id)
            return False
        (self.updated if article_id in self.hashes else self.added)[article_id] = hash_
        return True


def _under_its_first_id(
    item: LoadedArticle | ArticleRejected, known: Mapping[str, str]
) -> LoadedArticle | ArticleRejected:
    """A file that is named by another folder than before keeps its id: one file is one article."""
    if isinstance(item, ArticleRejected) or item.explicit_id:
        return item
    first = known.get(item.article.origin, item.article.article_id)
    return replace(item, article=replace(item.article, article_id=first))


def _path(origin: str) -> str:
    """The file of an origin, without the number of a record in it."""
    path, mark, number = origin.rpartition("#")
    return path if mark and number.isdigit() else origin
