"""`make soak`: load, attacks and faults, one after another, for minutes.

`python -m tests.soak NAME…` runs only these programs. The exit code is 1 if a bound is broken.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from itertools import cycle, islice
from pathlib import Path

from index.embedding.local import LocalEmbedder
from tests.faults.full_disk import Desk, Shortage, disk_full, file_too_large
from tests.faults.killed_ingest import ANYWHERE, EACH_PHASE, killed_ingests
from tests.faults.mounting import can_mount
from tests.service.filters import compared, labelled
from tests.soak import chroma_away, embed, load, overload, paging, pushes, replicas, schema, swaps


def attacks(_: Path) -> str:
    """Attack a service that has the limits of production."""
    command = [sys.executable, "-m", "pytest", "-q", "tests/soak", "-o", "timeout=1800"]
    code = subprocess.run(command, env={**os.environ, "DATELINE_SOAK": "1"}, check=False).returncode
    assert code == 0, f"pytest ended with {code}"
    return "no attack did harm"


def kills(place: Path) -> object:
    """Kill 60 ingests in every phase, and run each again."""
    aims = list(islice(cycle(EACH_PHASE + ANYWHERE), 60))
    return killed_ingests(place, aims, articles=400, every=1, seed=1)


def full_disk(place: Path) -> str:
    """Let ingests run out of space in each file, and at 16 points of a small disk."""
    desk = Desk(place, 600, dimension=512)
    sizes = desk.sizes()
    shortages: list[Shortage] = list(file_too_large(desk, sorted({size - 1 for size in sizes.values() if size > 1024})))
    # The new segment, and the copy of the old one without its dead rows.
    total = 3 * sum(sizes.values())
    shortages += disk_full(desk, [total * step // 16 for step in range(16)] if can_mount() else [])
    figures = "\n".join(map(str, shortages))
    assert not any(shortage.faults for shortage in shortages), figures
    return figures


def filters(place: Path) -> str:
    """Compare retrieval with an exact search over more than 10,000 chunks."""
    kinds = compared(place / "data", labelled(1800, sentences=6), LocalEmbedder(place / "models"), questions=200)
    figures = "\n".join(f"{name:36}{kind}" for name, kind in kinds.items())
    assert all(kind.recall >= 0.99 and kind.outside == 0 for kind in kinds.values()), figures
    return f"{'':36}recall@10  outside  let by  p50 ms\n{figures}"


PROGRAMS: Mapping[str, Callable[[Path], object]] = {
    "overload": overload.soak,
    "attacks": attacks,
    "load": load.soak,
    "swaps": swaps.soak,
    "kills": kills,
    "pushes": pushes.soak,
    "full_disk": full_disk,
    "chroma_away": chroma_away.soak,
    "paging": paging.soak,
    "filters": filters,
    "embed": embed.soak,
    "schema": schema.soak,
    "replicas": replicas.soak,
    "replicas_s3": replicas.soak_s3,
}


def main(names: list[str]) -> int:
    """Run programs, all by default, and print their figures."""
    if unknown := set(names) - set(PROGRAMS):
        sys.stderr.write(f"unknown programs: {', '.join(sorted(unknown))}; known are {', '.join(PROGRAMS)}\n")
        return 2
    broken = []
    for name in names or PROGRAMS:
        sys.stdout.write(f"== {name}, load average {os.getloadavg()[0]:.1f}\n")
        sys.stdout.flush()
        began = time.monotonic()
        with tempfile.TemporaryDirectory() as place:
            try:
                sys.stdout.write(f"{PROGRAMS[name](Path(place))}\n")
            except AssertionError as error:
                broken.append(name)
                sys.stdout.write(f"BROKEN: {error}\n")
        sys.stdout.write(f"== {name}: {time.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"broken: {', '.join(broken)}\n" if broken else "no bound is broken\n")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
