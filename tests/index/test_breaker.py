import threading

import pytest

from index.dense.server import CircuitBreaker, CircuitOpen
from index.errors import ChromaUnavailable


class Clock:
    """A clock that tests set."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> CircuitBreaker:
    return CircuitBreaker(pause_s=1.0, clock=clock)


def call(breaker: CircuitBreaker, error: BaseException | None = None) -> None:
    with breaker.guard():
        if error is not None:
            raise error


def opened(breaker: CircuitBreaker) -> None:
    with pytest.raises(ChromaUnavailable):
        call(breaker, ChromaUnavailable("gone"))


def test_calls_go_through_until_one_fails(breaker: CircuitBreaker, clock: Clock) -> None:
    """A closed breaker passes every call; a failure blocks calls until the pause ends."""
    call(breaker)
    call(breaker)
    opened(breaker)
    clock.now += 0.99
    with pytest.raises(CircuitOpen):
        call(breaker)
    clock.now += 0.01
    call(breaker)


def test_a_good_probe_closes_and_a_failed_one_opens_again(breaker: CircuitBreaker, clock: Clock) -> None:
    """After the pause one call is tried: a failure starts another pause, a success closes the breaker."""
    opened(breaker)
    clock.now += 1
    opened(breaker)
    clock.now += 0.99
    with pytest.raises(CircuitOpen):
        call(breaker)
    clock.now += 0.01
    call(breaker)
    with breaker.guard():
        call(breaker)


def test_one_thread_of_many_probes(breaker: CircuitBreaker, clock: Clock) -> None:
    """During a probe every other call fails at once."""
    opened(breaker)
    clock.now += 1
    begun = threading.Barrier(8)
    done = threading.Event()
    outcomes: list[str] = []

    def ask() -> None:
        begun.wait()
        try:
            with breaker.guard():
                outcomes.append("made")
                assert done.wait(10)
        except CircuitOpen:
            outcomes.append("refused")
        if len(outcomes) == 8:
            done.set()

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert sorted(outcomes) == ["made"] + ["refused"] * 7
    call(breaker)


def test_a_probe_that_is_broken_off_decides_nothing(breaker: CircuitBreaker, clock: Clock) -> None:
    """A probe without an answer or a failure of the server is followed by another."""
    opened(breaker)
    clock.now += 1
    with pytest.raises(KeyboardInterrupt):
        call(breaker, KeyboardInterrupt())
    with breaker.guard(), pytest.raises(CircuitOpen):
        call(breaker)


def test_other_errors_do_not_open(breaker: CircuitBreaker) -> None:
    """An error unrelated to the server does not open the breaker."""
    with pytest.raises(ValueError, match="ours"):
        call(breaker, ValueError("ours"))
    call(breaker)


def test_a_failure_older_than_a_success_opens_nothing(breaker: CircuitBreaker, clock: Clock) -> None:
    """A failure of a call that began before a later success is ignored."""

    def late() -> None:
        with breaker.guard():
            clock.now += 1
            call(breaker)
            clock.now += 1
            raise ChromaUnavailable("gone")

    with pytest.raises(ChromaUnavailable):
        late()
    call(breaker)
    opened(breaker)
    with pytest.raises(CircuitOpen):
        call(breaker)
