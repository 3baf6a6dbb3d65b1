"""The articles that were taken down and must not return from a feed or a site, in `taken-down.txt` of the data folder.

The file has a digest of each id, because a takedown leaves nothing of an article, not even its address.
"""

import hashlib
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

FILE = "taken-down.txt"


class TakenDown:
    """The ids that were taken down; a dry run writes nothing."""

    def __init__(self, data: Path, *, dry_run: bool = False) -> None:
        self._path = data / FILE
        self._dry_run = dry_run
        self._digests: set[str] = set()
        if self._path.exists():
            self._digests = set(self._path.read_text(encoding="ascii").split())

    def __contains__(self, article_id: object) -> bool:
        return bool(self._digests) and _digest(str(article_id)) in self._digests

    def add(self, article_ids: Collection[str]) -> None:
        """Remember ids."""
        self._write(self._digests | {_digest(each) for each in article_ids})

    def discard(self, article_ids: Collection[str]) -> None:
        """Forget ids: their articles may return."""
        self._write(self._digests - {_digest(each) for each in article_ids})

    def _write(self, digests: set[str]) -> None:
        if digests != self._digests and not self._dry_run:
            written = self._path.with_suffix(".new")
            written.write_text("".join(f"{each}\n" for each in sorted(digests)), encoding="ascii")
            written.replace(self._path)
            self._digests = digests


@contextmanager
def remembered(data: Path, article_ids: Collection[str]) -> Iterator[TakenDown]:
    """Remember ids during and after a takedown, so that no other process brings them back; not if it fails."""
    taken_down = TakenDown(data)
    added = [each for each in article_ids if each not in taken_down]
    if data.is_dir():
        taken_down.add(added)
    try:
        yield taken_down
    except BaseException:
        taken_down.discard(added)
        raise


def _digest(article_id: str) -> str:
    return hashlib.sha256(article_id.encode()).hexdigest()
