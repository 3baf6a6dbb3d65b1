"""The circuit breaker against a model of it, by a clock that the test moves."""

from hypothesis import given
from hypothesis import strategies as st

from index.breaker import CircuitBreaker

PAUSE_S = 30.0


class Clock:
    """A clock that the test moves."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def broken(failures: int) -> tuple[CircuitBreaker, Clock]:
    """Return a breaker after as many failures as it bears."""
    clock = Clock()
    breaker = CircuitBreaker(failures, clock)
    for _ in range(failures):
        assert breaker.admit()
        breaker.fail(PAUSE_S)
    return breaker, clock


@given(failures=st.integers(1, 5), ends=st.lists(st.sampled_from(["succeed", "fail", "release"]), max_size=30))
def test_failures_in_a_row_open_it(failures: int, ends: list[str]) -> None:
    """Calls are admitted until there were as many failures since the last success."""
    breaker, row = CircuitBreaker(failures, Clock()), 0
    for end in ends:
        assert breaker.admit() == (row < failures)
        if row == failures:
            break
        if end == "fail":
            row += 1
            assert breaker.fail(PAUSE_S) == (row == failures)
        else:
            getattr(breaker, end)()
            row = row if end == "release" else 0
    assert breaker.is_open == (row == failures)


def test_one_failure_may_open_it_at_once() -> None:
    """A failure that no repetition cures does not wait for others."""
    breaker = CircuitBreaker(3, Clock())
    assert breaker.fail(PAUSE_S, at_once=True)
    assert not breaker.admit()


@given(failures=st.integers(1, 3), waiting=st.integers(1, 9))
def test_one_probe_is_admitted_after_the_pause(failures: int, waiting: int) -> None:
    """Others are refused until it ends; its success closes the breaker, its failure opens it for another pause."""
    breaker, clock = broken(failures)
    clock.now = PAUSE_S - 0.01
    assert not breaker.admit()
    clock.now = PAUSE_S
    assert [breaker.admit() for _ in range(waiting)] == [True] + [False] * (waiting - 1)
    assert breaker.fail(PAUSE_S)
    assert not breaker.admit()
    clock.now = 2 * PAUSE_S
    assert breaker.admit()
    breaker.succeed()
    assert all(breaker.admit() for _ in range(waiting))


def test_a_probe_whose_caller_leaves_makes_room_for_another() -> None:
    """The breaker stays open, and the next call is the probe."""
    breaker, clock = broken(1)
    clock.now = PAUSE_S
    assert breaker.admit()
    breaker.release()
    assert breaker.is_open
    assert [breaker.admit(), breaker.admit()] == [True, False]


def test_a_late_failure_prolongs_no_pause() -> None:
    """Calls that began before the breaker opened fail after it."""
    breaker, clock = broken(1)
    clock.now = PAUSE_S - 1
    assert not breaker.fail(PAUSE_S)
    clock.now = PAUSE_S
    assert breaker.admit()
