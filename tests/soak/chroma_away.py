"""A Chroma server that is suspended or killed while users ask, and comes back: every question is answered.

The service is not restarted.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from index.chroma_server import PAUSE_S, QUESTION_S
from index.layout import segment_folder
from index.segment import read_record
from index.vectors import EXACT_ROWS
from tests.chroma_server import RunningChroma
from tests.faults.newsdesk import Newsdesk, manifest_of
from tests.faults.questions import Service, serving
from tests.soak.arrivals import Exchange, arriving, latency
from tests.soak.paging import write_papers
from tests.soak.whole_replies import Proof, mixed_inquiry

RECOVERY_S = PAUSE_S + 5.0
"""Seconds after its return in which the server must be in use again."""

SLOWEST_S = QUESTION_S + 1.0
"""The longest wait for the first questions that find the server away; later ones do not ask it."""

ARTICLES, SECTIONS = 32, 1000
"""One batch of an ingest, so that all chunks are in one segment: smaller ones are searched exactly."""


@dataclass(frozen=True, slots=True)
class Health:
    """The health checks while the server was away, and the duration of the slower one.

    `readyz` has the status and the code of the trouble.
    """

    readyz: tuple[int, str | None]
    healthz: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Absence:
    """One absence of the server: the replies meanwhile, and the time until it is in use again after its return."""

    how: str
    replies: Sequence[Exchange]
    health: Sequence[Health]
    recovered_s: float
    faults: Sequence[str]

    def __str__(self) -> str:
        told = sorted({(each.status, each.code) for each in self.replies}, key=str)
        waits = [each.seconds for each in self.replies]
        slowest = max(each.seconds for each in self.health)
        said = sorted({(each.readyz, each.healthz) for each in self.health}, key=str)
        return (
            f"{self.how}: questions were told {told}: {latency(waits)}\n"
            f"  readyz and healthz said {said}, in {slowest * 1000:.0f} ms at most\n"
            f"  in use {self.recovered_s:.1f} s after the return; faults afterwards: {list(self.faults[:3])}"
        )


@dataclass(frozen=True, slots=True)
class Course:
    """Seconds of the server's absence and of questions afterwards, and questions per second."""

    away_s: float
    after_s: float
    per_second: float


@contextmanager
def at_a_server(place: Path, articles: int, sections: int) -> Iterator[tuple[Newsdesk, RunningChroma]]:
    """Return a desk with an index on a real Chroma server, until the block ends; it has one chunk for each section."""
    (place / "chroma").mkdir(parents=True)
    chroma = RunningChroma(place / "chroma")
    try:
        desk = Newsdesk(place / "desk", articles=0, options={"dimension": 16})
        write_papers(desk.articles, articles, sections)
        desk.environment["CHROMA_URL"] = chroma.url
        done = desk.run("ingest", str(desk.articles), "--data", str(desk.data), timeout=600)
        assert done.returncode == 0, done.stderr
        yield desk, chroma
    finally:
        chroma.kill()


def absences(
    desk: Newsdesk, chroma: RunningChroma, *, away_s: float, after_s: float, per_second: float
) -> list[Absence]:
    """Suspend and resume the server, kill and restart it, while users ask one running service.

    It is away for `away_s`; users ask for `after_s` more when it is in use again.
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
        leave()
        left = time.monotonic()
        health = _health_for(service, course.away_s)
        back = time.monotonic()
        return_()
        returned = time.monotonic()
        while _readiness(service)[1] is not None:
            assert time.monotonic() - returned < 2 * RECOVERY_S, _readiness(service)
            time.sleep(0.1)
        recovered_s = time.monotonic() - returned
        time.sleep(course.after_s)
    away = [each for each in arrivals.exchanges if left <= each.due and each.due + each.seconds < back]
    return Absence(
        how,
        replies=away,
        health=health,
        recovered_s=recovered_s,
        faults=list(proof.faults(arrivals.exchanges)),
    )


def _health_for(service: Service, seconds: float) -> list[Health]:
    """Return the health checks, repeated for this time."""
    until, health = time.monotonic() + seconds, []
    while time.monotonic() < until:
        began = time.monotonic()
        ready = _readiness(service)
        alive, _ = service.request("GET", "/healthz")
        health.append(Health(ready, alive, time.monotonic() - began))
        time.sleep(max(0.0, min(1.0, until - time.monotonic())))
    return health


def _readiness(service: Service) -> tuple[int, str | None]:
    status, said = service.request("GET", "/readyz")
    return status, said.get("trouble")


def soak(place: Path) -> str:
    """Suspend and kill the server for a minute each, with 5 questions per second."""
    with at_a_server(place, ARTICLES, SECTIONS) as (desk, chroma):
        (segment,) = manifest_of(desk.data).segments
        assert read_record(segment_folder(desk.data, segment.segment)).chunk_count > EXACT_ROWS
        found = absences(desk, chroma, away_s=60, after_s=5, per_second=5)
    for absence in found:
        assert {each.status for each in absence.replies} == {200}, absence
        assert max(each.seconds for each in absence.replies) < SLOWEST_S, absence
        assert {(each.readyz, each.healthz) for each in absence.health[-5:]} == {((200, "vectors_unavailable"), 200)}
        assert absence.recovered_s <= RECOVERY_S, absence
        assert not absence.faults, absence
    return "\n".join(map(str, found))
