"""Compare the articles of a run with those of the current generation: new, changed, moved, unchanged, gone."""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from index.records import Article
from ingest.errors import ArticleRejected, Notice
from ingest.load import LoadedArticle

_UNKNOWN = datetime.min.replace(tzinfo=UTC)


class _Version(NamedTuple):
    """The latest version of an article so far in a run."""

    origin: str
    content_hash: str
    explicit_id: bool
    date: datetime


@dataclass(slots=True)
class Changes:
    """The changes that a run finds; call `compare`, then `move`, then `gone`.

    `hashes` and `origins` are those of the current generation, by article id; `named` are the files that the command
    names. An unsupported file is skipped in a folder, and rejected if it is named. An unpublished article is skipped,
    and `gone` lists it if it is in the index. Of several versions of one stated id, the latest by date counts, then the
    last one read. `moved` are the articles of `updated` with only a new origin.
    """

    hashes: dict[str, str]
    origins: dict[str, str]
    added: dict[str, str] = field(default_factory=dict)
    updated: dict[str, str] = field(default_factory=dict)
    moved: set[str] = field(default_factory=set)
    unchanged: set[str] = field(default_factory=set)
    rejected: list[ArticleRejected] = field(default_factory=list)
    skipped: list[ArticleRejected] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    named: frozenset[str] = frozenset()
    _seen: dict[str, _Version] = field(default_factory=dict)
    _versions: dict[str, set[str]] = field(default_factory=dict)
    _withdrawn: set[str] = field(default_factory=set)
    _contents: dict[str, str] = field(default_factory=dict)
    _rejected_paths: set[str] = field(default_factory=set)

    def compare(self, read: Iterable[LoadedArticle | ArticleRejected]) -> Iterator[Article]:
        """Compare everything that is read; yield the articles that are new or changed.

        An article with the id of an earlier one replaces it. Afterwards discard the articles in `withdrawn`.
        """
        known = {origin: article_id for article_id, origin in self.origins.items()}
        for found in read:
            item = _with_known_id(found, known)
            if isinstance(item, ArticleRejected):
                self._reject(item)
            elif self._is_latest(item):
                self.notices += item.notices
                if self._differs(item):
                    yield item.article

    @property
    def withdrawn(self) -> set[str]:
        """The ids of yielded articles whose latest version is the one in the index."""
        return self._withdrawn - self.added.keys() - self.updated.keys()

    @property
    def passed_over(self) -> int:
        """The number of versions that a later version of this run replaced."""
        return sum(len(hashes) - 1 for hashes in self._versions.values())

    def move(self, paths: Sequence[Path], held: Callable[[str], Article | None]) -> dict[str, str]:
        """Find added articles whose content had another origin that is gone; return their new ids with the old ids.

        Call it after `compare`. The article keeps its old id, even if that was made from its path, so that links to it
        stay valid. `held` returns the article of the current generation with an id.
        """
        moves: dict[str, str] = {}
        for old in sorted(self._lost(paths)) if self._contents else ():
            article = held(old)
            new = self._contents.pop(_content_of(article), None) if article else None
            if article and new in self.added:
                moves[new] = old
                del self.added[new]
                self.updated[old] = article.content_hash
                self.moved.add(old)
                self._seen[old] = self._seen.pop(new)
        return moves

    def gone(self, paths: Sequence[Path]) -> set[str]:
        """Return the ids with an origin under these paths that was not read; a rejected file keeps its articles."""
        roots = [os.path.abspath(path) for path in paths]  # noqa: PTH100 - links unresolved, as in origins
        return {
            article_id
            for article_id, origin in self.origins.items()
            if article_id not in self._seen
            and not self._is_rejected(Path(_path(origin)))
            and any(Path(_path(origin)).is_relative_to(root) for root in roots)
        }

    def hashes_after(self, removed: set[str]) -> dict[str, str]:
        """Return the content hash by id of every article in the index after this ingest."""
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
        """Return whether a file or a folder above it was rejected."""
        return any(str(each) in self._rejected_paths for each in (path, *path.parents))

    def _lost(self, paths: Sequence[Path]) -> set[str]:
        """Return the ids that `gone` lists, and those of any other missing file."""
        return self.gone(paths) | {
            article_id
            for article_id, origin in self.origins.items()
            if article_id not in self._seen and not self._is_rejected(Path(_path(origin))) and _is_gone(origin)
        }

    def _is_latest(self, loaded: LoadedArticle) -> bool:
        """Return whether an article is the latest version of its id so far; reject one that clashes."""
        article = loaded.article
        seen = self._seen.get(article.article_id)
        if seen is None:
            other = None if loaded.explicit_id else self._held_elsewhere(article)
            if other is not None:
                self._reject(_clash(article.article_id, article.origin, other))
            return other is None
        if seen.content_hash == article.content_hash:
            # Two copies of a feed contain the same article.
            return False
        if seen.explicit_id and loaded.explicit_id:
            versions = self._versions.setdefault(article.article_id, {seen.content_hash})
            versions.add(article.content_hash)
            return _date(article) >= seen.date
        if loaded.explicit_id:
            self._reject(_clash(article.article_id, seen.origin, article.origin))
            return True
        self._reject(_clash(article.article_id, article.origin, seen.origin))
        return False

    def _held_elsewhere(self, article: Article) -> str | None:
        """Return the origin of a different article with that id in the index, unless its file is gone."""
        origin = self.origins.get(article.article_id)
        moved = origin is None or _is_gone(origin)
        same = origin == article.origin or self.hashes.get(article.article_id) == article.content_hash
        return None if moved or same else origin

    def _differs(self, loaded: LoadedArticle) -> bool:
        """Count an article as added, updated, moved or unchanged; return whether it differs from the index."""
        article, article_id, hash_ = loaded.article, loaded.article.article_id, loaded.article.content_hash
        if article_id in self._seen:
            self._withdrawn.add(article_id)
            self.added.pop(article_id, None)
            self.updated.pop(article_id, None)
            self.moved.discard(article_id)
            self.unchanged.discard(article_id)
        self._seen[article_id] = _Version(article.origin, hash_, loaded.explicit_id, _date(article))
        if self.hashes.get(article_id) != hash_:
            (self.updated if article_id in self.hashes else self.added)[article_id] = hash_
            if self.hashes and not loaded.explicit_id:
                self._contents.setdefault(_content_of(article), article_id)
            return True
        before = self.origins.get(article_id, article.origin)
        if before != article.origin and _is_gone(before):
            # --prune needs the new origin.
            self.updated[article_id] = hash_
            self.moved.add(article_id)
            return True
        self.unchanged.add(article_id)
        return False


def _clash(article_id: str, origin: str, other: str) -> ArticleRejected:
    reason = f"its id {article_id!r} is also the id of {other}: give one of them an `id`, or rename its file"
    return ArticleRejected(origin, reason, "clash")


def _date(article: Article) -> datetime:
    return article.updated_at or article.published_at or _UNKNOWN


def _content_of(article: Article) -> str:
    """Return a digest of the visible content without the id."""
    return replace(article, article_id="").content_hash


def _with_known_id(item: LoadedArticle | ArticleRejected, known: Mapping[str, str]) -> LoadedArticle | ArticleRejected:
    """Give an article of a known file the id that it has in the index, even if the ingested folder is another."""
    if isinstance(item, ArticleRejected) or item.explicit_id:
        return item
    first = known.get(item.article.origin, item.article.article_id)
    return replace(item, article=replace(item.article, article_id=first))


def _is_gone(origin: str) -> bool:
    """Return whether the file of an origin is missing; an inaccessible file is not."""
    try:
        Path(_path(origin)).stat()
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False


def _path(origin: str) -> str:
    """Return the file of an origin, without the number of the article in it."""
    path, mark, number = origin.rpartition("#")
    return path if mark and number.isdigit() else origin
