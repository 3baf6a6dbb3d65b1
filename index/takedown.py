"""Takedown: articles out of the index, their words and vectors gone from every file of it. Read `take_down` first."""

import time
from collections.abc import Collection, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from index.catalog import Catalog
from index.dense.server import ChromaServer
from index.dense.view import sweep_views
from index.errors import ConfigurationError, IndexDamaged, IndexNotFound
from index.generation import check_catalog, is_as_published, read_manifest
from index.layout import CATALOG, EMBEDDINGS, current_name, generation_folder, generation_names, orphans
from index.locks import ingest_lock
from index.publish import discard, sweep
from index.rebuild import rebuild
from index.vector_cache import forget_all_but

PATIENCE_S = 30.0
"""How long a takedown waits for running services to go over to the new generation."""
LOOK_S = 0.2


@dataclass(frozen=True, slots=True)
class Takedown:
    """What a takedown did: `waiting` are generations with the articles in them that are still being read.

    `origins` are the places where the articles came from, by id, as far as a generation still told.
    """

    article_ids: tuple[str, ...]
    origins: dict[str, str]
    generation: str | None
    removed_generations: tuple[str, ...]
    waiting: tuple[str, ...]
    removed_vectors: int

    @property
    def complete(self) -> bool:
        """Whether nothing of the articles is left in the data folder."""
        return not self.waiting


def take_down(
    data: Path, article_ids: Collection[str], server: ChromaServer | None = None, patience_s: float = PATIENCE_S
) -> Takedown:
    """Remove articles from the current generation, older ones and the stored vectors.

    Raises ConfigurationError where no generation holds one of the articles, IndexDamaged where the current generation
    cannot be read, IngestRunning, PublishFailed.
    """
    wanted = tuple(dict.fromkeys(article_ids))
    with ingest_lock(data):
        sweep(data, server)
        origins = _found(data, wanted)
        made = _published_without(data, wanted, server)
        holding = [name for name in generation_names(data) if _may_hold(generation_folder(data, name), wanted)]
        waiting = _discarded(data, holding, server, patience_s)
        kept = (name for name in generation_names(data) if name not in waiting)
        keys = (key for name in kept for key in _keys(generation_folder(data, name)))
        vectors = forget_all_but(data / EMBEDDINGS, keys)
        sweep_views()
    removed = tuple(name for name in holding if name not in waiting)
    # A collection on a server that cannot be reached waits in such a folder for the next run.
    waiting += [orphan.name for orphan in orphans(data)]
    return Takedown(wanted, origins, made, removed, tuple(waiting), vectors)


def _found(data: Path, wanted: tuple[str, ...]) -> dict[str, str]:
    """Where each article came from; raises ConfigurationError where one is in no generation."""
    names = generation_names(data)
    if not names:
        raise IndexNotFound(f"there is no index in {data}", "Make one with `dateline ingest PATH`.")
    origins: dict[str, str] = {}
    for folder in (generation_folder(data, name) for name in names):
        if _is_readable(folder):
            with closing(Catalog(folder / CATALOG)) as catalog:
                found = {article_id: catalog.article(article_id) for article_id in wanted}
            origins = {article_id: article.origin for article_id, article in found.items() if article} | origins
    unknown = [article_id for article_id in wanted if article_id not in origins]
    if unknown:
        raise ConfigurationError(
            f"no generation in {data} holds an article {', '.join(map(repr, unknown))}; nothing was removed",
            "`GET /v1/articles` and `dateline search` name the articles that there are.",
        )
    return origins


def _published_without(data: Path, wanted: tuple[str, ...], server: ChromaServer | None) -> str | None:
    """The new current generation; None where the present one holds none of the articles."""
    current = generation_folder(data, current_name(data) or "")
    manifest = read_manifest(current)
    check_catalog(current, manifest)
    if not _may_hold(current, wanted):
        return None
    return rebuild(data, current, manifest.configuration, without=wanted, server=server).generation


def _may_hold(folder: Path, wanted: tuple[str, ...]) -> bool:
    """Whether a generation has one of the articles in it; one that cannot be read may."""
    if not _is_readable(folder):
        return True
    with closing(Catalog(folder / CATALOG)) as catalog:
        return any(catalog.article(article_id) for article_id in wanted)


def _is_readable(folder: Path) -> bool:
    try:
        return is_as_published(folder, read_manifest(folder), CATALOG)
    except IndexDamaged:
        return False


def _discarded(data: Path, names: list[str], server: ChromaServer | None, patience_s: float) -> list[str]:
    """Remove generations as soon as nobody reads them; returns those that were still being read at the end."""
    deadline = time.monotonic() + patience_s
    left = names
    while left := [name for name in left if not discard(data, name, server)]:
        if time.monotonic() > deadline:
            break
        time.sleep(LOOK_S)
    return left


def _keys(folder: Path) -> Iterator[bytes]:
    with closing(Catalog(folder / CATALOG)) as catalog:
        yield from catalog.embedding_keys()
