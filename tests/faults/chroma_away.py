"""A Chroma server that halts, dies and comes back: `python -m tests.faults.chroma_away` prints what readers were told.

The service is not started again throughout.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import httpx

from index.layout import current_name
from tests.chroma_server import RunningChroma
from tests.faults.arrivals import Arrivals, Exchange, arriving, latency
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service, serving
from tests.faults.whole_replies import Proof, mixed_inquiry

RECOVERY_S = 5.0
"""Seconds after its return in which the server must be in use again."""

COLLECTIONS = "/api/v2/tenants/default_tenant/databases/default_database/collections"


@dataclass(frozen=True, slots=True)
class Health:
    """What the health checks said while the server was away, and how long the slower one took."""

    readyz: tuple[int, str | None]
    healthz: int
    seconds: float


@dataclass(frozen=True, slots=True)
class Absence:
    """The server away once: what readers were told meanwhile, and how soon after its return they were answered.

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
    """For how many seconds the server is away, and readers ask on afterwards, and how many arrive each second."""

    away_s: float
    after_s: float
    per_second: float


@dataclass(frozen=True, slots=True)
class Refused:
    """An ingest while the server is away: how it ended, after how long, and whether CURRENT stayed as it was."""

    done: CompletedProcess[str]
    seconds: float
    current_stayed: bool


@contextmanager
def at_a_server(place: Path, articles: int) -> Iterator[tuple[Newsdesk, RunningChroma]]:
    """A desk whose vectors are on a real Chroma server, with an index, until the block ends."""
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
    """Halt the server and let it run on, kill it and start it again, while readers ask one running service.

    It is away for `away_s`; readers ask on for `after_s`, in the last second of which all must be as before.
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


def ingest_refused(desk: Newsdesk, chroma: RunningChroma) -> Refused:
    """Try an ingest while the server stands still."""
    desk.change(5)
    before, began = current_name(desk.data), time.monotonic()
    chroma.halt()
    try:
        done = desk.ingest()
    finally:
        chroma.resume()
    return Refused(done, time.monotonic() - began, current_name(desk.data) == before)


def collections_after_swap(desk: Newsdesk, chroma: RunningChroma) -> tuple[int, int]:
    """How many collections the server holds when a service has gone over to a new generation, and after `prune`."""
    with serving(desk) as service:
        desk.change(5)
        done = desk.ingest()
        assert done.returncode == 0, done.stderr
        deadline = time.monotonic() + 20
        while service.ready()["generation"] != current_name(desk.data):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        swapped = _collections(chroma)
        pruned = desk.run("generations", "prune", "--keep", "1", "--data", str(desk.data))
        assert pruned.returncode == 0, pruned.stderr
    return swapped, _collections(chroma)


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
    """What the health checks say, over and over for so long."""
    until, health = time.monotonic() + seconds, []
    while time.monotonic() < until:
        began = time.monotonic()
        ready, said = service.request("GET", "/readyz")
        alive, _ = service.request("GET", "/healthz")
        health.append(Health((ready, said.get("error", {}).get("code")), alive, time.monotonic() - began))
        time.sleep(max(0.0, min(1.0, until - time.monotonic())))
    return health


def _recovered(arrivals: Arrivals, returned: float) -> float:
    """Seconds from the server's return to the end of the last reply that was none."""
    ends = [each.due + each.seconds for each in arrivals.exchanges if each.status != 200]
    return max(0.0, max(ends, default=returned) - returned)


def _faults(proof: Proof, arrivals: Arrivals, leaves: float, settled: float) -> list[str]:
    """What is wrong with replies of before the server left, of after all is settled, and with answers in between."""
    return list(
        proof.faults(
            each
            for each in arrivals.exchanges
            if each.due + each.seconds < leaves or each.due > settled or each.status == 200
        )
    )


def _collections(chroma: RunningChroma) -> int:
    return len(httpx.get(f"{chroma.url}{COLLECTIONS}", trust_env=False).raise_for_status().json())


def main() -> None:
    """Take the server away for as long as the command line says and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--away", type=float, default=60, help="seconds")
    parser.add_argument("--rate", type=float, default=5, help="questions a second")
    parser.add_argument("--articles", type=int, default=1200)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place, at_a_server(Path(place), given.articles) as (desk, chroma):
        for absence in absences(desk, chroma, away_s=given.away, after_s=RECOVERY_S + 2, per_second=given.rate):
            sys.stdout.write(f"{absence}\n")
        refused = ingest_refused(desk, chroma)
        sys.stdout.write(
            f"ingest while halted: exit {refused.done.returncode} after {refused.seconds:.1f} s:"
            f" {refused.done.stderr.strip().splitlines()[-2:]}; CURRENT stayed: {refused.current_stayed}\n"
        )
        swapped, pruned = collections_after_swap(desk, chroma)
        sys.stdout.write(f"collections on the server: {swapped} after a swap, {pruned} after prune --keep 1\n")


if __name__ == "__main__":
    main()
