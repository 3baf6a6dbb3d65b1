"""Budgets: a limit of the day is exceeded by one question at most, and a budget that cannot be read is closed."""

import asyncio
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.records import NO_ACCOUNT, Account, Question, Usage
from service.spend import Budget, DailyLimits, Refusal, Spend, SpendStore, SpendUnavailable

KEY, OTHER = Account("dl_aaaaaaaa"), Account("dl_bbbbbbbb", tokens_per_day=50)
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def budget_of(data: Path, now: datetime = NOON, **limits: float) -> Budget:
    """Return a budget of a new process at a moment."""
    return Budget(SpendStore(data, lambda: now), DailyLimits(**limits))  # type: ignore[arg-type]


def spend(budget: Budget, account: Account, tokens: int, usd: float | None = None) -> None:
    """Count a question, and wait until it is stored."""
    budget.count(Question("?", account=account), Usage(tokens - tokens // 3, tokens // 3, 1, usd))
    asyncio.run(budget.allows(account))


@given(
    st.lists(st.tuples(st.sampled_from([NO_ACCOUNT, KEY, OTHER]), st.integers(0, 60)), max_size=12),
    st.integers(1, 150),
    st.integers(0, 80),
)
@settings(max_examples=20, deadline=None)
def test_a_limit_is_exceeded_by_one_question_at_most(
    asked: Sequence[tuple[Account, int]], limit: int, of_key: int
) -> None:
    """A question is refused exactly if its key or all have reached their limit; each restart knows what was used."""
    spent = dict.fromkeys([NO_ACCOUNT, KEY, OTHER], 0)
    with TemporaryDirectory() as folder:
        for account, tokens in asked:
            budget = budget_of(Path(folder), tokens=limit, key_tokens=of_key)
            own = {NO_ACCOUNT: 0, KEY: of_key, OTHER: 50}[account]
            is_reached = sum(spent.values()) >= limit or bool(own and spent[account] >= own)
            assert asyncio.run(budget.allows(account)) is not is_reached
            if not is_reached:
                spend(budget, account, tokens)
                spent[account] += tokens
            budget.close()
        store = SpendStore(Path(folder), lambda: NOON)
        assert store.spent().tokens == sum(spent.values())
        assert [store.spent(each.key_id).tokens for each in (KEY, OTHER)] == [spent[KEY], spent[OTHER]]


def test_a_day_ends_at_midnight_utc(tmp_path: Path) -> None:
    """The next day begins with nothing, and its first entry deletes those before."""
    spend(budget_of(tmp_path, tokens=10), KEY, 10)
    assert budget_of(tmp_path, NOON + timedelta(hours=11, minutes=59), tokens=10).refusal(KEY) == "tokens"
    tomorrow = budget_of(tmp_path, NOON + timedelta(hours=12), tokens=10)
    assert tomorrow.refusal(KEY) is None
    spend(tomorrow, NO_ACCOUNT, 4)
    assert tomorrow.left() == (6, None)
    with closing(sqlite3.connect(tmp_path / "spend.db")) as connection:
        assert connection.execute("SELECT day, account, tokens FROM spend").fetchall() == [("2026-03-03", "", 4)]


def test_processes_share_a_budget_of_tokens_and_of_usd(tmp_path: Path) -> None:
    """Each counts what the other has used; the suggestions count for all; calls of unknown price cost nothing."""
    one, other = budget_of(tmp_path, usd=0.5, tokens=100), budget_of(tmp_path, usd=0.5, tokens=100)
    spend(one, KEY, 30, 0.2)
    other.count(None, Usage(10, 5, 1, 0.2))
    other.close()
    tokens, usd = one.left()
    assert tokens == 55
    assert usd == pytest.approx(0.1)
    spend(one, NO_ACCOUNT, 5)
    assert one.refusal(NO_ACCOUNT) is None
    spend(one, NO_ACCOUNT, 5, 0.1)
    assert other.refusal(KEY) == "usd"


def test_without_limits_nothing_is_counted(tmp_path: Path) -> None:
    """No file is made; a key's own limit is kept nevertheless."""
    budget = budget_of(tmp_path)
    spend(budget, KEY, 100)
    assert not (tmp_path / "spend.db").exists()
    assert budget.left() == (None, None)
    spend(budget, OTHER, 50)
    assert budget.refusal(OTHER) == "key_tokens"
    assert budget.refusal(KEY) is None


def test_a_corrupt_file_closes_the_budget(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The model is not asked, the log says so once, and the rest of the day is not known."""
    (tmp_path / "spend.db").write_bytes(b"not a database, but long enough to be read as the header of one" * 20)
    refused: list[Refusal] = []
    budget = Budget(SpendStore(tmp_path), DailyLimits(tokens=10), refused.append)
    assert not asyncio.run(budget.allows(NO_ACCOUNT))
    assert not asyncio.run(budget.allows(KEY))
    assert refused == ["unavailable", "unavailable"]
    assert len(caplog.messages) == 1
    assert budget.left() == (0, None)
    with pytest.raises(SpendUnavailable):
        SpendStore(tmp_path).add(None, Spend(1))


def test_what_cannot_be_stored_closes_the_budget_until_it_is(tmp_path: Path) -> None:
    """Nothing that was used is forgotten, and no question is asked on top of it."""
    data = tmp_path / "data"
    budget = budget_of(data, tokens=10)
    assert budget.refusal(KEY) is None
    spend(budget, KEY, 4)
    assert budget.refusal(KEY) == "unavailable"
    data.mkdir()
    assert budget.refusal(KEY) is None
    assert budget.left() == (6, None)


def test_what_ends_after_the_budget_is_closed_is_counted(tmp_path: Path) -> None:
    """A question that is cancelled while the service stops costs as well."""
    budget = budget_of(tmp_path, tokens=10)
    budget.close()
    budget.count(Question("?"), Usage(3, 1, 1))
    assert budget.left() == (6, None)
