"""Ingests that run out of disk space.

There are two ways: a small file system (a tmpfs, if this process may mount one), and a limit on the size of a file,
which every process may set. `python -m tests.faults.full_disk limited LIMIT COMMAND…`
and `… mounted SIZE FOLDER COMMAND…` are the two children.
"""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from dateline.exit_codes import FAILED
from index.admin import prune
from index.errors import DatelineError
from index.layout import CATALOG, SEGMENTS, VECTORS, current_name
from tests.fakes import opened
from tests.faults.newsdesk import ROOT, Newsdesk, manifest_of

KB = 1024
COMMAND = ("-m", "tests.faults.command")
OUTSIDE = "outside"
"""Folder beside the small file system that what was in it is copied to, for it ends with its process."""


@dataclass(frozen=True, slots=True)
class Shortage:
    """The result of an ingest without enough space: its limit, exit code, message and errors."""

    room: int
    exit_code: int
    words: str
    faults: tuple[str, ...]

    def __str__(self) -> str:
        said = " | ".join(line for line in self.words.splitlines() if not line.endswith(" s"))
        said = said if len(said) < 300 else f"{said[:120]} … {said[-170:]}"
        return (
            f"{self.room // KB:6} kB  exit {self.exit_code:4}  {'; '.join(self.faults) or 'as it should be'}  [{said}]"
        )


def file_too_large(desk: "Desk", limits: Iterable[int]) -> Iterator[Shortage]:
    """Yield ingests of changed articles with a limit on the size of a file, until one has enough space."""
    for limit in limits:
        before = desk.data.with_name("before")
        shutil.copytree(desk.data, before)
        done = _run(desk, "limited", str(limit))
        yield _shortage(desk, limit, done, desk.data)
        shutil.rmtree(desk.data)
        before.rename(desk.data)


def disk_full(desk: "Desk", rooms: Iterable[int]) -> Iterator[Shortage]:
    """Yield ingests of changed articles on a disk with so many free bytes."""
    for room in rooms:
        after = desk.data.with_name(OUTSIDE)
        shutil.rmtree(after, ignore_errors=True)
        done = _run(desk, "mounted", str(room), str(desk.data))
        yield _shortage(desk, room, done, after)


def _run(desk: Newsdesk, *how: str) -> subprocess.CompletedProcess[str]:
    unshare = ["unshare", "-rm"] if how[0] == "mounted" else []
    command = [*unshare, sys.executable, "-m", "tests.faults.full_disk", *how]
    ingest = ["ingest", str(desk.articles), "--data", str(desk.data)]
    return subprocess.run(
        [*command, *ingest], cwd=ROOT, env=desk.environment, capture_output=True, text=True, timeout=110, check=False
    )


def _shortage(desk: "Desk", room: int, done: subprocess.CompletedProcess[str], data: Path) -> Shortage:
    faults = []
    if done.returncode == 0:
        published = manifest_of(data).fingerprint == desk.wanted
        return Shortage(room, 0, done.stdout, () if published else ("published something else",))
    if done.returncode != FAILED:
        faults.append(f"ended with {done.returncode}")
    if "Traceback" in done.stderr:
        faults.append("a traceback")
    if "dateline: " not in done.stderr:
        faults.append("no message")
    faults.extend(_faults_of_index(desk, data))
    return Shortage(room, done.returncode, done.stderr, tuple(faults))


def _faults_of_index(desk: "Desk", data: Path) -> Iterator[str]:
    """Return the errors of a failed ingest and of the next one with enough space."""
    name = current_name(data) or ""
    if name != desk.served:
        yield f"CURRENT names {name}"
    try:
        with opened(data):
            pass
        retried = desk.ingest_here(data)
        prune(data, 3)
    except DatelineError as error:
        yield f"the next ingest fails: {error}"
        return
    if retried.fingerprint != desk.wanted:
        yield "the next ingest does not converge"
    if left := desk.left_behind(data=data):
        yield f"left behind: {left}"


class Desk(Newsdesk):
    """A desk with the index `served` and changed articles; the next fingerprint is `wanted`."""

    def __init__(self, place: Path, articles: int, dimension: int) -> None:
        super().__init__(place, articles=articles, options={"dimension": dimension})
        self.served = self.ingest_here().generation
        self.change(articles // 2)
        self.fresh = place / "fresh"
        shutil.copytree(self.data, self.fresh)
        self.wanted = self.ingest_here(self.fresh).fingerprint

    def sizes(self) -> dict[str, int]:
        """Return the sizes in bytes of the files of the new segment by name."""
        folder = self.fresh / SEGMENTS / manifest_of(self.fresh).segments[0].segment
        return {path.name: path.stat().st_size for path in folder.rglob("*") if path.is_file()}


def limited(limit: int, command: list[str]) -> None:
    """Run a command in place of this process, with a limit on the size of its files."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    os.execv(sys.executable, [sys.executable, *COMMAND, *command])


def mounted(room: int, folder: Path, command: list[str]) -> int:
    """Run a command with the folder on a small file system, and copy its files out."""
    before = folder.with_name("full-before")
    shutil.copytree(folder, before)
    blocks = sum((path.stat().st_size + 4095) // 4096 + 1 for path in before.rglob("*"))
    options = f"size={blocks * 4 * KB + room}"
    subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], check=True)
    shutil.copytree(before, folder, dirs_exist_ok=True)
    shutil.rmtree(before)
    code = subprocess.run([sys.executable, *COMMAND, *command], check=False).returncode
    shutil.copytree(folder, folder.with_name(OUTSIDE))
    return code if code >= 0 else 128 - code


def limits_of(sizes: Mapping[str, int]) -> list[int]:
    """Return limits that stop the catalogue and the vectors."""
    return [sizes[CATALOG] // 2, sizes[VECTORS] - 1]


def rooms_of(sizes: Mapping[str, int]) -> list[int]:
    """Return free sizes that end within the catalogue, the vectors and Chroma's files."""
    catalog, vectors = sizes[CATALOG], sizes[VECTORS]
    # The vectors are collected in one file and written to another one.
    return [catalog // 3, catalog + vectors // 2, catalog + 2 * vectors + 16 * KB]


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["limited", limit, *command]:
            limited(int(limit), command)
        case ["mounted", room, folder, *command]:
            sys.exit(mounted(int(room), Path(folder), command))
