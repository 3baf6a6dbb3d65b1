"""A new generation from an earlier one: its catalogue and `embeddings.db` are enough, nothing is embedded again."""

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
from index.publish import abandon, new_staging, publish, write_manifest
from index.records import Configuration, Manifest
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
    """Publish a new generation of the articles in an earlier one's catalogue, which is whole, but for those `without`.

    The caller holds the ingest lock. Raises EmbeddingFailed where a vector is nowhere to be found, and PublishFailed.
    """
    with ExitStack() as stack:
        catalog = stack.enter_context(closing(Catalog(source / CATALOG)))
        hashes = {id_: hash_ for id_, hash_ in catalog.hashes().items() if id_ not in without}
        store = stack.enter_context(closing(vector_cache_of(data / EMBEDDINGS, configuration)))
        refill(store, catalog, data, configuration)
        # What a damaged manifest says of the dimension is not taken over.
        configuration = replace(configuration, dimension=_dimension(store, catalog) or configuration.dimension)

        staging = Staging(new_staging(data))
        stack.callback(abandon, staging.folder, server)
        stack.callback(staging.close)
        staging.keep(source / CATALOG, hashes)
        rows = staging.finish(store, configuration, server)
        made = write_manifest(staging.folder, configuration, hashes, rows)
        return publish(data, staging.folder, made, server)


def refill(store: VectorCache, catalog: Catalog, data: Path, configuration: Configuration) -> int:
    """Put vectors that the store lacks for a catalogue back from the generations that hold them; returns how many."""
    missing = store.missing(catalog.embedding_keys())
    lacking = len(missing)
    for name in generation_names(data) if missing else ():
        for keys, vectors in _vectors_of(generation_folder(data, name), configuration):
            wanted = [at for at, key in enumerate(keys) if key in missing]
            store.put([keys[at] for at in wanted], vectors[wanted])
            missing.difference_update(keys)
    return lacking - len(missing)


def _vectors_of(folder: Path, wanted: Configuration) -> Iterator[tuple[list[bytes], Matrix]]:
    """The keys and vectors of a generation, page by page; none where it is of another model, or damaged in these."""
    try:
        manifest = read_manifest(folder)
    except IndexDamaged:
        return
    made = manifest.configuration
    same = (made.embedding_model, made.embedding_graph) == (wanted.embedding_model, wanted.embedding_graph)
    if not same or not all(is_as_published(folder, manifest, name) for name in (CATALOG, VECTORS)):
        return
    vectors: Matrix = np.load(folder / VECTORS, mmap_mode="r")
    with closing(Catalog(folder / CATALOG)) as catalog:
        keys = list(catalog.embedding_keys())
    for start in range(0, len(keys), PAGE):
        yield keys[start : start + PAGE], vectors[start : start + PAGE]


def _dimension(store: VectorCache, catalog: Catalog) -> int | None:
    """The dimension that the stored vectors have; None where there are none."""
    held = store.get(list(islice(catalog.embedding_keys(), 1)))
    return next((len(vector) // 4 for vector in held.values()), None)
