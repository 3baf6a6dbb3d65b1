"""An ingest to be killed: `python -m tests.ingest.interrupted DATA ARTICLES PHASE` stalls while it embeds or verifies.

It prints `stalled` then. PHASE is `embedding`, after the first batch, or `verification`, before its child starts.
"""

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Never

from index.embedding import Matrix
from ingest.job import Ingest, run
from ingest.progress import Progress
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


def stall_before_verification(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and "index.verification" in str(arguments):
        stall()


if __name__ == "__main__":
    _, data, articles, phase = sys.argv
    if phase == "verification":
        sys.addaudithook(stall_before_verification)
    embedder = Stalling() if phase == "embedding" else HashedEmbedder()
    run(Ingest((Path(articles),), Path(data), "english"), embedder, Progress(quiet=True))
