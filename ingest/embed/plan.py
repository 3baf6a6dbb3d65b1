"""The first step of an embedding job: write what an ingest would embed into shards."""

from contextlib import closing
from dataclasses import dataclass

from index.catalog import key_of
from index.embedding import Embedder
from index.errors import ConfigurationError
from ingest.embed.by_key import ByKey
from ingest.embed.shards import SHARD_TEXTS, Job, JobModel
from ingest.job import Ingest, batches_to_store, changes_since, chunked, opened
from ingest.report import IngestReport, Progress


@dataclass(frozen=True, slots=True)
class Planned:
    """The result of a plan: its texts and shards, how many of these were not there before, and what was rejected."""

    texts: int
    shards: int
    written: int
    report: IngestReport


def plan(
    job: Job, ingest: Ingest, embedder: Embedder, progress: Progress, *, shard_texts: int = SHARD_TEXTS
) -> Planned:
    """Write the texts that an ingest would embed, and that the job does not have, into shards of `shard_texts`.

    Equal articles and an equal index give equal shards; shards that are there are not written again. A killed plan
    leaves no plan: run it again. Locks the data folder and changes nothing in it. Raises as `run` does,
    ConfigurationError if the job has another model, and StoreUnavailable.
    """
    job.refresh()
    if job.model is not None and (embedder.name, embedder.graph) != job.model[:2]:
        raise ConfigurationError(
            f"{job.place} is a job for {job.model.name} ({job.model.graph}), the settings say {embedder.name}"
            f" ({embedder.graph})",
            "Plan in another folder, or change the settings back.",
        )
    with opened(ingest, embedder) as (old, known, _), closing(ByKey()) as wanted, closing(_planned(job)) as planned:
        changes = changes_since(old, ingest)
        for batch in batches_to_store(ingest, old, changes, progress):
            texts = {key: text for article in batch.articles for key, text in chunked(article).texts.items()}
            keys = list(texts)
            there = known.of(keys).keys() | planned.of(keys).keys()
            wanted.add((key, _packed(texts[key])) for key in keys if key not in there)
        with progress.step("write the shards"):
            pages = (list(map(_unpacked, page)) for page in wanted.pages(shard_texts))
            shards = [job.add_texts(embedder.name, embedder.graph, page) for page in pages]
            if shards:
                model = JobModel(embedder.name, embedder.graph, embedder.dimension)
                job.add_plan(model, [name for name, _ in shards])
        written = sum(created for _, created in shards)
        return Planned(len(wanted), len(shards), written, changes.report(set(), dry_run=False))


def _planned(job: Job) -> ByKey:
    """Return the keys of the texts that the job has; a shard whose texts were deleted is planned again."""
    keys, there = ByKey(), job.has_texts()
    for shard in job.shards:
        if shard in there:
            keys.add((key_of(text), b"") for text in job.texts(shard))
    return keys


def _packed(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _unpacked(value: bytes) -> str:
    return value.decode("utf-8", "surrogatepass")
