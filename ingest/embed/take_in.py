"""The last step of an embedding job: verify its vectors, and ingest the articles with them."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import replace

import numpy as np

from index.catalog import key_of
from index.embedding import Embedder, Vector
from ingest.embed.by_key import ByKey
from ingest.embed.shards import FLOATS, Job
from ingest.errors import JobIncomplete
from ingest.job import Ingest, run
from ingest.report import IngestReport, Progress

LEAST_COSINE = 0.9999
"""Smallest cosine of a stored vector with that of the same text here; other processors differ in the last digits."""

SAMPLE = 64
"""Texts that are embedded again in one call: one of each shard."""


class JobVectors:
    """The verified vectors of a job, by the keys of their texts, in a temporary file."""

    def __init__(self, job: Job, embedder: Embedder, progress: Progress) -> None:
        """Verify every shard; raises ConfigurationError, JobIncomplete, ShardInvalid or EmbeddingFailed."""
        job.check(embedder)
        shards, there = job.shards, job.embedded()
        if missing := [shard for shard in shards if shard not in there]:
            raise JobIncomplete(
                f"{len(missing)} of the {len(shards)} shards of {job.place} have no vectors yet",
                "Wait for the workers, or run `dateline embed work` without --worker, which embeds what is left.",
            )
        self._vectors = ByKey()
        try:
            with progress.bar("verify the vectors", total=len(shards), unit="shard") as advance:
                for some in _pages(shards, SAMPLE):
                    self._add(job, some, embedder)
                    advance(len(some))
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Remove the temporary file."""
        self._vectors.close()

    def vectors_of_texts(self, keys: Sequence[bytes]) -> dict[bytes, Vector]:
        """Return the vectors that the job has, by the keys of their texts."""
        return {key: np.frombuffer(row, FLOATS) for key, row in self._vectors.of(keys).items()}

    def _add(self, job: Job, shards: Sequence[str], embedder: Embedder) -> None:
        """Add the vectors of some shards; embed a text of each again and compare."""
        texts, stored = [], []
        for shard in shards:
            here = job.texts(shard)
            vectors = job.vectors(shard, len(here))
            self._vectors.add((key_of(text), row.tobytes()) for text, row in zip(here, vectors, strict=True))
            # Another text in each shard, the same one each time.
            row = int(shard[:8], 16) % len(here)
            texts.append(here[row])
            stored.append(vectors[row].copy())
        for shard, one, other in zip(shards, embedder.embed_texts(texts), stored, strict=True):
            cosine = float(one @ other)
            if not cosine >= LEAST_COSINE:
                raise job.refused(
                    shard,
                    f"differ from those of this machine: a cosine of {cosine:.5f}, expected {LEAST_COSINE}; they were"
                    f" computed on {job.machine_of(shard)}",
                )


def take_in(job: Job, ingest: Ingest, embedder: Embedder, progress: Progress) -> IngestReport:
    """Verify all vectors of a job, then ingest with them; what the job does not have is embedded here.

    Changes nothing in the job, so it can be repeated. Raises as `JobVectors` and `run` do.
    """
    with closing(JobVectors(job, embedder, progress)) as vectors:
        return run(replace(ingest, vectors=vectors), embedder, progress)


def _pages(shards: Sequence[str], size: int) -> Iterator[Sequence[str]]:
    for start in range(0, len(shards), size):
        yield shards[start : start + size]
