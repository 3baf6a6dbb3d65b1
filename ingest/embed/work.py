"""The second step of an embedding job: embed shards, on as many machines as there are."""

import re
import time
from collections.abc import Iterator
from typing import NamedTuple, Self

from index.embedding import Embedder
from index.errors import ConfigurationError
from ingest.embed.shards import Job


class Share(NamedTuple):
    """The share of one of `workers` workers, which count from 1: every shard belongs to one of them."""

    worker: int = 1
    workers: int = 1

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the share that `2/8` names; raises ConfigurationError."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found or not 1 <= int(found[1]) <= int(found[2]):
            raise ConfigurationError(f"--worker is {text!r}", "Give the number of this worker and of all, such as 2/8.")
        return cls(int(found[1]), int(found[2]))

    def of(self, shards: list[str]) -> list[str]:
        """Return the shards of this worker; their names are digests, so that all shares cost about the same."""
        return shards[self.worker - 1 :: self.workers]


class Embedded(NamedTuple):
    """A shard that was embedded, with its number of texts, and the seconds that it took."""

    shard: str
    texts: int
    seconds: float


def work(job: Job, embedder: Embedder, share: Share) -> Iterator[Embedded]:
    """Embed the shards of a share that have no vectors yet; yield each once its vectors are stored.

    Killed at any point, it loses the shard that it was working on. Raises ConfigurationError if the embedder is not
    that of the plan, ShardInvalid, EmbeddingFailed or StoreUnavailable.
    """
    job.check(embedder)
    there = job.embedded()
    for shard in share.of(job.shards):
        if shard not in there:
            yield embed_shard(job, embedder, shard)


def embed_shard(job: Job, embedder: Embedder, shard: str) -> Embedded:
    """Embed the texts of a shard and store their vectors."""
    started = time.monotonic()
    texts = job.texts(shard)
    job.add_vectors(shard, len(texts), embedder.embed_texts(texts))
    return Embedded(shard, len(texts), time.monotonic() - started)


def to_do(job: Job, share: Share) -> list[str]:
    """Return the shards of a share that have no vectors yet."""
    there = job.embedded()
    return [shard for shard in share.of(job.shards) if shard not in there]
