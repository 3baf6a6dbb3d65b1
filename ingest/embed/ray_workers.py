"""The workers of an embedding job as actors of a Ray cluster.

Anybody who reaches the ports of a cluster, and has its token if it asks for one, can run code there. Ray encrypts
nothing by default. Use it in a private network only.
"""

import os
import re
import signal
import socket
from collections.abc import Callable, Iterator
from functools import cached_property
from types import ModuleType

from index.embedding import Embedder
from index.errors import ConfigurationError, EmbeddingFailed
from ingest.embed.shards import Job
from ingest.embed.work import Embedded, Share, embed_shard, to_do

MOST_PROCESSORS = 8
"""Processors of an actor: the local model computes on eight threads at most."""

CONNECT_S = 10.0

RESTARTS = 3
"""How often Ray restarts an actor that died, and repeats its shard."""


class Actor:
    """A worker on a node of the cluster, which reads the settings of its node."""

    def __init__(self, url: str, build: Callable[[Job], Embedder]) -> None:
        self._job = Job(url)
        self._build = build

    @cached_property
    def _embedder(self) -> Embedder:
        # Not in `__init__`, of whose errors Ray keeps the text only.
        embedder = self._build(self._job)
        self._job.check(embedder)
        return embedder

    def embed(self, shard: str) -> Embedded:
        """Embed a shard and store its vectors."""
        return embed_shard(self._job, self._embedder, shard)


def work_on_ray(address: str, job: Job, share: Share, build: Callable[[Job], Embedder]) -> Iterator[Embedded]:
    """Embed the shards of a share that have no vectors yet on a cluster; yield each once its vectors are stored.

    `build` makes the embedder of an actor on its node. Ray restarts an actor that dies and repeats its shard. Raises as
    `work` does, and ConfigurationError if Ray is not installed or the cluster does not answer.
    """
    shards = to_do(job, share)
    if not shards:
        return
    ray = _joined(address)
    try:
        processors, count = _actors(ray, len(shards))
        remote = ray.remote(Actor).options(
            num_cpus=processors, max_restarts=RESTARTS, max_task_retries=RESTARTS, scheduling_strategy="SPREAD"
        )
        pool = ray.util.ActorPool([remote.remote(job.url, build) for _ in range(count)])
        try:
            yield from pool.map_unordered(lambda actor, shard: actor.embed.remote(shard), shards)
        except ray.exceptions.RayTaskError as error:
            raise error.cause from error
        except ray.exceptions.RayError as error:
            raise EmbeddingFailed(
                f"the workers of the Ray cluster ended: {str(error).partition(chr(10))[0]}",
                "Check the memory and the logs of the nodes, then run the command again: it embeds what is left.",
            ) from error
    finally:
        ray.shutdown()


def _joined(address: str) -> ModuleType:
    """Join the cluster at an address; `local` starts one on this machine."""
    # Read at the import: Ray reports its use to its vendor, and a signal prints a stack, unless these are set.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DISABLE_FAILURE_SIGNAL_HANDLER", "1")
    stop = signal.getsignal(signal.SIGTERM)
    try:
        import ray
        import ray.util
    except ImportError as error:
        raise ConfigurationError(
            "--ray needs the package ray, which is not installed", "Install it with `make install-ray`."
        ) from error
    try:
        if listening := re.fullmatch(r"([^/:]+):(\d{1,5})", address):
            # Ray itself tries for minutes.
            socket.create_connection((listening[1], int(listening[2])), CONNECT_S).close()
        ray.init(
            address=address,
            include_dashboard=False if address == "local" else None,
            log_to_driver=False,
            logging_level="error",
        )
    except (OSError, ValueError, OverflowError, RuntimeError) as error:
        raise ConfigurationError(
            f"the Ray cluster at {address!r} cannot be joined: {str(error).partition(chr(10))[0]}",
            "Start one with `ray start --head`, or give `local`. Set RAY_AUTH_MODE=token if the cluster has one.",
        ) from error
    # Ray replaces it by a handler that exits with 1.
    signal.signal(signal.SIGTERM, stop)
    joined: ModuleType = ray
    return joined


def _actors(ray: ModuleType, shards: int) -> tuple[int, int]:
    """Return the processors of each actor, and the number of actors that the cluster has room for."""
    nodes = [int(node["Resources"].get("CPU", 0)) for node in ray.nodes() if node["Alive"]]
    usable = [processors for processors in nodes if processors]
    if not usable:
        raise ConfigurationError("no node of the Ray cluster has a processor", "Start nodes with `ray start`.")
    each = min(MOST_PROCESSORS, *usable)
    return each, min(shards, sum(processors // each for processors in usable))
