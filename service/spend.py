"""Budgets: what may be used of a language model in a day (UTC), counted in `spend.db` beside the index.

All processes on a data folder share the file. A budget fails closed: while the file cannot be read or written, the
model is not asked.
"""

import asyncio
import logging
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, get_args

from index.errors import DatelineError
from service.records import NO_ACCOUNT, Account, Question, Usage

FILE = "spend.db"

Refusal = Literal["tokens", "usd", "key_tokens", "unavailable"]
"""Why the model is not asked: the limit that is reached, or that none can be checked."""

REFUSALS: tuple[Refusal, ...] = get_args(Refusal)

_BUSY_S = 2.0
_ALL = ""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS spend (
    day TEXT NOT NULL, account TEXT NOT NULL, tokens INTEGER NOT NULL, usd REAL NOT NULL, PRIMARY KEY (day, account)
)
"""
_ADD = """
INSERT INTO spend VALUES (?, ?, ?, ?)
ON CONFLICT (day, account) DO UPDATE SET tokens = tokens + excluded.tokens, usd = usd + excluded.usd
"""

logger = logging.getLogger("dateline")


class SpendUnavailable(DatelineError):
    """The file of what the language model cost cannot be read or written."""


@dataclass(frozen=True, slots=True)
class Spend:
    """The use of a language model: its tokens, and their list price as far as it is known."""

    tokens: int = 0
    usd: float = 0.0


class SpendStore:
    """The spend of each account today; every method raises SpendUnavailable if the file cannot be read or written.

    The file has the days of UTC. Those before today are deleted by the next entry.
    """

    def __init__(self, data: Path, clock: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        self.path = data / FILE
        self._clock = clock

    @property
    def today(self) -> str:
        """The day that is counted now."""
        return self._clock().astimezone(UTC).date().isoformat()

    def add(self, key_id: str | None, spend: Spend) -> None:
        """Count what was used under a key, or without one: for the key and for all."""
        day = self.today
        with self._opened("rwc") as connection, connection:
            connection.execute(_SCHEMA)
            connection.execute("DELETE FROM spend WHERE day < ?", (day,))
            for account in (_ALL, *([key_id] if key_id else [])):
                connection.execute(_ADD, (day, account, spend.tokens, spend.usd))

    def spent(self, key_id: str | None = None) -> Spend:
        """Return what was used today under a key, or by all."""
        if not self.path.exists():
            return Spend()
        with self._opened("rw") as connection:
            wanted = (self.today, _ALL if key_id is None else key_id)
            row = connection.execute("SELECT tokens, usd FROM spend WHERE day = ? AND account = ?", wanted).fetchone()
            return Spend(*row) if row else Spend()

    @contextmanager
    def _opened(self, mode: str) -> Iterator[sqlite3.Connection]:
        try:
            with closing(sqlite3.connect(f"{self.path.absolute().as_uri()}?mode={mode}", _BUSY_S, uri=True)) as opened:
                yield opened
        except (sqlite3.Error, OSError) as error:
            raise SpendUnavailable(
                f"cannot read or write what the language model cost in {self.path}: {error}",
                "Make the folder writable; remove the file if it is corrupt.",
            ) from error


@dataclass(frozen=True, slots=True)
class DailyLimits:
    """The limits of a day, for all and for each key without a limit of its own; 0 means no limit."""

    tokens: int = 0
    usd: float = 0.0
    key_tokens: int = 0

    def of_key(self, account: Account) -> int:
        """Return the limit of an account's key in tokens; 0 without a key."""
        return (account.tokens_per_day or self.key_tokens) if account.key_id else 0


class Budget:
    """Decides whether the model may be asked, and counts what it used; safe to share between threads.

    A question is checked before the model is asked and counted after, so it can exceed a limit by its own cost. A
    thread of its own reads and writes the file, in the order of the calls. `refused` gets the reason of each refusal.
    """

    def __init__(
        self, store: SpendStore, limits: DailyLimits, refused: Callable[[Refusal], None] | None = None
    ) -> None:
        self._store = store
        self._limits = limits
        self._refused = refused
        self._thread = ThreadPoolExecutor(1, "budget")
        self._uncounted: list[tuple[Account, Spend]] = []
        self._logged: set[tuple[str, Refusal, str | None]] = set()

    async def allows(self, account: Account) -> bool:
        """Return whether the model may be asked for an account."""
        refusal = await asyncio.get_running_loop().run_in_executor(self._thread, self.refusal, account)
        if refusal and self._refused:
            self._refused(refusal)
        return refusal is None

    def count(self, question: Question | None, usage: Usage) -> None:
        """Count what a question used of the model, or with None the suggestions; returns at once."""
        account = question.account if question else NO_ACCOUNT
        if not self._is_limited(account) or not usage.llm_calls:
            return
        spend = Spend(usage.input_tokens + usage.output_tokens, usage.cost_usd or 0.0)
        try:
            self._thread.submit(self._count, account, spend)
        except RuntimeError:  # closed meanwhile
            self._count(account, spend)

    def refusal(self, account: Account) -> Refusal | None:
        """Return why the model may not be asked for an account, or None; reads the file."""
        if not self._is_limited(account):
            return None
        try:
            self._store_uncounted()
            found = self._reached(account)
        except SpendUnavailable as error:
            self._log("unavailable", None, str(error))
            return "unavailable"
        if found:
            self._log(found, account.key_id if found == "key_tokens" else None, "the limit of the day is reached")
        return found

    def left(self) -> tuple[float | None, float | None]:
        """Return the tokens and the USD that all may use today, each None without a limit, 0 if it cannot be read."""
        limits = self._limits
        try:
            spent = self._store.spent()
        except SpendUnavailable:
            spent = Spend(limits.tokens, limits.usd)
        return (
            max(0, limits.tokens - spent.tokens) if limits.tokens else None,
            max(0.0, limits.usd - spent.usd) if limits.usd else None,
        )

    def close(self) -> None:
        """Wait until everything is counted."""
        self._thread.shutdown()

    def _is_limited(self, account: Account) -> bool:
        return bool(self._limits.tokens or self._limits.usd or self._limits.of_key(account))

    def _reached(self, account: Account) -> Refusal | None:
        of_all, limits = self._store.spent(), self._limits
        if limits.tokens and of_all.tokens >= limits.tokens:
            return "tokens"
        if limits.usd and of_all.usd >= limits.usd:
            return "usd"
        of_key = limits.of_key(account)
        return "key_tokens" if of_key and self._store.spent(account.key_id).tokens >= of_key else None

    def _count(self, account: Account, spend: Spend) -> None:
        self._uncounted.append((account, spend))
        try:
            self._store_uncounted()
        except SpendUnavailable as error:
            self._log("unavailable", None, str(error))

    def _store_uncounted(self) -> None:
        """Store what could not be stored before: until then the model is not asked."""
        while self._uncounted:
            account, spend = self._uncounted[0]
            self._store.add(account.key_id, spend)
            del self._uncounted[0]

    def _log(self, refusal: Refusal, key_id: str | None, message: str) -> None:
        """Log a refusal once a day."""
        entry = (self._store.today, refusal, key_id)
        if entry not in self._logged:
            self._logged = {each for each in self._logged if each[0] == entry[0]} | {entry}
            whose = f" under the key {key_id}" if key_id else ""
            logger.warning("the language model is not asked%s (%s): %s", whose, refusal, " ".join(message.split()))
