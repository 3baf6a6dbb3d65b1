"""Two processes that write one Chroma folder at once, which embedded Chroma does not bear.

`python -m tests.faults.two_writers write CHROMA VECTORS START STOP BATCH` is one of them;
`python -m tests.faults.two_writers check CHROMA` counts the rows that can no longer be found, in a process of its own
because a damaged store may end it.
"""

import subprocess
import sys
from pathlib import Path
from shutil import rmtree

import numpy as np

from index.dense import NAME
from index.layout import CHROMA, VECTORS
from tests.faults.newsdesk import ROOT
from tests.index.chroma import chroma

BATCH = 20
THRESHOLD = 40
"""Rows after which Chroma writes its HNSW files: the moment at which two writers overwrite one another."""


def damage_by_two_writers(folder: Path, tries: int = 10) -> int:
    """Write a generation's Chroma anew with two processes at once, until rows are lost; returns how often it took.

    Each writer adds its own half of the rows, so that every row is written once and none by both. Raises
    AssertionError where the store was whole after so many tries.
    """
    rows = len(np.load(folder / VECTORS, mmap_mode="r"))
    for attempt in range(1, tries + 1):
        _create(folder / CHROMA)
        halves = ((0, rows // 2), (rows // 2, rows))
        writers = [_run("write", folder / CHROMA, folder / VECTORS, *half, BATCH) for half in halves]
        for writer in writers:
            writer.communicate(timeout=60)
        checker = _run("check", folder / CHROMA)
        found, _ = checker.communicate(timeout=60)
        if checker.returncode or found.strip() != "0":
            return attempt
    raise AssertionError(f"two writers left the store whole {tries} times")


def _create(folder: Path) -> None:
    rmtree(folder)
    folder.mkdir()
    with chroma(folder) as client:
        client.create_collection(
            NAME,
            embedding_function=None,
            configuration={
                "hnsw": {"space": "cosine", "sync_threshold": THRESHOLD, "batch_size": THRESHOLD, "ef_search": 200}
            },
        )


def _run(*arguments: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.faults.two_writers", *map(str, arguments)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def write(folder: Path, vectors: Path, start: int, stop: int, batch: int) -> None:
    """Add these rows, a few at a time."""
    held = np.load(vectors)
    with chroma(folder) as client:
        collection = client.get_collection(NAME, embedding_function=None)
        for first in range(start, stop, batch):
            last = min(first + batch, stop)
            collection.add(ids=[str(row) for row in range(first, last)], embeddings=held[first:last])


def lost(folder: Path, vectors: Path) -> int:
    """How many rows do not find themselves among the nearest."""
    held = np.load(vectors)
    with chroma(folder) as client:
        collection = client.get_collection(NAME, embedding_function=None)
        assert collection.count() == len(held), "a writer failed before it was done"
        found = collection.query(query_embeddings=held, n_results=5, include=["distances"])
        distances = np.array([row[0] for row in found["distances"] or []])
        return int((distances > 1e-3).sum())


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["write", folder, vectors, start, stop, batch]:
            write(Path(folder), Path(vectors), int(start), int(stop), int(batch))
        case ["check", folder]:
            print(lost(Path(folder), Path(folder).with_name(VECTORS)))  # noqa: T201
