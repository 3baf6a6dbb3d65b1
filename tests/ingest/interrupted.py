"""An ingest to be killed: `python -m tests.ingest.interrupted DATA ARTICLES BATCHES` embeds so many, then stands."""

import sys
import time
from collections.abc import Sequence
from pathlib import Path

from index.embedding import Matrix
from ingest.job import Ingest, run
from ingest.progress import Progress
from tests.fakes import HashedEmbedder


class Stalling(HashedEmbedder):
    """Embeds as many batches as it is told to, then says so and does nothing more."""

    def embed_texts(self, texts: Sequence[str]) -> Matrix:
        if self.batches == int(sys.argv[3]):
            print("stalled", flush=True)  # noqa: T201 - what the test waits for
            time.sleep(600)
        return super().embed_texts(texts)


if __name__ == "__main__":
    run(Ingest((Path(sys.argv[2]),), Path(sys.argv[1]), "english"), Stalling(), Progress(quiet=True))
