"""A Chroma server that is suspended or killed while users ask, and comes back.

The service is not restarted.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chroma_server import RunningChroma
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service, serving
from tests.soak.arrivals import Arrivals, Exchange, arriving, latency
from tests.soak.whole_replies import Proof, mixed_inquiry

RECOVERY_S = 5.0
"""Seconds after its return in which the server must be in use again."""


@dataclass(frozen=True, slots=True)
class Health:
    """The health checks while the server was away, and the duration of the slower one."""

    readyz: tuple[int, str | None]
    healthz: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Absence:
    """One absence of the server: the replies meanwhile, and the time until answers after its return.

    `refused` are the replies to questions that need the server; `filtered` are those to questions that do not.
    """

    how: str
    refused: Sequence[Exchange]
    filtered: Sequence[Exchange]
    health: Sequence[Health]
    recovered_s: float
    faults: Sequence[str]

    def __str__(self) -> str:
        told = sorted({(each.status, each.code) for each in self.refused})
        waits = [each.seconds for each in self.refused]
        answered = sum(each.status == 200 for each in self.filtered)
        slowest = max(each.seconds for each in self.health)
        said = sorted({(each.readyz, each.healthz) for each in self.health})
        return (
            f"{self.how}: questions were told {told}: {latency(waits)}\n"
            f"  {answered} of {len(self.filtered)} filtered ones were answered from vectors.npy\n"
            f"  readyz and healthz said {said}, in {slowest * 1000:.0f} ms at most\n"
            f"  all answered {self.recovered_s:.1f} s after the return; faults afterwards: {list(self.faults[:3])}"
        )


@dataclass(frozen=True, slots=True)
class Course:
    """Seconds of the server's absence and of questions afterwards, and questions per second."""

    away_s: float
    after_s: float
    per_second: float


@contextmanager
def at_a_server(place: Path, articles: int) -> Iterator[tuple[Newsdesk, RunningChroma]]:
    """Return a desk with an index on a real Chroma server, until the block ends."""
    (place / "chroma").mkdir(parents=True)
    chroma = RunningChroma(place / "chroma")
    try:
        desk = Newsdesk(place / "desk", articles=articles)
        desk.environment["CHROMA_URL"] = chroma.url
        done = desk.ingest()
        assert done.returncode == 0, done.stderr
        yield desk, chroma
    finally:
        chroma.kill()


def absences(
    desk: Newsdesk, chroma: RunningChroma, *, away_s: float, after_s: float, per_second: float
) -> list[Absence]:
    """Suspend and resume the server, kill and restart it, while users ask one running service.

    It is away for `away_s`; users ask for `after_s` more, and in the last second everything must be as before.
    """
    proof = Proof(desk.data)
    proof.keep()
    with serving(desk) as service:
        return [
            _absence(how, service, proof, leaving, Course(away_s, after_s, per_second))
            for how, leaving in (
                ("halted", (chroma.halt, chroma.resume)),
                ("killed", (chroma.kill, chroma.start)),
            )
        ]


def _absence(
    how: str,
    service: Service,
    proof: Proof,
    leaving: tuple[Callable[[], None], Callable[[], None]],
    course: Course,
) -> Absence:
    leave, return_ = leaving
    with arriving(service, mixed_inquiry, course.per_second) as arrivals:
        time.sleep(1)
        leaves = time.monotonic()
        leave()
        left = time.monotonic()
        health = _health_for(service, course.away_s)
        back = time.monotonic()
        return_()
        returned = time.monotonic()
        time.sleep(course.after_s)
        over = time.monotonic()
    away = [each for each in arrivals.exchanges if left <= each.due and each.due + each.seconds < back]
    return Absence(
        how,
        refused=[each for each in away if not each.inquiry.filters],
        filtered=[each for each in away if each.inquiry.filters],
        health=health,
        recovered_s=_recovered(arrivals, returned),
        faults=_faults(proof, arrivals, leaves, over - 1),
    )


def _health_for(service: Service, seconds: float) -> list[Health]:
    """Return the health checks, repeated for this time."""
    until, health = time.monotonic() + seconds, []
    while time.monotonic() < until:
        began = time.monotonic()
        ready, said = service.request("GET", "/readyz")
        alive, _ = service.request("GET", "/healthz")
        health.append(Health((ready, said.get("error", {}).get("code")), alive, time.monotonic() - began))
        time.sleep(max(0.0, min(1.0, until - time.monotonic())))
    return health


def _recovered(arrivals: Arrivals, returned: float) -> float:
    """Return the seconds from the server's return to the end of the last failed reply."""
    ends = [each.due + each.seconds for each in arrivals.exchanges if each.status != 200]
    return max(0.0, max(ends, default=returned) - returned)


def _faults(proof: Proof, arrivals: Arrivals, leaves: float, settled: float) -> list[str]:
    """Yield the errors of replies from before the absence and after the recovery, and of answers in between."""
    return list(
        proof.faults(
            each
            for each in arrivals.exchanges
            if each.due + each.seconds < leaves or each.due > settled or each.status == 200
        )
    )


def soak(place: Path) -> str:
    """Suspend and kill the server for a minute each, with 5 questions per second."""
    with at_a_server(place, articles=1200) as (desk, chroma):
        found = absences(desk, chroma, away_s=60, after_s=RECOVERY_S + 2, per_second=5)
    for absence in found:
        assert {(each.status, each.code) for each in absence.refused} == {(503, "index_unavailable")}, absence
        assert {each.status for each in absence.filtered} == {200}, absence
        assert {(each.readyz, each.healthz) for each in absence.health} == {((503, "index_unavailable"), 200)}, absence
        assert absence.recovered_s <= RECOVERY_S, absence
        assert not absence.faults, absence
    return "\n".join(map(str, found))
