"""Generations swapped under load: no question fails, and the service releases the old ones.

All generations share one segment, which stays open, and each has a segment of its own.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from index.layout import SEGMENTS, generation_names
from index.publishing import make_current, read_manifest
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service, serving
from tests.soak.arrivals import Latency, arriving
from tests.soak.whole_replies import Proof, mixed_inquiry

SWAP_S = 20.0
"""How long a service may take to go over, at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """Resources of a service: resident memory in MB, open files, private views; and the segments on disk."""

    memory: float
    files: int
    views: int
    segments: int

    def __str__(self) -> str:
        return (
            f"{self.memory:.0f} MB resident, {self.files} open files, {self.views} private views,"
            f" {self.segments} segments on disk"
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """The results of the swaps: resources after each, and errors in replies."""

    before: Held
    after: Held
    swaps: int
    seconds: float
    waits: Latency
    faults: Sequence[str]
    answered_from: int

    def __str__(self) -> str:
        growth = self.after.memory / self.before.memory - 1
        return (
            f"{self.swaps} swaps in {self.seconds:.0f} s\nbefore: {self.before}\nafter:  {self.after}, {growth:+.1%}\n"
            f"{self.waits}, from {self.answered_from} generations; {len(self.faults)} failed or mixed"
            f" {list(self.faults[:3])}"
        )


def with_editions(desk: Newsdesk, count: int) -> list[str]:
    """Publish generations that share half of their articles, in one segment; return their names, oldest first."""
    desk.ingest_here()
    half = len(desk.names) // 2
    for _ in range(count):
        desk.change(len(desk.names) - half, first=half)
        desk.ingest_here()
    names = sorted(generation_names(desk.data))[-count:]
    shared = set.intersection(*({each.segment for each in read_manifest(desk.data, name).segments} for name in names))
    assert len(shared) == 1, shared
    return names


def swapped(desk: Newsdesk, *, warm_up: int, swaps: int, rollbacks: int, per_second: float) -> Figures:
    """Make one generation after another current while users ask, sometimes with the command."""
    names = with_editions(desk, 3)
    proof = Proof(desk.data)
    proof.keep()
    turns = cycle(names)
    with serving(desk) as service, arriving(service, mixed_inquiry, per_second) as arrivals:
        for name in islice(turns, warm_up):
            _swap(desk, service, name)
        before, began = _held(desk, service), time.monotonic()
        for name in islice(turns, swaps - rollbacks):
            _swap(desk, service, name)
        for name in islice(turns, rollbacks):
            done = desk.run("generations", "rollback", name, "--data", str(desk.data))
            assert done.returncode == 0, done.stderr
            _wait_until_from(service, name)
        after, seconds = _held(desk, service), time.monotonic() - began
    assert _views(desk) == 0, "private views outlive the service"
    answered_from = {each.reply["versions"]["generation"] for each in arrivals.exchanges if "versions" in each.reply}
    faults = list(proof.faults(arrivals.exchanges))
    return Figures(before, after, swaps, seconds, arrivals.milliseconds(), faults, len(answered_from))


def _swap(desk: Newsdesk, service: Service, name: str) -> None:
    make_current(desk.data, name)
    _wait_until_from(service, name)


def _wait_until_from(service: Service, name: str) -> None:
    deadline = time.monotonic() + SWAP_S
    while (said := service.request("GET", "/readyz"))[1].get("generation") != name:
        assert time.monotonic() < deadline, said
        time.sleep(0.02)


def _held(desk: Newsdesk, service: Service) -> Held:
    """Return the resources after all questions have ended: a running question may pin the previous generation."""
    deadline = time.monotonic() + 5
    while _views(desk) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    process = Path(f"/proc/{service.process.pid}")
    resident = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
    # Connections of users are not leaks.
    files = [path for path in (process / "fd").iterdir() if not _leads_to_socket(path)]
    segments = len(list((desk.data / SEGMENTS).iterdir()))
    return Held(int(resident.split()[1]) / 1024, len(files), _views(desk), segments)


def _leads_to_socket(path: Path) -> bool:
    try:
        return str(path.readlink()).startswith("socket:")
    except FileNotFoundError:
        return True


def _views(desk: Newsdesk) -> int:
    return len(list(desk.temporary.iterdir()))


def soak(place: Path) -> Figures:
    """Swap 200 generations, with 20 questions per second."""
    desk = Newsdesk(place, articles=1500, sentences=20)
    figures = swapped(desk, warm_up=30, swaps=200, rollbacks=10, per_second=20)
    assert not figures.faults, figures
    assert figures.answered_from == 3, figures
    assert figures.after.files <= figures.before.files, figures
    assert figures.after.views == figures.before.views, figures
    assert figures.after.segments == figures.before.segments, figures
    assert figures.after.memory <= figures.before.memory * 1.15, figures
    return figures
