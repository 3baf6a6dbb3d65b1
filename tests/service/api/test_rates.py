"""How often something may happen."""

from hypothesis import given
from hypothesis import strategies as st

from service.api.rates import CLIENTS, Rate, network_of


class Clock:
    """A clock that goes on when it is set."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@given(st.lists(st.floats(0, 5), max_size=200), st.integers(1, 10), st.sampled_from([0.1, 1.0, 7.0]))
def test_no_more_than_the_rate_is_let_through(pauses: list[float], burst: int, per_second: float) -> None:
    """In any stretch of time: the burst, and the rate times the stretch; and waiting as long as is said is enough."""
    clock = Clock()
    rate = Rate(burst, per_second, clock)
    passed: list[float] = []
    for pause in pauses:
        clock.now += pause
        wait = rate.wait_s("a")
        if not wait:
            passed.append(clock.now)
        else:
            clock.now += wait + 1e-9
            assert not rate.wait_s("a")
            passed.append(clock.now)

    for first, start in enumerate(passed):
        for last in range(first, len(passed)):
            assert last - first + 1 <= burst + per_second * (passed[last] - start) + 1e-6


def test_one_client_does_not_use_up_the_rate_of_another() -> None:
    """Each key has a bucket, and the number of buckets is bounded."""
    rate = Rate(1, 0.001, Clock())

    assert not rate.wait_s("a")
    assert rate.wait_s("a")
    assert not rate.wait_s("b")
    for number in range(CLIENTS + 5):
        rate.wait_s(str(number))
    assert len(rate._levels) == CLIENTS


def test_the_addresses_of_one_network_are_one_client() -> None:
    """A client has a whole /64 of IPv6, and one address of IPv4."""
    assert network_of("2001:db8::1") == network_of("2001:db8::ffff:2")
    assert network_of("2001:db8::1") != network_of("2001:db8:0:1::1")
    assert network_of("192.0.2.1") != network_of("192.0.2.2")
    assert network_of("testclient") == "testclient"
