"""The drill of docs/operations.md: copy, wipe, restore. `python -m tests.faults.backup` prints how long it took."""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree

from index.health import examine
from index.layout import current_name
from tests.faults.arrivals import exchange
from tests.faults.load import write_news
from tests.faults.newsdesk import Newsdesk, manifest_of
from tests.faults.questions import Service, serving
from tests.faults.whole_replies import Proof, mixed_inquiry

COPY = """
set -eu
name=$(cat data/CURRENT)
mkdir -p backup/generations
cp -a "data/generations/$name" backup/generations/
cp -a data/embeddings.db backup/
"""
RESTORE = """
set -eu
mkdir -p data/generations
cp -a backup/generations/* data/generations/
"""
RESTORE_VECTORS = "cp -a backup/embeddings.db data/"


@dataclass(frozen=True, slots=True)
class Figures:
    """What came of the drill: fingerprints before and after, seconds until the service answered, what was embedded."""

    fingerprint: str
    restored: str
    seconds: float
    unanswered: Sequence[str]
    chunks: int
    embedded_after: int
    fresh: int

    def __str__(self) -> str:
        same = "the same" if self.fingerprint == self.restored else "ANOTHER"
        return (
            f"{self.chunks} chunks; the service answered {self.seconds:.1f} s after the restore began, from {same}"
            f" fingerprint\n{len(self.unanswered)} questions unanswered or mixed {list(self.unanswered[:3])}\n"
            f"the next ingest embedded {self.embedded_after} texts for {self.fresh} new articles"
        )


def drill(desk: Newsdesk, place: Path, *, vectors: bool, fresh: int = 5) -> Figures:
    """Copy the current generation while a service answers, wipe the data folder, restore, roll back, go on.

    A service that runs meanwhile answers from what it has open, and one started afterwards from what was restored.
    Without `vectors` the store of vectors stays lost.
    """
    before, proof = manifest_of(desk.data), Proof(desk.data)
    proof.keep()
    with serving(desk) as service:
        _sh(place, COPY)
        unanswered = _unanswered(service, proof)
        rmtree(desk.data)
        unanswered += _unanswered(service, proof)
        began = time.monotonic()
        _sh(place, RESTORE + (RESTORE_VECTORS if vectors else ""))
        _rolled_back(desk, before.generation)
        unanswered += _unanswered(service, proof)
    with serving(desk) as service:
        seconds = time.monotonic() - began
        unanswered += _unanswered(service, proof)
    restored = manifest_of(desk.data)
    embedded = _embedded_by_next(desk, fresh)
    assert all(finding.whole for finding in examine(desk.data))
    return Figures(before.fingerprint, restored.fingerprint, seconds, unanswered, before.chunk_count, embedded, fresh)


def _sh(place: Path, script: str) -> None:
    subprocess.run(["sh", "-c", script], cwd=place, check=True)


def _rolled_back(desk: Newsdesk, name: str) -> None:
    done = desk.run("generations", "rollback", name, "--data", str(desk.data))
    assert done.returncode == 0, done.stderr
    assert current_name(desk.data) == name


def _unanswered(service: Service, proof: Proof, count: int = 12) -> list[str]:
    return list(proof.faults(exchange(service, mixed_inquiry(number)) for number in range(count)))


def _embedded_by_next(desk: Newsdesk, fresh: int) -> int:
    """How many texts an ingest embeds that finds so many new articles."""
    write_news(desk, 1, fresh)
    done = desk.ingest()
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["added"] == fresh
    return int(report["embedded"])


def main() -> None:
    """Drill with and without the store of vectors and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=int, default=2000)
    given = parser.parse_args()
    for vectors in (True, False):
        with tempfile.TemporaryDirectory() as folder:
            place = Path(folder)
            desk = Newsdesk(place, articles=given.articles)
            desk.ingest_here()
            figures = drill(desk, place, vectors=vectors)
        sys.stdout.write(f"{'with' if vectors else 'without'} embeddings.db: {figures}\n")


if __name__ == "__main__":
    main()
