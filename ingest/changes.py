"""Compare the articles of a run with those of the index: new, changed, moved, unchanged or gone.

`ingest.job` drives the comparison: it stages each article that `compare` yields and drops those in `withdrawn`; then it
gives each article of `move` its old id; with --prune it removes those of `gone`.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, NamedTuple

from index.records import Article
from ingest.load import LoadedArticle
from ingest.report import ArticleRejected, Notice

Change = Literal["added", "updated", "moved", "unchanged"]

_UNKNOWN = datetime.min.replace(tzinfo=UTC)


class _Version(NamedTuple):
    """The version of an article that counts in this run so far, and its difference from the index.

    `content` is a digest without the id, of an added article that a `move` could give an earlier id.
    """

    origin: str
    content_hash: str
    explicit_id: bool
    date: datetime
    change: Change
    content: str | None


@dataclass(slots=True)
class Changes:
    """The changes of a run; `hashes` and `origins` are those of the index by article id, `named` the named files.

    `passed` are files that were not read because they have not changed since an earlier run.
    Of several versions of one stated id, the latest by date counts, then the last one read. An unsupported file is
    skipped in a folder, and rejected if the command names it. An unpublished article is skipped.
    """

    hashes: dict[str, str]
    origins: dict[str, str]
    named: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    rejected: list[ArticleRejected] = field(default_factory=list)
    skipped: list[ArticleRejected] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    _read: dict[str, _Version] = field(default_factory=dict)
    _yielded: set[str] = field(default_factory=set)
    _versions: dict[str, set[str]] = field(default_factory=dict)

    def compare(self, loaded: Iterable[LoadedArticle | ArticleRejected]) -> Iterator[Article]:
        """Compare everything that is loaded; yield the articles that are new, changed or moved.

        An article with the id of an earlier one replaces it.
        """
        ids = {origin: article_id for article_id, origin in self.origins.items()}
        for item in loaded:
            if isinstance(item, ArticleRejected):
                self._reject(item)
                continue
            article = item.article
            if not item.explicit_id and article.origin in ids:
                # A known file keeps its article's id, even if the ingested folder is another.
                article = replace(article, article_id=ids[article.origin])
            version = self._version(article, explicit_id=item.explicit_id)
            if self._counts(article.article_id, version):
                self.notices += item.notices
                self._read[article.article_id] = version
                if version.change != "unchanged":
                    self._yielded.add(article.article_id)
                    yield article

    @property
    def added(self) -> dict[str, str]:
        """The content hash by id of the articles that the index does not have."""
        return self._hashes_of("added")

    @property
    def updated(self) -> dict[str, str]:
        """The content hash by id of the articles that replace one of the index, `moved` included."""
        return self._hashes_of("updated", "moved")

    @property
    def moved(self) -> set[str]:
        """The ids of the articles with only a new origin."""
        return set(self._hashes_of("moved"))

    @property
    def unchanged(self) -> set[str]:
        """The ids of the articles that equal those of the index."""
        return set(self._hashes_of("unchanged"))

    @property
    def withdrawn(self) -> set[str]:
        """The ids of yielded articles whose latest version is the one in the index."""
        return self._yielded & self.unchanged

    @property
    def passed_over(self) -> int:
        """The number of versions that a later version of this run replaced."""
        return sum(len(hashes) - 1 for hashes in self._versions.values())

    def move(self, paths: Sequence[Path], held: Callable[[str], Article | None]) -> dict[str, str]:
        """Find added articles whose content had another origin that is gone; return their new ids with the old ids.

        They keep their old ids, so that links to them stay valid. `held` returns the article of the index with an id.
        """
        moves: dict[str, str] = {}
        # If several added articles have equal content, the first one read is the moved one.
        added = {version.content: new for new, version in reversed(self._read.items()) if version.content}
        lost = self.gone(paths) | {each for each, file in self._unread() if _is_gone(file)} if added else ()
        for old in sorted(lost):
            article = held(old)
            new = added.pop(_content_of(article), None) if article else None
            if article and new:
                moves[new] = old
                version = self._read.pop(new)
                self._read[old] = version._replace(content_hash=article.content_hash, change="moved", content=None)
        return moves

    def gone(self, paths: Sequence[Path]) -> set[str]:
        """Return the ids with an origin under these paths that was not read; a rejected file keeps its articles."""
        roots = [os.path.abspath(path) for path in paths]  # noqa: PTH100 - links unresolved, as in origins
        return {
            article_id for article_id, file in self._unread() if any(Path(file).is_relative_to(root) for root in roots)
        }

    def _hashes_of(self, *changes: Change) -> dict[str, str]:
        return {each: version.content_hash for each, version in self._read.items() if version.change in changes}

    def _reject(self, rejection: ArticleRejected) -> None:
        foreign = rejection.code == "unsupported" and rejection.origin not in self.named
        (self.skipped if foreign or rejection.code == "unpublished" else self.rejected).append(rejection)

    def _version(self, article: Article, *, explicit_id: bool) -> _Version:
        """Compare an article with the one that the index has under its id."""
        article_id, hash_ = article.article_id, article.content_hash
        before = self.origins.get(article_id, article.origin)
        content = None
        change: Change = "unchanged"
        if article_id not in self.hashes:
            change = "added"
            content = _content_of(article) if self.hashes and not explicit_id else None
        elif self.hashes[article_id] != hash_:
            change = "updated"
        elif before != article.origin and _is_gone(before):
            # --prune needs the new origin.
            change = "moved"
        return _Version(article.origin, hash_, explicit_id, _date(article), change, content)

    def _counts(self, article_id: str, version: _Version) -> bool:
        """Return whether a version is the latest of its article so far; reject one of two articles that clash."""
        read = self._read.get(article_id)
        if read is None:
            other = self.origins.get(article_id, version.origin)
            is_another = version.change == "updated" and other != version.origin and not _is_gone(other)
            if is_another and not version.explicit_id:
                self._reject(_clash(article_id, version.origin, other))
                return False
            return True
        if read.content_hash == version.content_hash:
            # Two copies of a feed contain the same article.
            return False
        if read.explicit_id and version.explicit_id:
            self._versions.setdefault(article_id, {read.content_hash}).add(version.content_hash)
            return version.date >= read.date
        # A stated id has precedence over one made from a path.
        loser, winner = (read, version) if version.explicit_id else (version, read)
        self._reject(_clash(article_id, loser.origin, winner.origin))
        return version.explicit_id

    def _unread(self) -> Iterator[tuple[str, str]]:
        """Yield the id and the file of each article in the index that was not read, and is not in a rejected file."""
        rejected = {_file(rejection.origin) for rejection in self.rejected}
        for article_id, file in ((each, _file(self.origins[each])) for each in self.origins.keys() - self._read):
            # A folder that cannot be listed is rejected as well.
            if file not in self.passed and not (
                rejected and any(str(each) in rejected for each in (file, *Path(file).parents))
            ):
                yield article_id, file


def _clash(article_id: str, origin: str, other: str) -> ArticleRejected:
    reason = f"its id {article_id!r} is also the id of {other}: give one of them an `id`, or rename its file"
    return ArticleRejected(origin, reason, "clash")


def _date(article: Article) -> datetime:
    return article.updated_at or article.published_at or _UNKNOWN


def _content_of(article: Article) -> str:
    """Return a digest of the visible content without the id."""
    return replace(article, article_id="").content_hash


def _is_gone(origin: str) -> bool:
    """Return whether the file of an origin is missing; an inaccessible file, or what is no file, is not."""
    if not origin.startswith("/"):
        return False
    try:
        Path(_file(origin)).stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False


def _file(origin: str) -> str:
    """Return the file of an origin, without the number of the article in it."""
    path, mark, number = origin.rpartition("#")
    return path if mark and number.isdigit() else origin
