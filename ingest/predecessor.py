"""The generation that an ingest goes on from: found, compared with the settings, and seen to be fit for it."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from index.embedding import Embedder
from index.errors import IndexMismatch
from index.generation import check_catalog, damaged_files, read_manifest
from index.layout import COLLECTION_FILE, LEASE, current_name, generation_folder, generation_names
from index.publish import SCHEMA_VERSION
from index.records import Configuration
from index.terms import stop_word_list
from ingest.chunk import CHUNKER


def configuration_of(embedder: Embedder, language: str) -> Configuration:
    """How a generation made now would be made; may ask a remote embedder for its dimension."""
    return Configuration(dimension=embedder.dimension, **identity(embedder, language))


def identity(embedder: Embedder, language: str) -> dict[str, Any]:
    """The configuration but for its dimension, which a remote embedder would have to be asked for."""
    return {
        "embedding_model": embedder.name,
        "embedding_graph": embedder.graph,
        "chunker": CHUNKER,
        "language": language,
        "stop_words": stop_word_list(language),
        "schema": SCHEMA_VERSION,
    }


def predecessor(data: Path, wanted: dict[str, Any] | None) -> Path | None:
    """The folder of the generation that an ingest goes on from; None where there is none yet.

    Nobody removes it while the caller holds the ingest lock. Raises IndexDamaged where its catalogue is not whole, and
    IndexMismatch where it was made in another way than `wanted`, unless that is None.
    """
    # A first ingest that was killed just before its end has left a whole generation that CURRENT does not name yet.
    name = current_name(data) or next(iter(generation_names(data)), None)
    if name is None:
        return None
    folder = generation_folder(data, name)
    manifest = read_manifest(folder)
    if wanted is not None:
        _check_configuration(manifest.configuration, wanted)
    # What is taken over from a damaged catalogue would pass for whole in every generation to come.
    check_catalog(folder, manifest)
    return folder


def _check_configuration(built: Configuration, wanted: dict[str, Any]) -> None:
    before = asdict(built)
    differing = [
        f"its {name} is {before[name]!r}, the settings say {wanted[name]!r}"
        for name in wanted
        if before[name] != wanted[name]
    ]
    if differing:
        raise IndexMismatch(
            f"the index was made in another way: {'; '.join(differing)}",
            "Make all of it anew with `dateline ingest --rebuild PATH`, use another folder with --data, or change the"
            " settings back.",
        )


def serves_on(old: Path, data: Path, *, on_server: bool) -> bool:
    """Whether a generation can stay the current one: it is not damaged, and its vectors are where they belong."""
    elsewhere = (old / COLLECTION_FILE).exists() != on_server
    if old.name != current_name(data) or elsewhere or not (old / LEASE).is_file():
        return False
    return not damaged_files(old, read_manifest(old))
