"""Compare the articles of a run with those of the index: new, changed, moved, unchanged or gone; and what changed.

`ingest.job` drives the comparison: it stages each article that `compare` yields and drops those in `withdrawn`; then it
stages each article of `move` under its old id; with --prune it removes those of `gone`. `revised` compares two versions
sentence by sentence, titles included. An article keeps its newest edits, not its earlier bodies.
"""

import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from difflib import SequenceMatcher
from pathlib import Path
from typing import Literal, NamedTuple

from index.records import Article, Edit, Revision, isoformat
from index.text import sentence_spans
from ingest.fetched import Fetched, Gone, Unchanged
from ingest.report import ArticleRejected, IngestReport, Notice, Withdrawn

Change = Literal["added", "updated", "moved", "unchanged"]

MOST_EDITS = 20
"""Edits that an article keeps, the newest ones."""

LONGEST_EDIT = 2_000
"""Code points of a sentence in an edit; a longer one, such as a row of a table, is cut."""

ALIKE = 0.4
"""Share of common words from which two sentences are one sentence that was changed."""

MOST_COMPARED = 1_000
"""Sentences that are aligned, which may take quadratic time; of more, each is only looked up among the others."""

MOST_PAIRED = 60
"""Sentences of one passage that are paired by their words."""

_WORD = re.compile(r"\w+")
_UNKNOWN = datetime.min.replace(tzinfo=UTC)
_SKIPPED = frozenset(("unpublished", "taken_down", "other_site"))
"""The codes of articles that are left out on purpose."""


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


class Move(NamedTuple):
    """An article of the index with a new origin."""

    article_id: str
    origin: str


@dataclass(slots=True)
class Changes:
    """The changes of a run; `hashes` and `origins` are those of the index by article id, `named` the named files.

    `passed` are files that were not read because they have not changed since an earlier run. `pages_gone` are articles
    of the index, by id, of which the page no longer exists.
    Of several versions of one stated id, the latest by date counts, then the last one read; it may take the article
    down. An unsupported file is
    skipped in a folder, and rejected if the command names it. An unpublished article is skipped.
    """

    hashes: dict[str, str]
    origins: dict[str, str]
    named: frozenset[str] = frozenset()
    passed: frozenset[str] = frozenset()
    rejected: list[ArticleRejected] = field(default_factory=list)
    skipped: list[ArticleRejected] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    pages_gone: dict[str, Gone] = field(default_factory=dict)
    _read: dict[str, _Version] = field(default_factory=dict)
    _withdrawn: dict[str, datetime] = field(default_factory=dict)
    _yielded: set[str] = field(default_factory=set)
    _versions: dict[str, set[str]] = field(default_factory=dict)

    def compare(self, loaded: Iterable[Fetched]) -> Iterator[Article]:
        """Compare everything that is loaded; yield the articles that are new, changed or moved.

        An article with the id of an earlier one replaces it.
        """
        ids = {origin: article_id for article_id, origin in self.origins.items()}
        for item in loaded:
            if isinstance(item, ArticleRejected):
                self._reject(item)
                continue
            if isinstance(item, Unchanged | Gone):
                self._note_known(ids.get(item.origin), item)
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
        """The ids of yielded articles whose latest version is the one in the index, or takes the article down."""
        return self._yielded & (self.unchanged | self._withdrawn.keys())

    @property
    def taken_down(self) -> set[str]:
        """The ids of the articles in the index that a version of this run takes down."""
        return self._withdrawn.keys() & self.hashes.keys()

    @property
    def passed_over(self) -> int:
        """The number of versions that a later version of this run replaced."""
        return sum(len(hashes) - 1 for hashes in self._versions.values())

    def move(self, paths: Sequence[Path], held: Callable[[str], Article | None]) -> dict[str, Move]:
        """Find added articles whose content had another origin that is gone; return their moves by their new ids.

        They keep their old ids, so that links to them stay valid. `held` returns the article of the index with an id.
        """
        moves: dict[str, Move] = {}
        # If several added articles have equal content, the first one read is the moved one.
        added = {version.content: new for new, version in reversed(self._read.items()) if version.content}
        lost = self.gone(paths) | {each for each, file in self._unread() if _is_gone(file)} if added else ()
        for old in sorted(set(lost) - self._withdrawn.keys()):
            article = held(old)
            new = added.pop(_content_of(article), None) if article else None
            if article and new:
                version = self._read.pop(new)
                moves[new] = Move(old, version.origin)
                self._read[old] = version._replace(content_hash=article.content_hash, change="moved", content=None)
        return moves

    def gone(self, paths: Sequence[Path]) -> set[str]:
        """Return the ids with an origin under these paths that was not read; a rejected file keeps its articles."""
        roots = [os.path.abspath(path) for path in paths]  # noqa: PTH100 - links unresolved, as in origins
        return {
            article_id for article_id, file in self._unread() if any(Path(file).is_relative_to(root) for root in roots)
        }

    def report(self, removed: set[str], *, dry_run: bool) -> IngestReport:
        """Return the counts of the run so far; `removed` are the ids that it removes."""
        return IngestReport(
            added=len(self.added),
            updated=len(self.updated) - len(self.moved),
            moved=len(self.moved),
            unchanged=len(self.unchanged),
            removed=len(removed),
            kept=len(self.hashes) - len(self.updated) - len(self.unchanged) - len(removed),
            rejected=self.rejected,
            skipped=self.skipped,
            notices=[*self.notices, *self._pages_gone(removed)],
            passed_over=self.passed_over,
            dry_run=dry_run,
        )

    def _pages_gone(self, removed: set[str]) -> Iterator[Notice]:
        for article_id, page in self.pages_gone.items():
            done = "its article is removed" if article_id in removed else "its article stays: --prune removes it"
            yield Notice("page_gone", page.origin, f"{page.reason}; {done}")

    def _hashes_of(self, *changes: Change) -> dict[str, str]:
        return {each: version.content_hash for each, version in self._read.items() if version.change in changes}

    def _note_known(self, article_id: str | None, item: Unchanged | Gone) -> None:
        """Note an article of the index that was not read again, because it did not change or is gone."""
        if article_id is None:
            return
        if isinstance(item, Gone):
            self.pages_gone[article_id] = item
        elif article_id not in self._read:
            self._read[article_id] = _Version(
                item.origin, self.hashes[article_id], explicit_id=True, date=_UNKNOWN, change="unchanged", content=None
            )

    def _reject(self, rejection: ArticleRejected) -> None:
        if rejection.withdrawn:
            rejection = self._take_down(rejection, rejection.withdrawn)
        foreign = rejection.code == "unsupported" and rejection.origin not in self.named
        (self.skipped if foreign or rejection.code in _SKIPPED else self.rejected).append(rejection)

    def _take_down(self, rejection: ArticleRejected, withdrawn: Withdrawn) -> ArticleRejected:
        """Drop the article that a version takes down, unless a later version was read; return what to tell."""
        article_id, date = withdrawn.article_id, withdrawn.date or _UNKNOWN
        read = self._read.get(article_id)
        if read is not None and read.date > date:
            return rejection
        self._read.pop(article_id, None)
        self._withdrawn[article_id] = date
        if article_id not in self.hashes:
            return rejection
        told = f"the article leaves the index; `dateline remove {article_id}` also erases it from older generations"
        return ArticleRejected(rejection.origin, f"{rejection.reason}: {told}", rejection.code, withdrawn)

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
        if version.explicit_id and (withdrawn := self._withdrawn.get(article_id)) is not None:
            if version.date < withdrawn:
                return False
            del self._withdrawn[article_id]
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
        rejected = {file_of(rejection.origin) for rejection in self.rejected}
        for article_id, file in ((each, file_of(self.origins[each])) for each in self.origins.keys() - self._read):
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
    """Return whether the file of an origin is missing; an inaccessible file is not, nor is an origin without a file."""
    if not origin.startswith("/"):
        return False
    try:
        Path(file_of(origin)).stat()
    except OSError as error:
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False


def file_of(origin: str) -> str:
    """Return the file of an origin, without the number of the article in it."""
    path, mark, number = origin.rpartition("#")
    return path if mark and number.isdigit() else origin


def revised(
    article: Article, before: Article | None, history: Sequence[Revision], now: datetime
) -> tuple[Revision, ...]:
    """Return the history of an article that replaces another version: its new revision, if any, and the earlier ones.

    The revision has the `updated_at` of the article if that is later than the date of the version before, else `now`.
    """
    if before is None or (before.body == article.body and before.title == article.title):
        return tuple(history)
    edits = edits_between(before, article)
    if not edits:
        return tuple(history)
    updated = article.updated_at
    is_stated = updated is not None and updated > (before.updated_at or before.published_at or _UNKNOWN)
    moment = updated if is_stated and updated else now
    return bounded([Revision(isoformat(moment, "seconds"), is_stated, edits), *history])


def bounded(history: Sequence[Revision]) -> tuple[Revision, ...]:
    """Return a history, newest first, without all but its newest edits."""
    kept: list[Revision] = []
    left = MOST_EDITS
    for revision in history:
        if left > 0:
            kept.append(replace(revision, edits=revision.edits[:left]))
            left -= len(revision.edits)
    return tuple(kept)


def edits_between(before: Article, after: Article) -> tuple[Edit, ...]:
    """Return the edits that turn one version into another: changed sentences first, then removed and new ones.

    A sentence that only moved is not an edit.
    """
    edits: list[Edit] = []
    if (before.title or "") != (after.title or ""):
        edits.append(Edit(_cut(before.title or ""), _cut(after.title or ""), in_title=True))
    old, new = _sentences(before.body), _sentences(after.body)
    was, stays = set(old), set(new)
    found = [
        Edit("" if one in stays else _cut(one), "" if other in was else _cut(other))
        for one, other in _pairs(old, new)
        # Only both sides together say that one sentence became the other.
        if one not in stays or other not in was
    ]
    found = [each for each in dict.fromkeys(found) if each.before or each.after]
    found.sort(key=lambda each: (not (each.before and each.after), not each.before))
    return (*edits, *found)


def _sentences(body: str) -> list[str]:
    return [" ".join(body[span.start : span.end].split()) for span in sentence_spans(body)]


def _pairs(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the sentences that differ, each with the one that it became; an empty text stands for none."""
    if max(len(old), len(new)) > MOST_COMPARED:
        was, stays = set(old), set(new)
        yield from ((one, "") for one in old if one not in stays)
        yield from (("", other) for other in new if other not in was)
        return
    for kind, start, end, first, last in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        if kind != "equal":
            yield from _paired(old[start:end], new[first:last])


def _paired(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Yield the sentences of a passage that was replaced, paired in order with those that have most of their words."""
    words = [frozenset(_WORD.findall(text.casefold())) for text in new]
    at = 0
    for one in old:
        own = frozenset(_WORD.findall(one.casefold()))
        places = range(at, min(len(new), at + MOST_PAIRED))
        best = max(places, key=lambda place: _alike(own, words[place]), default=None)
        if best is None or _alike(own, words[best]) < ALIKE:
            yield one, ""
            continue
        yield from (("", other) for other in new[at:best])
        yield one, new[best]
        at = best + 1
    yield from (("", other) for other in new[at:])


def _alike(one: frozenset[str], other: frozenset[str]) -> float:
    return 2 * len(one & other) / (len(one) + len(other)) if one or other else 0.0


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_EDIT else f"{text[:LONGEST_EDIT]}…"
