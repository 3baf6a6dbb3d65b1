"""An ingest to be killed: `python -m tests.ingest.interrupted DATA ARTICLES PHASE` stalls in a phase of the job.

It prints `stalled` then. PHASE is `embedding`, after the first batch; `verification` of the segment; `manifest`, after
the segment is closed; `current`, after the manifest is written; `merge`, after the merged segment is closed; or
`published`, after the generation of pushed articles is current. Without ARTICLES (`-`) the writer publishes the spool.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Never

import index.publishing
import index.segment
from index.embedding import Matrix
from index.spool import Spool
from ingest.job import Ingest, run
from ingest.report import Progress
from ingest.watch import Writer
from tests.fakes import HashedEmbedder


class Stalling(HashedEmbedder):
    """An embedder that stalls after the first batch."""

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        if self.batches == 1:
            stall()
        return super().embed_texts(texts)


def stall() -> Never:
    print("stalled", flush=True)  # noqa: T201 - what the test waits for
    while True:
        time.sleep(600)


def stall_in(module: object, name: str) -> None:
    """Stall instead of calling a function of the product."""
    assert callable(getattr(module, name))
    setattr(module, name, lambda *_, **__: stall())


PHASES = {
    "verification": (index.segment, "faults_of"),
    "manifest": (index.publishing, "write_manifest"),
    "current": (index.publishing, "make_current"),
    "merge": (index.publishing, "entry_of"),
    "published": (Spool, "remove"),
}
"""The function before which each phase stalls."""


if __name__ == "__main__":
    _, data, articles, phase = sys.argv
    if phase in PHASES:
        stall_in(*PHASES[phase])
    embedder = Stalling() if phase == "embedding" else HashedEmbedder()
    if articles == "-":
        Writer(Ingest((), Path(data), "english"), embedder, 60).step()
    else:
        run(Ingest((Path(articles),), Path(data), "english"), embedder, Progress(quiet=True))
