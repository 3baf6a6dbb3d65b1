"""Users' feedback on answers, in `feedback.db` beside the index.

The SQLite file is opened for each operation, so that the service and the command line may use it at once. Its journal
mode stays the default: a change to a write-ahead log does not wait for a lock, so two processes that create the file
at once would fail. Deleted entries are overwritten.
"""

import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Literal
from uuid import uuid4

from pydantic import TypeAdapter, ValidationError

from index.records import isoformat
from service.errors import FeedbackFull, FeedbackUnavailable

FILE = "feedback.db"

Vote = Literal["up", "down"]
Reason = Literal["wrong_citation", "not_in_sources", "outdated", "incomplete", "other"]

_BUSY_S = 5.0
_SCHEMA = """
CREATE TABLE IF NOT EXISTS feedback (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, created_at TEXT NOT NULL, entry TEXT NOT NULL
)
"""


@dataclass(frozen=True, slots=True)
class CitedWords:
    """The quote of a citation, and its offsets in the article in code points."""

    article_id: str
    cited_text: str
    start_char_index: int | None = None
    end_char_index: int | None = None
    marker: int | None = None


@dataclass(frozen=True, slots=True)
class Feedback:
    """A user's vote on an answer, with the question, the answer and the citations that the user saw.

    The conversation before the question is not stored.
    """

    answer_id: str
    question: str
    answer: str
    vote: Vote
    citations: tuple[CitedWords, ...] = ()
    reasons: tuple[Reason, ...] = ()
    comment: str = ""


@dataclass(frozen=True, slots=True)
class FeedbackEntry:
    """Feedback as it is stored; `created_at` is UTC, ISO 8601."""

    id: str
    created_at: str
    feedback: Feedback


class FeedbackStore:
    """The feedback of a data folder: at most `limit` entries, in a file of at most `file_bytes`.

    Every method raises FeedbackUnavailable if the file cannot be read or written.
    """

    def __init__(self, data: Path, limit: int, file_bytes: int = 100_000_000) -> None:
        self._path = data / FILE
        self._limit = limit
        self._file_bytes = file_bytes

    def add(self, feedback: Feedback) -> str:
        """Store feedback and return its id; raises FeedbackFull beyond a limit."""
        id_ = f"fb_{uuid4().hex}"
        created_at = isoformat(datetime.now(UTC), "seconds")
        with self._opened() as connection, connection:
            connection.execute("BEGIN IMMEDIATE")
            (count,) = connection.execute("SELECT count(*) FROM feedback").fetchone()
            if count >= self._limit:
                raise FeedbackFull(
                    f"{count} feedback entries are stored, the limit is {self._limit}",
                    "Export and delete some with `dateline feedback`, or raise DATELINE_FEEDBACK_LIMIT.",
                )
            connection.execute(
                "INSERT INTO feedback (id, created_at, entry) VALUES (?, ?, ?)",
                (id_, created_at, _adapter().dump_json(feedback).decode()),
            )
        return id_

    def entries(self) -> list[FeedbackEntry]:
        """Return all entries, oldest first."""
        if not self._path.exists():
            return []
        with self._opened() as connection:
            rows = connection.execute("SELECT id, created_at, entry FROM feedback ORDER BY number").fetchall()
        try:
            return [FeedbackEntry(id_, created_at, _adapter().validate_json(entry)) for id_, created_at, entry in rows]
        except ValidationError as error:
            raise FeedbackUnavailable(f"{self._path} contains an invalid entry: {error}") from error

    def delete(self, id_: str) -> bool:
        """Delete an entry and return whether it existed."""
        if not self._path.exists():
            return False
        with self._opened() as connection, connection:
            deleted = connection.execute("DELETE FROM feedback WHERE id = ?", (id_,)).rowcount
        return deleted > 0

    def delete_answer(self, answer_id: str) -> int:
        """Delete every entry on an answer; return their number."""
        return sum(self.delete(entry.id) for entry in self.entries() if entry.feedback.answer_id == answer_id)

    def delete_older(self, age: timedelta) -> int:
        """Delete every entry of that age and above; return their number."""
        if not self._path.exists():
            return 0
        before = isoformat(datetime.now(UTC) - age, "seconds")
        with self._opened() as connection, connection:
            return connection.execute("DELETE FROM feedback WHERE created_at <= ?", (before,)).rowcount

    def delete_citing(self, article_ids: Collection[str]) -> int:
        """Delete every entry that cites one of these articles; return their number."""
        citing = [
            entry.id
            for entry in self.entries()
            if any(citation.article_id in article_ids for citation in entry.feedback.citations)
        ]
        return sum(self.delete(id_) for id_ in citing)

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        try:
            # The folder is not created: if it was deleted, feedback alone would look like an index.
            with closing(sqlite3.connect(self._path, timeout=_BUSY_S)) as connection:
                connection.execute("PRAGMA secure_delete = ON")
                (page_size,) = connection.execute("PRAGMA page_size").fetchone()
                connection.execute(f"PRAGMA max_page_count = {self._file_bytes // page_size}")
                connection.execute(_SCHEMA)
                yield connection
        except (sqlite3.Error, OSError) as error:
            if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
                raise FeedbackFull(
                    f"{self._path} reached its limit of {self._file_bytes:,} bytes, or the disk is full",
                    "Export and delete some with `dateline feedback`, or raise DATELINE_FEEDBACK_MEGABYTES.",
                ) from error
            raise FeedbackUnavailable(
                f"cannot read or write the feedback in {self._path}: {error}",
                "Make the folder writable; replace the file if it is corrupt.",
            ) from error


@cache
def _adapter() -> TypeAdapter[Feedback]:
    return TypeAdapter(Feedback)
