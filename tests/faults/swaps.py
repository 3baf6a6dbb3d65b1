"""Generations swapped under load, over and over: `python -m tests.faults.swaps` prints what the service keeps of it."""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle, islice
from pathlib import Path

from index.layout import GENERATIONS, generation_names
from index.publish import make_current
from tests.faults.arrivals import Latency, arriving
from tests.faults.newsdesk import Newsdesk
from tests.faults.questions import Service, serving
from tests.faults.whole_replies import Proof, mixed_inquiry

SWAP_S = 20.0
"""How long a service may take to go over, at most."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a service holds: resident memory in MB, open files, private views; and the generations on disk."""

    memory: float
    files: int
    views: int
    generations: int

    def __str__(self) -> str:
        return (
            f"{self.memory:.0f} MB resident, {self.files} open files, {self.views} private views,"
            f" {self.generations} folders in generations/"
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of the swaps: what was held after each, and what was wrong with replies."""

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
    """Publish so many generations that differ in every article, so that no reply can pass for two; oldest first."""
    for _ in range(count):
        desk.change(len(desk.names))
        desk.ingest_here()
    return sorted(generation_names(desk.data))[-count:]


def swapped(desk: Newsdesk, *, warm_up: int, swaps: int, rollbacks: int, per_second: float) -> Figures:
    """Let CURRENT name one generation after another while readers ask, some of it by the command for it."""
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
    """What is held once all is quiet: a question on its way may still have the generation before open."""
    deadline = time.monotonic() + 5
    while _views(desk) > 1 and time.monotonic() < deadline:
        time.sleep(0.05)
    process = Path(f"/proc/{service.process.pid}")
    resident = next(line for line in (process / "status").read_text().splitlines() if line.startswith("VmRSS"))
    # Readers come and go; their connections are no leak.
    files = [path for path in (process / "fd").iterdir() if not _leads_to_socket(path)]
    folders = len(list((desk.data / GENERATIONS).iterdir()))
    return Held(int(resident.split()[1]) / 1024, len(files), _views(desk), folders)


def _leads_to_socket(path: Path) -> bool:
    try:
        return str(path.readlink()).startswith("socket:")
    except FileNotFoundError:
        return True


def _views(desk: Newsdesk) -> int:
    return len(list(desk.temporary.iterdir()))


def main() -> None:
    """Swap as often as the command line says and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--swaps", type=int, default=200)
    parser.add_argument("--rollbacks", type=int, default=10, help="how many of them by `dateline generations rollback`")
    parser.add_argument("--warm-up", type=int, default=30, help="swaps before memory is measured")
    parser.add_argument("--articles", type=int, default=1500)
    parser.add_argument("--rate", type=float, default=20, help="questions a second")
    given = parser.parse_args()
    sys.stdout.write(f"load average before: {os.getloadavg()}\n")
    with tempfile.TemporaryDirectory() as place:
        figures = swapped(
            Newsdesk(Path(place), articles=given.articles, sentences=20),
            warm_up=given.warm_up,
            swaps=given.swaps,
            rollbacks=given.rollbacks,
            per_second=given.rate,
        )
    sys.stdout.write(f"{figures}\n")


if __name__ == "__main__":
    main()
