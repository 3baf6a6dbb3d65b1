"""Takedown: remove articles, their words and their vectors from every file of the index. Read `take_down` first."""

import time
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from index.catalog import Catalog
from index.dense.server import ChromaServer
from index.dense.view import sweep_views
from index.errors import ConfigurationError, IndexDamaged, no_index
from index.generation import check_catalog, is_as_published, read_manifest
from index.layout import CATALOG, EMBEDDINGS, current_name, generation_folder, generation_names, orphans
from index.locks import ingest_lock
from index.rebuild import rebuild
from index.retention import discard, sweep
from index.vector_cache import forget_all_but

PATIENCE_S = 30.0
"""How long a takedown waits for running services to open the new generation, in seconds."""

POLL_S = 0.2


@dataclass(frozen=True, slots=True)
class Takedown:
    """The result of a takedown: `waiting` are generations with the articles that are still being read.

    `origins` are the origins of the articles by id, as far as a readable generation has them.
    """

    article_ids: tuple[str, ...]
    origins: dict[str, str]
    generation: str | None
    removed_generations: tuple[str, ...]
    waiting: tuple[str, ...]
    removed_vectors: int

    @property
    def complete(self) -> bool:
        """Return whether the data folder has no trace of the articles."""
        return not self.waiting


def take_down(
    data: Path, article_ids: Collection[str], server: ChromaServer | None = None, patience_s: float = PATIENCE_S
) -> Takedown:
    """Remove articles from the current generation, older ones and the vector cache.

    Raises ConfigurationError if no generation has one of the articles, IndexDamaged if the current generation cannot be
    read, IngestRunning and PublishFailed.
    """
    wanted = tuple(dict.fromkeys(article_ids))
    with ingest_lock(data):
        sweep(data, server)
        origins = _origins(data, wanted)
        published = _publish_without(data, wanted, server)
        holding = [name for name in generation_names(data) if _may_hold(generation_folder(data, name), wanted)]
        waiting = _discard_all(data, holding, server, patience_s)
        kept = (name for name in generation_names(data) if name not in waiting)
        keys = (key for name in kept for key in _keys(generation_folder(data, name)))
        vectors = forget_all_but(data / EMBEDDINGS, keys)
        sweep_views()
    removed = tuple(name for name in holding if name not in waiting)
    # A collection on a server that is not reached waits in such a folder for the next run.
    waiting += [orphan.name for orphan in orphans(data)]
    return Takedown(wanted, origins, published, removed, tuple(waiting), vectors)


def _origins(data: Path, wanted: tuple[str, ...]) -> dict[str, str]:
    """Return the origin of each article; raises ConfigurationError if no generation has one of them."""
    names = generation_names(data)
    if not names:
        raise no_index(data)
    origins: dict[str, str] = {}
    for folder in (generation_folder(data, name) for name in names):
        if _is_readable(folder):
            with closing(Catalog(folder / CATALOG)) as catalog:
                found = {article_id: catalog.article(article_id) for article_id in wanted}
            origins = {article_id: article.origin for article_id, article in found.items() if article} | origins
    unknown = [article_id for article_id in wanted if article_id not in origins]
    if unknown:
        raise ConfigurationError(
            f"no generation in {data} has an article {', '.join(map(repr, unknown))}; nothing was removed",
            "Look up the ids with `dateline search` or `GET /v1/articles`.",
        )
    return origins


def _publish_without(data: Path, wanted: tuple[str, ...], server: ChromaServer | None) -> str | None:
    """Publish the current generation without the articles; return its name, or None if it has none of them."""
    current = generation_folder(data, current_name(data) or "")
    manifest = read_manifest(current)
    check_catalog(current, manifest)
    if not _may_hold(current, wanted):
        return None
    return rebuild(data, current, manifest.configuration, without=wanted, server=server).generation


def _may_hold(folder: Path, wanted: tuple[str, ...]) -> bool:
    """Return whether a generation has one of the articles, or cannot be read."""
    if not _is_readable(folder):
        return True
    with closing(Catalog(folder / CATALOG)) as catalog:
        return any(catalog.article(article_id) for article_id in wanted)


def _is_readable(folder: Path) -> bool:
    try:
        return is_as_published(folder, read_manifest(folder), CATALOG)
    except IndexDamaged:
        return False


def _discard_all(data: Path, names: list[str], server: ChromaServer | None, patience_s: float) -> list[str]:
    """Remove generations as soon as they are not read; return those that are still read at the deadline."""
    deadline = time.monotonic() + patience_s
    left = names
    while left := [name for name in left if not discard(data, name, server)]:
        if time.monotonic() > deadline:
            break
        time.sleep(POLL_S)
    return left


def _keys(folder: Path) -> Iterator[bytes]:
    with closing(Catalog(folder / CATALOG)) as catalog:
        yield from catalog.embedding_keys()
