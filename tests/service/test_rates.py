"""Rates: how many questions pass in a minute, the headers of replies, and a server of counts that is away."""

import asyncio
import importlib.util
import logging
import shutil
import socket
import subprocess
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from limits.aio import strategies
from limits.aio.storage import MemoryStorage, memory

from index.errors import ConfigurationError
from service import rates
from service.rates import LOG_S, PAUSE_S, WINDOW_S, Allowance, Memory, RateCounter, Subject, storage_of
from tests.http_service import refusing

KEY = Subject("key dl_abcdefgh", 3)
ADDRESS = Subject("address 203.0.113.7", 2)


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 1_800_000_015.0

    def __call__(self) -> float:
        return self.now


@contextmanager
def clocked() -> Iterator[Clock]:
    """Yield the clock of all counts within the block."""
    clock = Clock()
    with pytest.MonkeyPatch.context() as patch:
        for module in (memory, strategies, rates):
            patch.setattr(module, "time", SimpleNamespace(time=clock, monotonic=clock))
        yield clock


class Away(MemoryStorage):
    """A server that fails or hangs; it counts its calls."""

    def __init__(self, answer: Callable[[], Awaitable[bool]]) -> None:
        super().__init__()
        self.answer = answer
        self.calls = 0

    async def acquire_sliding_window_entry(self, *_: object, **__: object) -> bool:
        self.calls += 1
        return await self.answer()


async def broken() -> bool:
    raise ConnectionError("no route to redis://:secret@192.0.2.1")


async def hanging() -> bool:
    await asyncio.sleep(2)
    return True


def counted(counter: RateCounter, *subjects: Subject) -> Allowance | None:
    return asyncio.run(counter.count(subjects))


@given(st.lists(st.floats(0, 40), max_size=60), st.integers(1, 8))
def test_a_rate_is_kept_in_every_minute(pauses: Sequence[float], limit: int) -> None:
    """No calendar minute has more than the limit, no other one more than twice; the time to wait is long enough."""
    passed: list[float] = []
    with clocked() as clock:

        async def send() -> None:
            counter, subject = RateCounter(), Subject("a", limit)
            for pause in pauses:
                clock.now += pause
                allowance = await counter.count([subject])
                assert allowance is not None
                assert 0 <= allowance.remaining < limit
                if not allowance.is_exceeded:
                    passed.append(clock.now)
                    continue
                clock.now += allowance.reset_s
                later = await counter.count([subject])
                assert later is not None
                assert not later.is_exceeded
                passed.append(clock.now)

        asyncio.run(send())
    assert max(Counter(at // WINDOW_S for at in passed).values(), default=0) <= limit
    for start in passed:
        assert sum(start <= at < start + WINDOW_S for at in passed) <= 2 * limit


def test_a_client_is_told_what_is_left() -> None:
    """The subject that has the least left counts; one beyond it is refused, and those after it are not counted."""
    with clocked():
        counter = RateCounter()
        first = counted(counter, ADDRESS, KEY)
        second = counted(counter, ADDRESS, KEY)
        refused = counted(counter, ADDRESS, KEY)
        of_key = counted(counter, KEY)

    assert first == Allowance(ADDRESS, 1, 46)
    assert second == Allowance(ADDRESS, 0, 46)
    assert refused == Allowance(ADDRESS, 0, 46, is_exceeded=True)
    assert of_key == Allowance(KEY, 0, 46)
    assert counted(counter) is None


def test_a_burst_gets_what_the_rate_allows() -> None:
    """No more and no less, of questions that arrive at once."""
    with clocked():

        async def burst() -> list[Allowance | None]:
            counter = RateCounter()
            return await asyncio.gather(*(counter.count([KEY]) for _ in range(20)))

        assert [each.is_exceeded for each in asyncio.run(burst()) if each] == [False] * 3 + [True] * 17


def test_processes_on_one_store_share_their_counts() -> None:
    """Each counts what the other has counted; other subjects have counts of their own."""
    with clocked():
        store = Memory()
        one, other = RateCounter(store), RateCounter(store)
        found = [counted(counter, KEY) for counter in (one, other, one, other)]
        assert [each.is_exceeded for each in found if each] == [False, False, False, True]
        assert counted(other, ADDRESS) == Allowance(ADDRESS, 1, 46)


def test_a_flood_from_many_networks_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest counts are dropped beyond the limit, and all of them once their time is over."""
    monkeypatch.setattr(rates, "COUNTS", 8)
    with clocked() as clock:
        store = Memory()
        counter = RateCounter(store)

        async def flood() -> None:
            for number in range(50):
                await counter.count([Subject(f"address {number}", 2)])
            newest = await counter.count([Subject("address 49", 2)])
            assert newest is not None
            assert newest.remaining == 0
            assert len(store.storage) == len(store.expirations) == 8
            clock.now += 3 * WINDOW_S
            await counter.count([KEY])

        asyncio.run(flood())
        assert len(store.storage) == len(store.expirations) == 1


@pytest.mark.parametrize("answer", [broken, hanging])
def test_questions_pass_while_the_store_is_away(
    answer: Callable[[], Awaitable[bool]], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """It is asked again after a pause; there is a line a minute, without its address, and a count of questions."""
    monkeypatch.setattr(rates, "STORE_S", 0.005)
    failures: list[int] = []
    with clocked() as clock, caplog.at_level(logging.WARNING, "dateline"):
        away = Away(answer)
        counter = RateCounter(away, lambda: failures.append(1))
        for seconds in (0.0, PAUSE_S / 2, PAUSE_S / 2, LOG_S / 2, LOG_S):
            clock.now += seconds
            assert counted(counter, KEY) is None

    assert away.calls == 4
    assert len(failures) == 5
    assert len(caplog.messages) == 2
    assert "secret" not in caplog.text


@pytest.mark.parametrize("scheme", ["redis", "valkey"])
def test_a_server_that_refuses_connections_is_away(scheme: str) -> None:
    """The client of both servers fails at once, and the question passes."""
    failures: list[int] = []
    with refusing() as url:
        counter = RateCounter(storage_of(url.replace("http", scheme)), lambda: failures.append(1))
        assert counted(counter, KEY) is None
    assert failures == [1]


def test_without_the_package_a_server_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The message names the command that installs it."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(ConfigurationError, match="make install-all"):
        storage_of("redis://127.0.0.1")
    assert isinstance(storage_of(None), Memory)


@pytest.mark.parametrize(
    "url", ["redis://:secret@host", "redis://:secret@host:x", "redis://:secret@[::1", "redis://:1"]
)
def test_an_address_of_no_server_is_refused(url: str) -> None:
    """Its password is not repeated."""
    with pytest.raises(ConfigurationError) as refused:
        storage_of(url)
    assert "secret" not in str(refused.value)
    assert refused.value.__suppress_context__


PROGRAM = shutil.which("valkey-server") or shutil.which("redis-server")


@pytest.mark.skipif(PROGRAM is None, reason="neither valkey-server nor redis-server is installed")
def test_a_real_server_counts(tmp_path: Path) -> None:
    """Two processes share the counts of a server."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(PROGRAM), "--port", str(port), "--bind", "127.0.0.1", "--dir", str(tmp_path), "--save", ""]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert any("eady to accept connections" in line for line in server.stdout or ())
            url = f"valkey://127.0.0.1:{port}"

            async def send() -> list[Allowance | None]:
                one, other = (RateCounter(storage_of(url)) for _ in range(2))
                found = [await counter.count([KEY]) for counter in (one, other, one, other)]
                for counter in (one, other):
                    await counter.close()
                return found

            found = asyncio.run(send())
        finally:
            server.terminate()
    assert [each.is_exceeded for each in found if each] == [False, False, False, True]
