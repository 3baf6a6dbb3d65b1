"""Build a generation from the catalogue of an earlier one and the vector cache; no text is embedded again."""

from collections.abc import Collection, Iterator
from contextlib import ExitStack, closing
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np

from index.catalog import Catalog
from index.dense.server import ChromaServer
from index.embedding import Matrix
from index.errors import IndexDamaged
from index.generation import is_as_published, read_manifest
from index.layout import CATALOG, EMBEDDINGS, VECTORS, generation_folder, generation_names
from index.publish import new_staging, publish, write_manifest
from index.records import Configuration, Manifest
from index.retention import abandon
from index.staging import Staging
from index.vector_cache import PAGE, VectorCache, vector_cache_of


def rebuild(
    data: Path,
    source: Path,
    configuration: Configuration,
    *,
    without: Collection[str] = (),
    server: ChromaServer | None = None,
) -> Manifest:
    """Publish a new generation of the articles in an earlier one's valid catalogue, but for those `without`.

    The caller has the ingest lock. Raises EmbeddingFailed if a vector is missing everywhere, and PublishFailed.
    """
    with ExitStack() as stack:
        catalog = stack.enter_context(closing(Catalog(source / CATALOG)))
        hashes = {id_: hash_ for id_, hash_ in catalog.hashes().items() if id_ not in without}
        cache = stack.enter_context(closing(vector_cache_of(data / EMBEDDINGS, configuration)))
        refill(cache, catalog, data, configuration)
        # The dimension of the cached vectors, because the manifest may be corrupt.
        cached = cache.get(list(islice(catalog.embedding_keys(), 1)))
        for vector in cached.values():
            configuration = replace(configuration, dimension=len(vector) // 4)

        staging = Staging(new_staging(data))
        stack.callback(abandon, staging.folder, server)
        stack.callback(staging.close)
        staging.keep(source / CATALOG, hashes)
        rows = staging.finish(cache, configuration, server)
        manifest = write_manifest(staging.folder, configuration, hashes, rows)
        return publish(data, staging.folder, manifest, server)


def refill(cache: VectorCache, catalog: Catalog, data: Path, configuration: Configuration) -> int:
    """Copy the vectors of a catalogue that the cache lacks from the generations that have them; return how many."""
    missing = cache.missing(catalog.embedding_keys())
    lacking = len(missing)
    for name in generation_names(data) if missing else ():
        for keys, vectors in _vectors_of(generation_folder(data, name), configuration):
            wanted = [at for at, key in enumerate(keys) if key in missing]
            cache.put([keys[at] for at in wanted], vectors[wanted])
            missing.difference_update(keys)
    return lacking - len(missing)


def _vectors_of(folder: Path, wanted: Configuration) -> Iterator[tuple[list[bytes], Matrix]]:
    """Yield the keys and vectors of a generation, page by page, if they are valid and of the same model."""
    try:
        manifest = read_manifest(folder)
    except IndexDamaged:
        return
    found = manifest.configuration
    same = (found.embedding_model, found.embedding_graph) == (wanted.embedding_model, wanted.embedding_graph)
    if not same or not all(is_as_published(folder, manifest, name) for name in (CATALOG, VECTORS)):
        return
    vectors: Matrix = np.load(folder / VECTORS, mmap_mode="r")
    with closing(Catalog(folder / CATALOG)) as catalog:
        keys = list(catalog.embedding_keys())
    for start in range(0, len(keys), PAGE):
        yield keys[start : start + PAGE], vectors[start : start + PAGE]
